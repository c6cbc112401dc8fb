//! How far a move is: a table of the target, which is there as long as the move has not ended.

use std::collections::BTreeMap;

use super::tables::Table;
use crate::storage::{
    StorageError,
    engine::{Connection, pick, query, query_as, query_scalar},
};

/// How many rows of which table have been moved.
pub(super) type Progress = BTreeMap<String, i64>;

/// Whether the database is the target of a move that has not ended.
///
/// # Errors
/// If the database fails.
pub(in crate::storage) async fn is_there(
    connection: &mut Connection,
) -> Result<bool, StorageError> {
    query_scalar(pick(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migration_progress')",
        "SELECT to_regclass('migration_progress') IS NOT NULL",
    ))
    .fetch_one(connection)
    .await
}

/// Notes that a move of these tables begins; inside a transaction.
pub(super) async fn begin(
    connection: &mut Connection,
    source: &str,
    tables: &[Table],
) -> Result<(), StorageError> {
    query(
        "CREATE TABLE migration_progress \
         (table_name TEXT NOT NULL PRIMARY KEY, source TEXT NOT NULL, rows_moved BIGINT NOT NULL)",
    )
    .execute(&mut *connection)
    .await?;
    for table in tables {
        query("INSERT INTO migration_progress (table_name, source, rows_moved) VALUES ($1, $2, 0)")
            .bind(&table.name)
            .bind(source)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// How far the move is that has begun.
pub(super) async fn read(
    connection: &mut Connection,
    source: &str,
) -> Result<Progress, StorageError> {
    let rows: Vec<(String, String, i64)> =
        query_as("SELECT table_name, source, rows_moved FROM migration_progress")
            .fetch_all(connection)
            .await?;
    if let Some((_, other, _)) = rows.iter().find(|(_, of, _)| of != source) {
        return Err(StorageError::File(format!(
            "the target is that of a move from {other}, which has not ended; allowed is to go on from there, or \
             another target"
        )));
    }
    let rows = rows.into_iter();
    Ok(rows.map(|(table, _, rows)| (table, rows)).collect())
}

/// Notes that so many more rows have been moved; in the transaction that brings them.
pub(super) async fn add(
    connection: &mut Connection,
    table: &Table,
    rows: i64,
) -> Result<(), StorageError> {
    query("UPDATE migration_progress SET rows_moved = rows_moved + $2 WHERE table_name = $1")
        .bind(&table.name)
        .bind(rows)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes that the move has ended.
pub(super) async fn end(connection: &mut Connection) -> Result<(), StorageError> {
    query("DROP TABLE migration_progress")
        .execute(connection)
        .await?;
    Ok(())
}
