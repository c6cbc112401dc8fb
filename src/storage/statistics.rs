//! Statistics, by which a database chooses its plans.

use super::{
    StorageError,
    engine::{Connection, Reader, pick, query, query_scalar},
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

/// Whether a table on a PostgreSQL server has doubled since its last statistics. The server takes
/// statistics by itself, but no more often than each minute: until then, plans are those for tables that are empty,
/// and a minute is enough to fill them.
///
/// # Errors
/// If the database fails.
pub async fn are_old(reader: &Reader) -> Result<bool, StorageError> {
    query_scalar(pick(
        "SELECT FALSE",
        "SELECT EXISTS (SELECT 1 FROM pg_stat_user_tables WHERE schemaname = current_schema() \
         AND n_mod_since_analyze > 1000 AND n_mod_since_analyze > n_live_tup / 2)",
    ))
    .fetch_one(reader)
    .await
}

/// Takes statistics on a PostgreSQL server of the tables that links grow in, by a sample of each. Those of which
/// somebody else does the same are left out.
///
/// # Errors
/// If the database fails.
pub async fn renew(connection: &mut Connection) -> Result<(), StorageError> {
    query(
        "ANALYZE (SKIP_LOCKED) links, media_references, meta_events, meta_event_members, matrix_ids, touches, \
         seen_media, appservice_transactions, redacted_events, room_policies",
    )
    .execute(connection)
    .await?;
    Ok(())
}
