//! The ends of links, for [`ending`](super::super::ending) alone: each returns the usages that the
//! ended links were part of, which have to be released. All of this fails only if the database does.

use medialink_link::{KeyId, LinkState};

use super::{
    super::{
        StorageError,
        engine::{Connection, QueryBuilder, query_scalar},
        missing_media::AskedMedium,
    },
    criteria::{Criteria, Finder, push_criteria, push_part_of_time, push_time},
    list::bridges,
};

/// Which of the links that match end now: some at a time, so that others can write in between.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// Links of lower rows have been looked at.
    pub after: i64,
    /// Links of higher rows are not meant.
    pub up_to: i64,
    /// How many of each kind end at once.
    pub limit: i64,
}

impl Range {
    /// All of them.
    pub(in crate::storage) const ALL: Self = Self {
        after: -1,
        up_to: i64::MAX,
        limit: i64::MAX,
    };
}

/// A link that has ended, and the usage that it was part of.
pub(in crate::storage) type Ended = (i64, i64);

/// Ends live links that match, of one bridge or of all.
pub(in crate::storage) async fn end(
    connection: &mut Connection,
    bridge: Option<&str>,
    criteria: &Criteria,
    range: Range,
    (state, now): (LinkState, i64),
) -> Result<Vec<Ended>, StorageError> {
    if criteria.finder() != Finder::Time {
        return end_part(connection, bridge, criteria, range, None, (state, now)).await;
    }
    let bridges = match bridge {
        Some(bridge) => vec![bridge.to_owned()],
        None => bridges(connection).await?,
    };
    let mut ended = Vec::new();
    for bridge in &bridges {
        for is_known in [true, false] {
            let (bridge, part) = (Some(bridge.as_str()), Some(is_known));
            let of_part = end_part(connection, bridge, criteria, range, part, (state, now));
            ended.extend(of_part.await?);
        }
    }
    Ok(ended)
}

/// Ends the live links that match; `part`: of those, with a time that is known, or without.
async fn end_part(
    connection: &mut Connection,
    bridge: Option<&str>,
    criteria: &Criteria,
    range: Range,
    part: Option<bool>,
    (state, now): (LinkState, i64),
) -> Result<Vec<Ended>, StorageError> {
    let mut query = QueryBuilder::new("UPDATE links SET state = ");
    query
        .push_bind(state.as_str())
        .push(", ended_at = ")
        .push_bind(now)
        .push(
            " WHERE state = 'live' AND id IN (SELECT l.id FROM links l WHERE l.state = 'live' \
             AND (l.expires_at IS NULL OR l.expires_at > ",
        )
        .push_bind(now)
        .push(")");
    push_criteria(&mut query, bridge, criteria);
    match part {
        None => push_time(&mut query, criteria),
        Some(is_known) => push_part_of_time(&mut query, criteria, is_known),
    }
    // Only these are found with ended links among them, which are not to be looked at again and again.
    if criteria.finder() == Finder::RoomOrSender {
        query
            .push(" AND l.id > ")
            .push_bind(range.after)
            .push(" AND l.id <= ")
            .push_bind(range.up_to)
            .push(" ORDER BY l.id");
    } else {
        query.push(" AND + l.id <= ").push_bind(range.up_to);
    }
    query
        .push(" LIMIT ")
        .push_bind(range.limit)
        .push(") RETURNING id, media_reference_id");
    query.build_query_as().fetch_all(connection).await
}

/// The last row of a link.
pub(in crate::storage) async fn last(connection: &mut Connection) -> Result<i64, StorageError> {
    let last: Option<i64> = query_scalar("SELECT MAX(id) FROM links")
        .fetch_one(connection)
        .await?;
    Ok(last.unwrap_or(0))
}

