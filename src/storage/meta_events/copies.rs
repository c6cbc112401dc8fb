//! The copies of media that meta events are sent with (MSC3911).

use std::fmt;

use crate::storage::{
    StorageError,
    engine::{Connection, Opened, Reader, query, query_opened, query_scalar},
    sealer::Sealing,
};

use super::row::Claim;

/// A medium of a meta event that is sent with copies.
#[derive(Clone, sqlx::FromRow)]
pub struct CopySource {
    /// Its usage.
    pub usage: i64,
    /// Its mxc URI.
    pub mxc: String,
    /// Its content token; empty: none.
    pub content_token: String,
    /// The copy that is attached to the meta event that counts it now.
    pub attached_mxc: Option<String>,
    /// When we uploaded the medium ourselves to attach it, in milliseconds since the epoch; `None`:
    /// it is somebody else's.
    pub own_upload_at: Option<i64>,
    /// The copy that this meta event is sent with, once it is made.
    pub copy_mxc: Option<String>,
    /// When that copy was made, in milliseconds since the epoch.
    pub copied_at: Option<i64>,
}

impl fmt::Debug for CopySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopySource")
            .field("usage", &self.usage)
            .field("mxc", &self.mxc)
            .field("copy_mxc", &self.copy_mxc)
            .finish_non_exhaustive()
    }
}

impl Opened for CopySource {
    type Row = Self;

    fn open(mut source: Self, sealing: &Sealing) -> Result<Self, StorageError> {
        source.content_token = sealing.open_token(&source.mxc, source.content_token)?;
        Ok(source)
    }
}

/// A copy of a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCopy {
    /// The usage of the medium.
    pub usage: i64,
    /// The mxc URI of the copy.
    pub mxc: String,
    /// When it was made, in milliseconds since the epoch.
    pub copied_at: i64,
}

/// The media of a meta event that is sent with copies, always in the same order.
pub async fn copy_sources(reader: &Reader, id: i64) -> Result<Vec<CopySource>, StorageError> {
    query_opened(
        "SELECT r.id AS usage, r.mxc, r.content_token, r.copy_mxc AS attached_mxc, r.own_upload_at, \
         m.copy_mxc, m.copied_at FROM meta_event_members m \
         JOIN media_references r ON r.id = m.media_reference_id WHERE m.meta_event_id = $1 ORDER BY r.id",
    )
    .bind(id)
    .fetch_all(reader)
    .await
}

/// Notes copies that a meta event is sent with from now on. If `renews`, it may have been sent with
/// others before, so its transaction ID changes: another copy is another request. Returns the
/// transaction ID; `None`: the claim is lost, and nothing was changed.
pub async fn note_copies(
    connection: &mut Connection,
    claim: &Claim,
    copies: &[NewCopy],
    renews: bool,
) -> Result<Option<String>, StorageError> {
    let txn_id: Option<String> = query_scalar(
        "UPDATE meta_events SET txn_id = CASE WHEN $1 THEN $2 ELSE txn_id END, \
         unknown_since = CASE WHEN $1 THEN NULL ELSE unknown_since END \
         WHERE id = $3 AND claim = $4 AND state = 'waiting' RETURNING txn_id",
    )
    .bind(renews)
    .bind(crate::random::id())
    .bind(claim.id)
    .bind(&claim.token)
    .fetch_optional(&mut *connection)
    .await?;
    if txn_id.is_none() {
        return Ok(None);
    }
    for copy in copies {
        query(
            "UPDATE meta_event_members SET copy_mxc = $1, copied_at = $2 \
             WHERE meta_event_id = $3 AND media_reference_id = $4",
        )
        .bind(&copy.mxc)
        .bind(copy.copied_at)
        .bind(claim.id)
        .bind(copy.usage)
        .execute(&mut *connection)
        .await?;
    }
    Ok(txn_id)
}

/// The homeserver did not attach the copies, and the meta event is not in the room: it is sent at
/// `next_attempt_at` with others, under another transaction ID. `false`: the claim is lost, and
/// nothing was changed.
pub async fn replace_copies(
    connection: &mut Connection,
    claim: &Claim,
    next_attempt_at: i64,
    error: &str,
) -> Result<bool, StorageError> {
    let replaced = query(
        "UPDATE meta_events SET copies_refused = copies_refused + 1, txn_id = $1, claim = NULL, \
         claimed_until = NULL, claimed_at = NULL, unknown_since = NULL, next_attempt_at = $2, \
         last_error = $3 WHERE id = $4 AND claim = $5 AND state = 'waiting'",
    )
    .bind(crate::random::id())
    .bind(next_attempt_at)
    .bind(error)
    .bind(claim.id)
    .bind(&claim.token)
    .execute(&mut *connection)
    .await?;
    if replaced == 0 {
        return Ok(false);
    }
    query(
        "UPDATE meta_event_members SET copy_mxc = NULL, copied_at = NULL WHERE meta_event_id = $1",
    )
    .bind(claim.id)
    .execute(connection)
    .await?;
    Ok(true)
}
