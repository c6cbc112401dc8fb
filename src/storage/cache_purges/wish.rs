//! The wish for a purge.

use crate::storage::{
    StorageError,
    engine::{Connection, query},
};

/// Asks for the media of a usage to be purged from the cache.
pub async fn wish(
    connection: &mut Connection,
    media_reference_id: i64,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "INSERT INTO cache_purges (media_reference_id, purge_at) VALUES ($1, $2) \
         ON CONFLICT (media_reference_id) DO UPDATE SET purge_at = $2, is_last = FALSE",
    )
    .bind(media_reference_id)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}