/// Ends one link; `None`: it was not live.
pub(in crate::storage) async fn end_one(
    connection: &mut Connection,
    id: i64,
    state: LinkState,
    now: i64,
) -> Result<Option<i64>, StorageError> {
    query_scalar(
        "UPDATE links SET state = $1, ended_at = $2 WHERE id = $3 AND state = 'live' \
         AND (expires_at IS NULL OR expires_at > $2) RETURNING media_reference_id",
    )
    .bind(state.as_str())
    .bind(now)
    .bind(id)
    .fetch_optional(connection)
    .await
}

/// Ends the live links to media that an edit has brought, of every bridge.
pub(in crate::storage) async fn end_shown_by(
    connection: &mut Connection,
    room_id: &str,
    edit: &str,
    now: i64,
) -> Result<Vec<i64>, StorageError> {
    let ended = query_scalar(
        "UPDATE links SET state = 'redacted', ended_at = $1 \
         WHERE state = 'live' AND room_id = $2 AND shown_by = $3 AND shown_by <> '' \
         RETURNING media_reference_id",
    )
    .bind(now)
    .bind(room_id)
    .bind(edit)
    .fetch_all(connection)
    .await?;
    Ok(ended)
}

/// Revokes a link that a bridge has made by itself, also one that has ended: of all its ends, only
/// this one cannot be undone. `None`: it was revoked before.
pub(in crate::storage) async fn revoke_legacy(
    connection: &mut Connection,
    id: i64,
    now: i64,
) -> Result<Option<i64>, StorageError> {
    query_scalar(
        "UPDATE links SET state = 'revoked', ended_at = $1 \
         WHERE id = $2 AND form = 'legacy' AND state <> 'revoked' RETURNING media_reference_id",
    )
    .bind(now)
    .bind(id)
    .fetch_optional(connection)
    .await
}

/// Ends live links that a key has signed, up to `limit`.
pub(in crate::storage) async fn end_of_key(
    connection: &mut Connection,
    key_id: KeyId,
    limit: i64,
    now: i64,
) -> Result<Vec<i64>, StorageError> {
    query_scalar(
        "UPDATE links SET state = 'revoked', ended_at = $1 WHERE state = 'live' AND id IN \
         (SELECT id FROM links WHERE key_id = $2 AND state = 'live' \
         AND (expires_at IS NULL OR expires_at > $1) LIMIT $3) RETURNING media_reference_id",
    )
    .bind(now)
    .bind(i64::from(key_id))
    .bind(limit)
    .fetch_all(connection)
    .await
}

/// Ends the live links to a medium that the homeserver no longer has: those of the bridge that was told
/// so, with this content token, and with this copy.
pub(in crate::storage) async fn end_gone(
    connection: &mut Connection,
    medium: &AskedMedium,
    now: i64,
) -> Result<Vec<i64>, StorageError> {
    query_scalar(
        "UPDATE links SET state = 'gone', ended_at = $1 WHERE mxc = $2 AND bridge || '' = $3 \
         AND content_token = $4 AND state = 'live' AND (expires_at IS NULL OR expires_at > $1) \
         AND EXISTS (SELECT 1 FROM media_references r WHERE r.id = links.media_reference_id \
         AND COALESCE(r.copy_mxc, '') = $5) RETURNING media_reference_id",
    )
    .bind(now)
    .bind(&medium.mxc)
    .bind(&medium.bridge)
    .bind(&medium.content_token)
    .bind(&medium.copy_mxc)
    .fetch_all(connection)
    .await
}

/// Notes up to `limit` links whose time is over as expired.
pub(in crate::storage) async fn expire(
    connection: &mut Connection,
    now: i64,
    limit: i64,
) -> Result<Vec<i64>, StorageError> {
    query_scalar(
        "UPDATE links SET state = 'expired', ended_at = expires_at WHERE id IN \
         (SELECT id FROM links WHERE state = 'live' AND expires_at IS NOT NULL AND expires_at <= $1 LIMIT $2) \
         AND state = 'live' AND expires_at <= $1 RETURNING media_reference_id",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await
}
