//! What the homeserver can do, as it said last: so that a start while it is away knows it.

use sqlx::{SqliteConnection, SqlitePool};

use super::StorageError;

/// Whether the homeserver had a feature when it was asked last.
///
/// # Errors
/// If the database fails.
pub async fn has(reader: &SqlitePool, name: &str) -> Result<bool, StorageError> {
    let found: i64 =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM homeserver_features WHERE name = $1)")
            .bind(name)
            .fetch_one(reader)
            .await?;
    Ok(found != 0)
}

/// Notes that the homeserver has a feature, or has it no more; `true`: that is news.
///
/// # Errors
/// If the database fails.
pub async fn note(
    connection: &mut SqliteConnection,
    name: &str,
    has: bool,
    now: i64,
) -> Result<bool, StorageError> {
    let query = if has {
        sqlx::query(
            "INSERT INTO homeserver_features (name, learnt_at) VALUES ($1, $2) \
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(now)
    } else {
        sqlx::query("DELETE FROM homeserver_features WHERE name = $1").bind(name)
    };
    Ok(query.execute(connection).await?.rows_affected() > 0)
}
