//! Several statements in one text, for tests.

use sqlx::Executor;

use super::connection::{Connection, On, Way};
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
    match On::from(connection).way {
        Way::Sqlite(connection) => connection.execute(script).await.map(drop)?,
        Way::SqliteReaders(readers) => {
            let mut reading = readers.acquire().await?;
            reading.connection().execute(script).await.map(drop)?;
        }
        Way::Postgres(connection) | Way::PostgresReader(connection, _) => {
            connection.execute(script).await.map(drop)?
        }
        Way::PostgresPool(pool, _) => pool.execute(script).await.map(drop)?,
    }
    Ok(())
}
