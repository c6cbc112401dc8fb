//! What is known of the bytes of media: their SHA-256, and what a scanner has said of them.
//!
//! Every function here fails with [`StorageError`] if the database does.

use super::{
    StorageError,
    engine::{Connection, Reader, query, query_as},
};

/// What is known of the bytes of a medium.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ScreenedMedium {
    /// The SHA-256 of the bytes, decrypted.
    pub sha256: Vec<u8>,
    /// What a scanner has said: see `media::screening`; empty: none was asked.
    pub scan: String,
}

/// What is known of a medium.
pub async fn find(reader: &Reader, name: &[u8]) -> Result<Option<ScreenedMedium>, StorageError> {
    query_as("SELECT sha256, scan FROM screened_media WHERE name = $1")
        .bind(name.to_vec())
        .fetch_optional(reader)
        .await
}

/// Notes what is known of a medium.
pub async fn note(
    connection: &mut Connection,
    name: &[u8],
    medium: &ScreenedMedium,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "INSERT INTO screened_media (name, sha256, scan, screened_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, scan = excluded.scan, screened_at = excluded.screened_at",
    )
    .bind(name.to_vec())
    .bind(medium.sha256.clone())
    .bind(&medium.scan)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}
