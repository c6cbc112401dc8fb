//! The entries of the log.

use crate::storage::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Reader, Rows, query, query_as, query_scalar},
};

/// How many entries are deleted at once.
const TRIMMED_AT_ONCE: i64 = 10_000;

/// Media that has to leave every cache.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Entry {
    /// Its place in the log.
    pub id: i64,
    /// The names of the media in caches, 32 bytes each.
    pub names: Vec<u8>,
}

/// Appends entries. The write holds `Lock::PurgeLog`.
pub async fn append(connection: &mut Connection, names: Vec<Vec<u8>>) -> Result<(), StorageError> {
    if names.is_empty() {
        return Ok(());
    }
    let rows = Rows::of(&[("names", Kind::Bytes)], names);
    let mut insert = QueryBuilder::new("INSERT INTO purge_log (names) SELECT names FROM ");
    insert.push_rows(rows).push(" AS here");
    insert.build().execute(connection).await?;
    Ok(())
}

/// The first entries behind this position, in order.
pub async fn after(reader: &Reader, position: i64, limit: i64) -> Result<Vec<Entry>, StorageError> {
    query_as("SELECT id, names FROM purge_log WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(position)
        .bind(limit)
        .fetch_all(reader)
        .await
}

/// Whether there are entries that every cursor is behind.
pub async fn is_trimmable(reader: &Reader) -> Result<bool, StorageError> {
    query_scalar(
        "SELECT EXISTS (SELECT 1 FROM purge_log WHERE id <= \
         COALESCE((SELECT MIN(position) FROM purge_cursors), 9223372036854775807))",
    )
    .fetch_one(reader)
    .await
}

/// Deletes some of the entries that every cursor is behind; `true`: there may be more.
pub async fn trim(connection: &mut Connection) -> Result<bool, StorageError> {
    let deleted = query(
        "DELETE FROM purge_log WHERE id IN (SELECT id FROM purge_log WHERE id <= \
         COALESCE((SELECT MIN(position) FROM purge_cursors), 9223372036854775807) ORDER BY id LIMIT $1)",
    )
    .bind(TRIMMED_AT_ONCE)
    .execute(connection)
    .await?;
    Ok(deleted >= TRIMMED_AT_ONCE.unsigned_abs())
}
