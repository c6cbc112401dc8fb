//! Looking links up. All of this fails only if the database does.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection, SqliteExecutor, SqlitePool};

use medialink_link::{
    KeyId, LinkClaims, LinkForm,
    matrix::{EventId, MxcUri},
};

use super::{
    super::StorageError,
    criteria::{Criteria, push_criteria},
    row::{LinkRow, SELECT},
};

/// The link with this ID.
pub async fn find(reader: &SqlitePool, link_id: &str) -> Result<Option<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query.push("WHERE l.link_id = ").push_bind(link_id);
    Ok(query.build_query_as().fetch_optional(reader).await?)
}

/// The link with this ID, inside a write.
pub async fn find_in(
    connection: &mut SqliteConnection,
    link_id: &str,
) -> Result<Option<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query.push("WHERE l.link_id = ").push_bind(link_id);
    Ok(query.build_query_as().fetch_optional(connection).await?)
}

/// The link with this ID, which was stored in this write.
pub async fn stored(
    connection: &mut SqliteConnection,
    link_id: &str,
) -> Result<LinkRow, StorageError> {
    find_in(connection, link_id)
        .await?
        .ok_or(StorageError::Corrupt("link, gone as soon as it was stored"))
}

/// The links to a medium that a bridge has made by itself, inside a write.
pub async fn legacy_in(
    connection: &mut SqliteConnection,
    bridge: &str,
    mxc: &MxcUri,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query
        .push("WHERE l.form = 'legacy' AND l.mxc = ")
        .push_bind(mxc.to_string())
        .push(" AND l.bridge = ")
        .push_bind(bridge.to_owned());
    Ok(query.build_query_as().fetch_all(connection).await?)
}

/// Links that were part of a usage, one for each file that they promise: attachments with
/// different keys may share an mxc URI.
pub async fn of_usage(
    reader: &SqlitePool,
    media_reference_id: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query
        .push("WHERE l.id IN (SELECT MAX(id) FROM links WHERE media_reference_id = ")
        .push_bind(media_reference_id)
        .push(" GROUP BY file)");
    Ok(query.build_query_as().fetch_all(reader).await?)
}

/// The live links of an event, of every bridge, also those that wait for an answer to an open question.
pub async fn of_event<'e>(
    reader: impl SqliteExecutor<'e>,
    room_id: &str,
    event_id: &str,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query
        .push("WHERE l.state = 'live' AND l.room_id = ")
        .push_bind(room_id)
        .push(" AND l.event_id = ")
        .push_bind(event_id);
    Ok(query.build_query_as().fetch_all(reader).await?)
}

/// Live links to other media that the same bridge has linked for the event of this one, newest
/// first; not those with a limited number of follows.
pub async fn beside(
    reader: &SqlitePool,
    link: &LinkRow,
    now: i64,
    limit: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    let Some(event_id) = &link.claims.event_id else {
        return Ok(Vec::new());
    };
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query
        .push("WHERE l.state = 'live' AND l.is_doubted = 0 AND l.room_id = ")
        .push_bind(link.claims.room_id.as_str())
        .push(" AND l.event_id = ")
        .push_bind(event_id.as_str())
        .push(" AND l.bridge = ")
        .push_bind(&link.bridge)
        .push(" AND l.mxc <> ")
        .push_bind(link.claims.mxc.to_string())
        .push(" AND l.max_follows IS NULL AND (l.expires_at IS NULL OR l.expires_at > ")
        .push_bind(now)
        .push(") ORDER BY l.id DESC LIMIT ")
        .push_bind(limit);
    Ok(query.build_query_as().fetch_all(reader).await?)
}

/// The newest live link that the same bridge asked for before: same room, event, media and form,
/// not one of those with a limited number of follows.
pub async fn find_repeated(
    connection: &mut SqliteConnection,
    bridge: &str,
    claims: &LinkClaims,
    form: LinkForm,
    now: i64,
) -> Result<Option<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query
        .push("WHERE l.bridge = ")
        .push_bind(bridge)
        .push(" AND l.mxc = ")
        .push_bind(claims.mxc.to_string())
        .push(" AND l.room_id = ")
        .push_bind(claims.room_id.as_str())
        .push(" AND l.event_id = ")
        .push_bind(claims.event_id.as_ref().map_or("", EventId::as_str))
        .push(" AND l.form = ")
        .push_bind(form.as_str())
        .push(" AND l.state = 'live' AND l.max_follows IS NULL AND (l.expires_at IS NULL OR l.expires_at > ")
        .push_bind(now)
        .push(") ORDER BY l.id DESC LIMIT 1");
    Ok(query.build_query_as().fetch_optional(connection).await?)
}

/// The newest live link to the paste of this digest. One whose text was never attached to an event
/// and was uploaded before `attached_or_since` has lost it, and is left out (MSC3911).
pub async fn find_paste(
    connection: &mut SqliteConnection,
    digest: &[u8; 32],
    attached_or_since: i64,
    now: i64,
) -> Result<Option<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query
        .push("WHERE l.paste_digest = ")
        .push_bind(digest.to_vec())
        .push(" AND l.state = 'live' AND (l.expires_at IS NULL OR l.expires_at > ")
        .push_bind(now)
        .push(") AND (r.own_upload_at IS NULL OR r.copy_mxc IS NOT NULL OR r.own_upload_at > ")
        .push_bind(attached_or_since)
        .push(") ORDER BY l.id DESC LIMIT 1");
    Ok(query.build_query_as().fetch_optional(connection).await?)
}

/// One page of a bridge's links (of all bridges: `None`), newest first; `before`: the row that the
/// page before ended with.
pub async fn list(
    reader: &SqlitePool,
    bridge: Option<&str>,
    criteria: &Criteria,
    before: Option<i64>,
    limit: i64,
    now: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query.push("WHERE 1 = 1");
    push_criteria(&mut query, bridge, criteria, now);
    if let Some(before) = before {
        query.push(" AND l.id < ").push_bind(before);
    }
    query.push(" ORDER BY l.id DESC LIMIT ").push_bind(limit);
    Ok(query.build_query_as().fetch_all(reader).await?)
}

/// How many live links a key has signed.
pub async fn count_of_key(
    reader: &SqlitePool,
    key_id: KeyId,
    now: i64,
) -> Result<i64, StorageError> {
    Ok(sqlx::query_scalar(
        "SELECT COUNT(*) FROM links WHERE key_id = $1 AND state = 'live' \
         AND (expires_at IS NULL OR expires_at > $2)",
    )
    .bind(i64::from(key_id))
    .bind(now)
    .fetch_one(reader)
    .await?)
}
