//! The ends of links, for [`ending`](super::super::ending) alone: each returns the usages that the
//! ended links were part of, which have to be released. All of this fails only if the database does.

use medialink_link::LinkState;

use super::{
    super::{
        StorageError,
        engine::{Connection, Kind, QueryBuilder, Rows, query_scalar},
        missing_media::AskedMedium,
    },
    criteria::{Criteria, Finder, push_criteria, push_part_of_time, push_time},
    list::bridges,
};

/// Which of the links that match end now: some at a time, so that others can write in between.
#[derive(Debug, Clone, Copy)]
pub(in crate::storage) struct Range {
    /// Links of lower rows have been looked at.
    pub(in crate::storage) after: i64,
    /// Links of higher rows are not meant.
    pub(in crate::storage) up_to: i64,
    /// How many of each kind end at once.
    pub(in crate::storage) limit: i64,
    /// Whether links are left out that have ended by another decision.
    pub(in crate::storage) is_new: bool,
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
    if range.is_new {
        query.push(concat!(" AND NOT EXISTS (", decided_end!(), ")"));
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
    query.push(" LIMIT ").push_bind(range.limit);
    if !connection.is_sqlite() {
        // Links that others end at the same time do not count against the limit.
        query.push(" FOR UPDATE");
    }
    query.push(") RETURNING id, media_reference_id");
    query.build_query_as().fetch_all(connection).await
}

/// Up to `limit` live links of events, given by room and ID, of every bridge, and those to media that these have
/// brought as edits; not those that have ended by another decision.
pub(in crate::storage) async fn live_of_events(
    connection: &mut Connection,
    events: &[(String, String)],
    limit: i64,
    now: i64,
) -> Result<Vec<i64>, StorageError> {
    let mut rows = Rows::new(&[("room_id", Kind::Text), ("event_id", Kind::Text)]);
    for (room_id, event_id) in events {
        rows.push([room_id.into(), event_id.into()]);
    }
    let live = concat!(
        " AND l.state = 'live' AND NOT EXISTS (",
        decided_end!(),
        ") AND (l.expires_at IS NULL OR l.expires_at > "
    );
    let mut query = QueryBuilder::new("SELECT l.id FROM ");
    query
        .push_rows(rows.clone())
        .push(" AS gone CROSS JOIN links l WHERE l.event_id = gone.event_id AND l.event_id <> '' AND + l.room = \
             (SELECT i.id FROM matrix_ids i WHERE i.matrix_id = gone.room_id)")
        .push(live)
        .push_bind(now)
        .push(") UNION SELECT l.id FROM ")
        .push_rows(rows)
        .push(
            " AS gone CROSS JOIN links l WHERE l.shown_by = gone.event_id AND l.shown_by <> '' AND + l.room = \
             (SELECT i.id FROM matrix_ids i WHERE i.matrix_id = gone.room_id)",
        )
        .push(live)
        .push_bind(now)
        .push(") LIMIT ")
        .push_bind(limit);
    query.build_query_scalar().fetch_all(connection).await
}

/// The last row of a link.
pub(in crate::storage) async fn last(connection: &mut Connection) -> Result<i64, StorageError> {
    let last: Option<i64> = query_scalar("SELECT MAX(id) FROM links")
        .fetch_one(connection)
        .await?;
    Ok(last.unwrap_or(0))
}

/// Ends those of these links that are live.
pub(in crate::storage) async fn end_live(
    connection: &mut Connection,
    ids: &[i64],
    state: LinkState,
    now: i64,
) -> Result<Vec<i64>, StorageError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("UPDATE links SET state = ");
    query
        .push_bind(state.as_str())
        .push(", ended_at = ")
        .push_bind(now)
        .push(" WHERE id IN ")
        .push_rows(Rows::of(&[("id", Kind::Integer)], ids))
        .push(" AND state = 'live' AND (expires_at IS NULL OR expires_at > ")
        .push_bind(now)
        .push(") RETURNING media_reference_id");
    query.build_query_scalar().fetch_all(connection).await
}

/// Revokes links that a bridge has made by itself, also those that have ended: of all their ends, only this
/// one cannot be undone.
pub(in crate::storage) async fn revoke_legacy(
    connection: &mut Connection,
    ids: &[i64],
    now: i64,
) -> Result<Vec<i64>, StorageError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("UPDATE links SET state = 'revoked', ended_at = ");
    query
        .push_bind(now)
        .push(" WHERE id IN ")
        .push_rows(Rows::of(&[("id", Kind::Integer)], ids))
        .push(" AND form = 'legacy' AND state <> 'revoked' RETURNING media_reference_id");
    query.build_query_scalar().fetch_all(connection).await
}

/// Ends up to `limit` live links to a medium that the homeserver no longer has: those of the bridge that was
/// told so, with this content token, and with this copy.
pub(in crate::storage) async fn end_gone(
    connection: &mut Connection,
    medium: &AskedMedium,
    limit: i64,
    now: i64,
) -> Result<Vec<i64>, StorageError> {
    let mut query = QueryBuilder::new("UPDATE links SET state = 'gone', ended_at = ");
    query
        .push_bind(now)
        .push(
            " WHERE state = 'live' AND id IN \
             (SELECT l.id FROM media_references r JOIN links l ON l.media_reference_id = r.id WHERE ",
        )
        .push_is_mxc("r.mxc", &medium.mxc)
        .push(" AND r.bridge = ")
        .push_bind(&medium.bridge)
        .push(" AND r.content_token = ")
        .push_bind(medium.secret())
        .push(" AND COALESCE(r.copy_mxc, '') = ")
        .push_bind(&medium.copy_mxc)
        .push(" AND l.state = 'live' AND (l.expires_at IS NULL OR l.expires_at > ")
        .push_bind(now)
        .push(") LIMIT ")
        .push_bind(limit)
        .push(") RETURNING media_reference_id");
    query.build_query_scalar().fetch_all(connection).await
}

/// Notes up to `limit` links whose time is over as expired; none while decisions are carried out, which may be
/// about the same links.
pub(in crate::storage) async fn expire(
    connection: &mut Connection,
    now: i64,
    limit: i64,
) -> Result<Vec<i64>, StorageError> {
    query_scalar(
        "UPDATE links SET state = 'expired', ended_at = expires_at WHERE id IN \
         (SELECT id FROM links WHERE state = 'live' AND expires_at IS NOT NULL AND expires_at <= $1 LIMIT $2) \
         AND state = 'live' AND expires_at <= $1 \
         AND NOT EXISTS (SELECT 1 FROM endings e WHERE e.finished_at IS NULL) RETURNING media_reference_id",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await
}
