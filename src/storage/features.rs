//! The features that the homeserver had when it was asked last, for a start while it does not answer.
//!
//! Every function here fails with [`StorageError`] if the database does.

use sqlx::{SqliteConnection, SqlitePool};

use super::StorageError;

/// Whether the homeserver had a feature when it was asked last.
pub async fn has(reader: &SqlitePool, name: &str) -> Result<bool, StorageError> {
    let found: i64 =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM homeserver_features WHERE name = $1)")
            .bind(name)
            .fetch_one(reader)
            .await?;
    Ok(found != 0)
}

/// Notes whether the homeserver has a feature; `true`: that is news.
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
