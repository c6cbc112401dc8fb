//! The features that the homeserver had when it was asked last, for a start while it does not answer.
//!
//! Every function here fails with [`StorageError`] if the database does.

use super::{
    StorageError,
    engine::{Connection, Reader, query, query_scalar},
};

/// Whether the homeserver had a feature when it was asked last.
pub async fn has(reader: &Reader, name: &str) -> Result<bool, StorageError> {
    let found: bool =
        query_scalar("SELECT EXISTS (SELECT 1 FROM homeserver_features WHERE name = $1)")
            .bind(name)
            .fetch_one(reader)
            .await?;
    Ok(found)
}

/// Notes whether the homeserver has a feature; `true`: that is news.
pub async fn note(
    connection: &mut Connection,
    name: &str,
    has: bool,
    now: i64,
) -> Result<bool, StorageError> {
    let query = if has {
        query(
            "INSERT INTO homeserver_features (name, learnt_at) VALUES ($1, $2) \
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(now)
    } else {
        query("DELETE FROM homeserver_features WHERE name = $1").bind(name)
    };
    Ok(query.execute(connection).await? > 0)
}
