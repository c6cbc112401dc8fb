//! Purges that are due, and their outcome.

use crate::storage::{
    StorageError,
    engine::{Connection, Reader, query, query_scalar},
    links::{self, LinkRow},
};

/// After how long media is purged once more, in milliseconds: a download that was on its way when its
/// link ended may have come into the cache since.
const AGAIN_AFTER_MS: i64 = 60_000;

/// The usages whose media is to be purged now.
pub async fn due(reader: &Reader, now: i64) -> Result<Vec<i64>, StorageError> {
    query_scalar(
        "SELECT media_reference_id FROM cache_purges WHERE purge_at <= $1 ORDER BY purge_at LIMIT 256",
    )
    .bind(now)
    .fetch_all(reader)
    .await
}

/// Links of a usage, one for each file that they have promised: attachments with different keys
/// may share an mxc URI. None, if another link to the same media is live, of any bridge and room.
pub async fn media_of(
    reader: &Reader,
    media_reference_id: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    let is_wanted: bool = query_scalar(
        "SELECT EXISTS (SELECT 1 FROM media_references r JOIN links l \
         ON l.mxc = r.mxc AND l.content_token = r.content_token \
         WHERE r.id = $1 AND l.state = 'live')",
    )
    .bind(media_reference_id)
    .fetch_one(reader)
    .await?;
    if is_wanted {
        return Ok(Vec::new());
    }
    links::of_usage(reader, media_reference_id).await
}

/// Notes that media was purged; it is purged once more, a little later.
pub async fn done(
    connection: &mut Connection,
    media_reference_ids: &[i64],
    now: i64,
) -> Result<(), StorageError> {
    for id in media_reference_ids {
        query("DELETE FROM cache_purges WHERE media_reference_id = $1 AND is_last")
            .bind(id)
            .execute(&mut *connection)
            .await?;
        query(
            "UPDATE cache_purges SET purge_at = $1, is_last = TRUE WHERE media_reference_id = $2",
        )
        .bind(now + AGAIN_AFTER_MS)
        .bind(id)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
