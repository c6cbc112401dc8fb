//! The ends of links, for [`ending`](super::super::ending) alone: each returns the usages that the
//! ended links were part of, which have to be released. All of this fails only if the database does.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use medialink_link::{KeyId, LinkState};

use super::{
    super::StorageError,
    criteria::{Criteria, push_criteria},
};

/// Ends all live links that match, of one bridge or of all.
pub(in crate::storage) async fn end(
    connection: &mut SqliteConnection,
    bridge: Option<&str>,
    criteria: &Criteria,
    state: LinkState,
    now: i64,
) -> Result<Vec<i64>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new("UPDATE links AS l SET state = ");
    query
        .push_bind(state.as_str())
        .push(", ended_at = ")
        .push_bind(now)
        .push(" WHERE 1 = 1");
    let in_any_state = Criteria {
        state: None,
        ..criteria.clone()
    };
    push_criteria(&mut query, bridge, &in_any_state, now);
    query
        .push(" AND l.state = 'live' AND (l.expires_at IS NULL OR l.expires_at > ")
        .push_bind(now)
        .push(") RETURNING media_reference_id");
    Ok(query.build_query_scalar().fetch_all(connection).await?)
}

/// Ends one link; `None`: it was not live.
pub(in crate::storage) async fn end_one(
    connection: &mut SqliteConnection,
    id: i64,
    state: LinkState,
    now: i64,
) -> Result<Option<i64>, StorageError> {
    Ok(sqlx::query_scalar(
        "UPDATE links SET state = $1, ended_at = $2 WHERE id = $3 AND state = 'live' \
         AND (expires_at IS NULL OR expires_at > $2) RETURNING media_reference_id",
    )
    .bind(state.as_str())
    .bind(now)
    .bind(id)
    .fetch_optional(connection)
    .await?)
}

/// Ends the live links to media that an edit has brought, of every bridge.
pub(in crate::storage) async fn end_shown_by(
    connection: &mut SqliteConnection,
    room_id: &str,
    edit: &str,
    now: i64,
) -> Result<Vec<i64>, StorageError> {
    let ended = sqlx::query_scalar(
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
    connection: &mut SqliteConnection,
    id: i64,
    now: i64,
) -> Result<Option<i64>, StorageError> {
    Ok(sqlx::query_scalar(
        "UPDATE links SET state = 'revoked', ended_at = $1 \
         WHERE id = $2 AND form = 'legacy' AND state <> 'revoked' RETURNING media_reference_id",
    )
    .bind(now)
    .bind(id)
    .fetch_optional(connection)
    .await?)
}

/// Ends all live links that a key has signed.
pub(in crate::storage) async fn end_of_key(
    connection: &mut SqliteConnection,
    key_id: KeyId,
    now: i64,
) -> Result<Vec<i64>, StorageError> {
    Ok(sqlx::query_scalar(
        "UPDATE links SET state = 'revoked', ended_at = $1 WHERE key_id = $2 AND state = 'live' \
         AND (expires_at IS NULL OR expires_at > $1) RETURNING media_reference_id",
    )
    .bind(now)
    .bind(i64::from(key_id))
    .fetch_all(connection)
    .await?)
}

/// Notes up to `limit` links whose time is over as expired.
pub(in crate::storage) async fn expire(
    connection: &mut SqliteConnection,
    now: i64,
    limit: i64,
) -> Result<Vec<i64>, StorageError> {
    Ok(sqlx::query_scalar(
        "UPDATE links SET state = 'expired', ended_at = expires_at WHERE id IN \
         (SELECT id FROM links WHERE state = 'live' AND expires_at IS NOT NULL AND expires_at <= $1 LIMIT $2) \
         RETURNING media_reference_id",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await?)
}
