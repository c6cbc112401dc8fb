//! Looking links up. All of this fails only if the database does.

use std::collections::BTreeSet;

use medialink_link::{
    KeyId, LinkClaims, LinkForm,
    matrix::{EventId, MxcUri},
};

use super::{
    super::{
        StorageError,
        engine::{Connection, Kind, On, QueryBuilder, Reader, Rows, query_scalar},
    },
    row::{LinkRow, SELECT},
};

/// The link with this ID.
pub async fn find(reader: &Reader, link_id: &str) -> Result<Option<LinkRow>, StorageError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push("WHERE l.link_id = ").push_bind(link_id);
    query.build_query_opened().fetch_optional(reader).await
}

/// The links with these IDs, in no order.
pub async fn find_all(
    reader: &Reader,
    link_ids: Vec<String>,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::new(SELECT);
    query
        .push("WHERE l.link_id IN ")
        .push_rows(Rows::of(&[("link_id", Kind::Text)], link_ids));
    query.build_query_opened().fetch_all(reader).await
}

/// The link with this ID, inside a write.
pub async fn find_in(
    connection: &mut Connection,
    link_id: &str,
) -> Result<Option<LinkRow>, StorageError> {
    let mut query = QueryBuilder::new(SELECT);
    query.push("WHERE l.link_id = ").push_bind(link_id);
    query.build_query_opened().fetch_optional(connection).await
}

/// The link with this ID, which was stored in this write.
pub async fn stored(connection: &mut Connection, link_id: &str) -> Result<LinkRow, StorageError> {
    find_in(connection, link_id)
        .await?
        .ok_or(StorageError::Corrupt("link, gone as soon as it was stored"))
}

/// The links to a medium that a bridge has made by itself, inside a write.
pub async fn legacy_in(
    connection: &mut Connection,
    bridge: &str,
    mxc: &MxcUri,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::new(SELECT);
    query
        .push("WHERE l.id IN (SELECT a.id FROM media_references u JOIN links a ON a.media_reference_id = u.id AND a.state = 'live' WHERE ")
        .push_is_mxc("u.mxc", mxc.to_string())
        .push(" AND u.bridge = ")
        .push_bind(bridge)
        .push(" UNION ALL SELECT a.id FROM media_references u JOIN links a ON a.media_reference_id = u.id AND NOT a.state = 'live' WHERE ")
        .push_is_mxc("u.mxc", mxc.to_string())
        .push(" AND u.bridge = ")
        .push_bind(bridge)
        .push(") AND l.form = 'legacy'");
    query.build_query_opened().fetch_all(connection).await
}

/// Links that were part of a usage, one for each file that they promise: attachments with
/// different keys may share an mxc URI.
pub async fn of_usage(
    connection: &mut Connection,
    media_reference_id: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::new(SELECT);
    query
        .push("WHERE l.id IN (SELECT MAX(id) FROM links WHERE state = 'live' AND media_reference_id = ")
        .push_bind(media_reference_id)
        .push(" GROUP BY file UNION ALL SELECT MAX(id) FROM links WHERE NOT state = 'live' AND media_reference_id = ")
        .push_bind(media_reference_id)
        .push(" GROUP BY file)");
    query.build_query_opened().fetch_all(connection).await
}

/// The links of a usage that have ended since a time, but for those whose time was over.
pub async fn ended_of_usage(
    reader: &Reader,
    media_reference_id: i64,
    since: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::new(SELECT);
    query
        .push("WHERE NOT l.state = 'live' AND l.state <> 'expired' AND l.media_reference_id = ")
        .push_bind(media_reference_id)
        .push(" AND l.ended_at >= ")
        .push_bind(since);
    query.build_query_opened().fetch_all(reader).await
}

/// The live links of an event, of every bridge, also those that wait for an answer to an open question.
pub async fn of_event<'e>(
    reader: impl Into<On<'e>>,
    room_id: &str,
    event_id: &str,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::new(SELECT);
    query
        .push("WHERE l.state = 'live' AND room.matrix_id || '' = ")
        .push_bind(room_id)
        .push(" AND l.event_id <> '' AND l.event_id = ")
        .push_bind(event_id);
    query.build_query_opened().fetch_all(reader).await
}

/// Live links to other media that the same bridge has linked for the event of this one, newest
/// first; not those with a limited number of follows.
pub async fn beside(
    reader: &Reader,
    link: &LinkRow,
    now: i64,
    limit: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    let Some(event_id) = &link.claims.event_id else {
        return Ok(Vec::new());
    };
    let mut query = QueryBuilder::new(SELECT);
    query
        .push("WHERE l.state = 'live' AND l.is_doubted = 0 AND room.matrix_id || '' = ")
        .push_bind(link.claims.room_id.as_str())
        .push(" AND l.event_id <> '' AND l.event_id = ")
        .push_bind(event_id.as_str())
        .push(" AND l.bridge || '' = ")
        .push_bind(&link.bridge)
        .push(" AND r.mxc <> ")
        .push_bind(link.claims.mxc.to_string())
        .push(" AND l.max_follows IS NULL AND (l.expires_at IS NULL OR l.expires_at > ")
        .push_bind(now)
        .push(") ORDER BY l.id DESC LIMIT ")
        .push_bind(limit);
    query.build_query_opened().fetch_all(reader).await
}

