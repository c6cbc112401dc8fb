//! What commands have put on the list of what is denied.
//!
//! Every function here fails with [`StorageError`] if the database does.

use super::{
    StorageError,
    engine::{Connection, Reader, query, query_as, query_scalar},
};

/// An entry of the list.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct StoredDenial {
    /// What it is about.
    pub kind: String,
    /// What is denied.
    pub value: String,
    /// Why, for the operator; may be empty.
    pub reason: String,
    /// Since when, in milliseconds since the epoch.
    #[serde(rename = "created_ts")]
    pub created_at: i64,
}

/// The version of the list, which grows with each change; 0: there was none.
pub async fn version(reader: &Reader) -> Result<i64, StorageError> {
    let version = query_scalar("SELECT version FROM list_versions WHERE list = 'denials'")
        .fetch_optional(reader)
        .await?;
    Ok(version.unwrap_or_default())
}

async fn note_change(connection: &mut Connection) -> Result<(), StorageError> {
    query(
        "INSERT INTO list_versions (list, version) VALUES ('denials', 1) \
         ON CONFLICT (list) DO UPDATE SET version = list_versions.version + 1",
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds an entry; `false`: it is on the list already, whose reason is now this one.
pub async fn add(connection: &mut Connection, entry: &StoredDenial) -> Result<bool, StorageError> {
    note_change(connection).await?;
    let added = query(
        "INSERT INTO denials (kind, value, reason, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (kind, value) DO NOTHING",
    )
    .bind(&entry.kind)
    .bind(&entry.value)
    .bind(&entry.reason)
    .bind(entry.created_at)
    .execute(&mut *connection)
    .await?;
    if added == 0 {
        query("UPDATE denials SET reason = $3 WHERE kind = $1 AND value = $2")
            .bind(&entry.kind)
            .bind(&entry.value)
            .bind(&entry.reason)
            .execute(connection)
            .await?;
    }
    Ok(added > 0)
}

/// Removes an entry; `false`: it is not on the list.
pub async fn remove(
    connection: &mut Connection,
    kind: &str,
    value: &str,
) -> Result<bool, StorageError> {
    note_change(connection).await?;
    let removed = query("DELETE FROM denials WHERE kind = $1 AND value = $2")
        .bind(kind)
        .bind(value)
        .execute(connection)
        .await?;
    Ok(removed > 0)
}

/// All entries, by kind and value.
pub async fn all(reader: &Reader) -> Result<Vec<StoredDenial>, StorageError> {
    query_as("SELECT kind, value, reason, created_at FROM denials ORDER BY kind, value")
        .fetch_all(reader)
        .await
}
