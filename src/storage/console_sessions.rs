//! Sessions of the console, which all services on a database share. Of a session, only a digest of its ID is known.
//!
//! Every function here fails with [`StorageError`] if the database does.

use super::{
    StorageError,
    engine::{Connection, Reader, query, query_scalar},
};

/// How many sessions that are over one login deletes.
const DELETED_AT_ONCE: i64 = 100;

/// Begins a session that ends by itself, in milliseconds since the epoch; some that are over by now are deleted.
pub async fn begin(
    connection: &mut Connection,
    digest: &[u8; 32],
    expires_at: i64,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "DELETE FROM console_sessions WHERE digest IN \
         (SELECT digest FROM console_sessions WHERE expires_at <= $1 LIMIT $2)",
    )
    .bind(now)
    .bind(DELETED_AT_ONCE)
    .execute(&mut *connection)
    .await?;
    query("INSERT INTO console_sessions (digest, expires_at) VALUES ($1, $2)")
        .bind(digest.to_vec())
        .bind(expires_at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether a session goes on.
pub async fn goes_on(reader: &Reader, digest: &[u8; 32], now: i64) -> Result<bool, StorageError> {
    query_scalar(
        "SELECT EXISTS (SELECT 1 FROM console_sessions WHERE digest = $1 AND expires_at > $2)",
    )
    .bind(digest.to_vec())
    .bind(now)
    .fetch_one(reader)
    .await
}

/// Ends a session.
pub async fn end(connection: &mut Connection, digest: &[u8; 32]) -> Result<(), StorageError> {
    query("DELETE FROM console_sessions WHERE digest = $1")
        .bind(digest.to_vec())
        .execute(connection)
        .await?;
    Ok(())
}
