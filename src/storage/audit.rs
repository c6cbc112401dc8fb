//! What operators have done.
//!
//! Every function here fails with [`StorageError`] if the database does.

use super::{
    StorageError,
    engine::{Connection, Reader, pick, query, query_as, query_scalar},
};

/// What somebody does.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Who: `console:<user or token>`, or `command line:<system user>`.
    pub actor: String,
    /// The words of the command.
    pub deed: &'static str,
    /// On what; no secret.
    pub subject: String,
    /// On how many; `None`: that is not known yet.
    pub affected: Option<i64>,
    /// When, in milliseconds since the epoch.
    pub done_at: i64,
}

/// What somebody has done.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct AuditEntry {
    /// Its number.
    pub id: i64,
    /// When it was begun, in milliseconds since the epoch.
    #[serde(rename = "done_ts")]
    pub done_at: i64,
    /// Who: `console:<user or token>`, or `command line:<system user>`.
    pub actor: String,
    /// The words of the command.
    pub deed: String,
    /// On what.
    pub subject: String,
    /// On how many; `None`: it has not ended, or has failed.
    pub affected: Option<i64>,
}

/// Notes what somebody does; returns the number of the entry.
pub async fn note(connection: &mut Connection, entry: &NewEntry) -> Result<i64, StorageError> {
    query_scalar(
        "INSERT INTO audit (done_at, actor, deed, subject, affected) VALUES ($1, $2, $3, $4, $5) RETURNING id",
    )
    .bind(entry.done_at)
    .bind(&entry.actor)
    .bind(entry.deed)
    .bind(&entry.subject)
    .bind(entry.affected)
    .fetch_one(connection)
    .await
}

/// Notes on how many it was done.
pub async fn conclude(
    connection: &mut Connection,
    id: i64,
    affected: i64,
) -> Result<(), StorageError> {
    query("UPDATE audit SET affected = $1 WHERE id = $2")
        .bind(affected)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// The newest entries with numbers below `before`.
pub async fn list(
    reader: &Reader,
    before: i64,
    limit: i64,
) -> Result<Vec<AuditEntry>, StorageError> {
    query_as(
        "SELECT a.id, a.done_at, a.actor, a.deed, a.subject, a.affected FROM audit a WHERE a.id < $1 \
         ORDER BY a.id DESC LIMIT $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(reader)
    .await
}

/// Forgets on what it was done where this ID is part of it.
pub(super) async fn forget_subject(
    connection: &mut Connection,
    id: &str,
) -> Result<(), StorageError> {
    query(pick(
        "UPDATE audit SET subject = 'erased' WHERE instr(subject, $1) > 0",
        "UPDATE audit SET subject = 'erased' WHERE strpos(subject, $1) > 0",
    ))
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}
