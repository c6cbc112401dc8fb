//! Several statements in one text, for tests.

use sqlx::Executor;

use super::connection::{Connection, On};
use crate::storage::StorageError;

/// Runs the statements of a text, which take no values.
///
/// # Errors
/// If the database fails.
pub async fn run_script(
    connection: &mut Connection,
    statements: &'static str,
) -> Result<(), StorageError> {
    let script = sqlx::raw_sql(statements);
    match On::from(connection) {
        On::Sqlite(connection) => connection.execute(script).await.map(drop)?,
        On::SqlitePool(pool) => pool.execute(script).await.map(drop)?,
        On::Postgres(connection) | On::PostgresReader(connection, _) => {
            connection.execute(script).await.map(drop)?
        }
        On::PostgresPool(pool, _) => pool.execute(script).await.map(drop)?,
    }
    Ok(())
}
