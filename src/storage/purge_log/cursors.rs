//! How far each cache has read.

use crate::storage::{
    StorageError,
    engine::{Connection, Reader, query, query_as, query_scalar},
};

/// How far a cache has read; `None`: it has no cursor.
pub async fn position(
    connection: &mut Connection,
    cache: &str,
) -> Result<Option<i64>, StorageError> {
    query_scalar("SELECT position FROM purge_cursors WHERE cache = $1")
        .bind(cache)
        .fetch_optional(connection)
        .await
}

/// Begins a cursor at the end of the log, for a cache that holds nothing yet; its position. One that is there
/// already stays where it is.
pub async fn join(
    connection: &mut Connection,
    cache: &str,
    holder: &str,
    now: i64,
) -> Result<i64, StorageError> {
    query(
        "INSERT INTO purge_cursors (cache, holder, position, seen_at) \
         VALUES ($1, $2, COALESCE((SELECT MAX(id) FROM purge_log), 0), $3) ON CONFLICT (cache) DO NOTHING",
    )
    .bind(cache)
    .bind(holder)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    Ok(position(connection, cache).await?.unwrap_or(0))
}

/// Makes a cursor ours: whoever had it before has lost it.
pub async fn claim(
    connection: &mut Connection,
    cache: &str,
    holder: &str,
    now: i64,
) -> Result<(), StorageError> {
    query("UPDATE purge_cursors SET holder = $1, seen_at = $2 WHERE cache = $3")
        .bind(holder)
        .bind(now)
        .bind(cache)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes how far a cache has purged; `false`: its cursor was dropped, or is another holder's.
pub async fn advance(
    connection: &mut Connection,
    cache: &str,
    holder: &str,
    position: i64,
    now: i64,
) -> Result<bool, StorageError> {
    let advanced = query(
        "UPDATE purge_cursors SET position = $1, seen_at = $2 WHERE cache = $3 AND holder = $4",
    )
    .bind(position)
    .bind(now)
    .bind(cache)
    .bind(holder)
    .execute(connection)
    .await?;
    Ok(advanced > 0)
}

/// The cursors that were last seen before a time, with that time.
pub async fn seen_before(reader: &Reader, before: i64) -> Result<Vec<(String, i64)>, StorageError> {
    query_as("SELECT cache, seen_at FROM purge_cursors WHERE seen_at < $1")
        .bind(before)
        .fetch_all(reader)
        .await
}

/// Drops a cursor that was not seen since this time.
pub async fn drop_cursor(
    connection: &mut Connection,
    cache: &str,
    seen_at: i64,
) -> Result<(), StorageError> {
    query("DELETE FROM purge_cursors WHERE cache = $1 AND seen_at = $2")
        .bind(cache)
        .bind(seen_at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Gives a cursor another name.
pub async fn rename(connection: &mut Connection, from: &str, to: &str) -> Result<(), StorageError> {
    query("UPDATE purge_cursors SET cache = $1 WHERE cache = $2")
        .bind(to)
        .bind(from)
        .execute(connection)
        .await?;
    Ok(())
}