/// What a link is known by that a bridge asks for again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repeated {
    mxc: String,
    room_id: String,
    event_id: String,
    form: &'static str,
}

impl Repeated {
    /// Of a link with these claims and this form.
    #[must_use]
    pub fn of(claims: &LinkClaims, form: LinkForm) -> Self {
        let event_id = claims.event_id.as_ref();
        Self {
            mxc: claims.mxc.to_string(),
            room_id: claims.room_id.to_string(),
            event_id: event_id.map_or_else(String::new, EventId::to_string),
            form: form.as_str(),
        }
    }
}

/// The newest live links that the same bridge asked for before: same room, event, media and form,
/// not those with a limited number of follows.
pub async fn find_repeated(
    connection: &mut Connection,
    bridge: &str,
    asked: BTreeSet<Repeated>,
    now: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let (of_events, without): (Vec<_>, Vec<_>) =
        asked.into_iter().partition(|one| !one.event_id.is_empty());
    // Most are new: it is not worth much to find none.
    let mut query = QueryBuilder::packed("newest");
    query.push("FROM (");
    if !of_events.is_empty() {
        // An event has few links, a medium may have very many.
        let found = "FROM links e JOIN media_references u ON u.id = e.media_reference_id + 0 \
             WHERE e.event_id = asked.event_id AND e.event_id <> ''";
        push_repeated(&mut query, bridge, (found, of_events), now);
        if !without.is_empty() {
            query.push(" UNION ALL ");
        }
    }
    if !without.is_empty() {
        let found = "FROM media_references u JOIN links e ON e.media_reference_id = u.id WHERE e.event_id = ''";
        push_repeated(&mut query, bridge, (found, without), now);
    }
    query.push(") AS here WHERE newest IS NOT NULL");
    let newest: Vec<(i64,)> = query.fetch_packed(&mut *connection).await?;
    if newest.is_empty() {
        return Ok(Vec::new());
    }
    let newest = newest.into_iter().map(|(id,)| id);
    let mut query = QueryBuilder::new(SELECT);
    query
        .push("WHERE l.id IN ")
        .push_rows(Rows::of(&[("id", Kind::Integer)], newest))
        .push(" AND l.state = 'live'");
    if !connection.is_sqlite() {
        // None of them ends until the end of this write.
        query.push(" FOR UPDATE OF l");
    }
    query.build_query_opened().fetch_all(connection).await
}

/// The rows of the newest links of those that are found.
fn push_repeated(
    query: &mut QueryBuilder,
    bridge: &str,
    (found, asked): (&'static str, Vec<Repeated>),
    now: i64,
) {
    let mut rows = Rows::new(&[
        ("mxc", Kind::Text),
        ("room_id", Kind::Text),
        ("event_id", Kind::Text),
        ("form", Kind::Text),
    ]);
    for one in asked {
        rows.push([
            one.mxc.into(),
            one.room_id.into(),
            one.event_id.into(),
            one.form.into(),
        ]);
    }
    query
        .push("SELECT (SELECT MAX(e.id) ")
        .push(found)
        .push(" AND ")
        .push_same_mxc("u.mxc", "asked.mxc")
        .push(
            " AND u.room = (SELECT i.id FROM matrix_ids i WHERE i.matrix_id = asked.room_id) \
             AND e.form = asked.form AND e.state = 'live' AND e.max_follows IS NULL \
             AND (e.expires_at IS NULL OR e.expires_at > ",
        )
        .push_bind(now)
        .push(") AND u.bridge = ")
        .push_bind(bridge)
        .push(") AS newest FROM ")
        .push_rows(rows)
        .push(" AS asked");
}

/// The newest live link to the paste of this digest. One whose text was never attached to an event
/// and was uploaded before `attached_or_since` has lost it, and is left out (MSC3911).
pub async fn find_paste(
    connection: &mut Connection,
    digest: &[u8; 32],
    attached_or_since: i64,
    now: i64,
) -> Result<Option<LinkRow>, StorageError> {
    let mut query = QueryBuilder::new(SELECT);
    query
        .push("WHERE l.paste_digest = ")
        .push_bind(digest.to_vec())
        .push(" AND l.state = 'live' AND (l.expires_at IS NULL OR l.expires_at > ")
        .push_bind(now)
        .push(") AND (r.own_upload_at IS NULL OR r.copy_mxc IS NOT NULL OR r.own_upload_at > ")
        .push_bind(attached_or_since)
        .push(") ORDER BY l.id DESC LIMIT 1");
    if !connection.is_sqlite() {
        // It does not end until the end of this write.
        query.push(" FOR UPDATE OF l");
    }
    query.build_query_opened().fetch_optional(connection).await
}

/// How many live links a key has signed.
pub async fn count_of_key(reader: &Reader, key_id: KeyId, now: i64) -> Result<i64, StorageError> {
    query_scalar(
        "SELECT (SELECT COUNT(*) FROM links WHERE key_id = $1 AND state = 'live') \
         - (SELECT COUNT(*) FROM links WHERE key_id + 0 = $1 AND state = 'live' AND expires_at <= $2)",
    )
    .bind(i64::from(key_id))
    .bind(now)
    .fetch_one(reader)
    .await
}
