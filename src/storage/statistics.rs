//! Statistics, by which a database chooses its plans. PostgreSQL takes them by itself.

use super::{
    StorageError,
    engine::{Connection, query},
};

/// Takes statistics of the tables of a SQLite file that have changed much, each by a sample.
///
/// # Errors
/// If the database fails.
pub async fn take(connection: &mut Connection) -> Result<(), StorageError> {
    if !connection.is_sqlite() {
        return Ok(());
    }
    query("PRAGMA analysis_limit = 1000")
        .execute(&mut *connection)
        .await?;
    // Of all tables, not only of those that this connection has read.
    query("PRAGMA optimize = 0x10002")
        .execute(connection)
        .await?;
    Ok(())
}
