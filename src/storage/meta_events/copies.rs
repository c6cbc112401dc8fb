//! The copies of media that meta events are sent with (MSC3911).

use sqlx::{SqliteConnection, SqlitePool};

use crate::storage::StorageError;

use super::row::Claim;

/// The medium of a meta event that is sent with a copy.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct CopySource {
    /// Its mxc URI.
    pub mxc: String,
    /// Its content token; empty: none.
    pub content_token: String,
    /// The copy that is attached to the meta event that counts it now.
    pub copy_mxc: Option<String>,
    /// When we uploaded the medium ourselves to attach it, in milliseconds since the epoch; `None`:
    /// it is somebody else's.
    pub own_upload_at: Option<i64>,
}

/// The medium of a meta event that is sent with a copy.
pub async fn copy_source(reader: &SqlitePool, id: i64) -> Result<Option<CopySource>, StorageError> {
    Ok(sqlx::query_as(
        "SELECT r.mxc, r.content_token, r.copy_mxc, r.own_upload_at FROM meta_event_members m \
         JOIN media_references r ON r.id = m.media_reference_id WHERE m.meta_event_id = $1 LIMIT 1",
    )
    .bind(id)
    .fetch_optional(reader)
    .await?)
}

/// Notes the copy that a meta event is sent with from now on, made at `copied_at`. If it had a copy
/// before, its transaction ID changes: another copy is another request. Returns the transaction ID;
/// `None`: the claim is lost, and nothing was changed.
pub async fn note_copy(
    connection: &mut SqliteConnection,
    claim: &Claim,
    copy_mxc: &str,
    copied_at: i64,
) -> Result<Option<String>, StorageError> {
    Ok(sqlx::query_scalar(
        "UPDATE meta_events SET txn_id = CASE WHEN copy_mxc IS NULL THEN txn_id ELSE $1 END, \
         unknown_since = CASE WHEN copy_mxc IS NULL THEN unknown_since END, \
         copy_mxc = $2, copied_at = $3 WHERE id = $4 AND claim = $5 AND state = 'waiting' RETURNING txn_id",
    )
    .bind(crate::random::id())
    .bind(copy_mxc)
    .bind(copied_at)
    .bind(claim.id)
    .bind(&claim.token)
    .fetch_optional(connection)
    .await?)
}

/// The homeserver did not attach the copy, and the meta event is not in the room: it is sent at
/// `next_attempt_at` with another copy, under another transaction ID. `false`: the claim is lost, and
/// nothing was changed.
pub async fn replace_copy(
    connection: &mut SqliteConnection,
    claim: &Claim,
    next_attempt_at: i64,
    error: &str,
) -> Result<bool, StorageError> {
    let replaced = sqlx::query(
        "UPDATE meta_events SET copy_mxc = NULL, copied_at = NULL, copies_refused = copies_refused + 1, \
         txn_id = $1, claim = NULL, claimed_until = NULL, claimed_at = NULL, unknown_since = NULL, \
         next_attempt_at = $2, last_error = $3 WHERE id = $4 AND claim = $5 AND state = 'waiting'",
    )
    .bind(crate::random::id())
    .bind(next_attempt_at)
    .bind(error)
    .bind(claim.id)
    .bind(&claim.token)
    .execute(connection)
    .await?;
    Ok(replaced.rows_affected() > 0)
}
