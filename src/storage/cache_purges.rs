//! Media to be taken out of the cache: wished for in the commit that kills the last link, and
//! done after it, so that a kill in between loses nothing.

use sqlx::{SqliteConnection, SqlitePool};

use super::{
    StorageError,
    links::{self, LinkRow},
};

/// After how long media is taken out once more, in milliseconds: what was on its way to a reader
/// when its link died may have come into the cache since.
const AGAIN_AFTER_MS: i64 = 60_000;

/// Wishes that media of a usage be taken out of the cache.
///
/// # Errors
/// If the database fails.
pub async fn wish(
    connection: &mut SqliteConnection,
    media_reference_id: i64,
    now: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO cache_purges (media_reference_id, purge_at) VALUES ($1, $2) \
         ON CONFLICT (media_reference_id) DO UPDATE SET purge_at = $2, is_last = FALSE",
    )
    .bind(media_reference_id)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// The usages whose media is to be taken out now.
///
/// # Errors
/// If the database fails.
pub async fn due(reader: &SqlitePool, now: i64) -> Result<Vec<i64>, StorageError> {
    Ok(sqlx::query_scalar(
        "SELECT media_reference_id FROM cache_purges WHERE purge_at <= $1 ORDER BY purge_at LIMIT 256",
    )
    .bind(now)
    .fetch_all(reader)
    .await?)
}

/// Links of a usage, one for each file that they have promised: attachments with different keys
/// may share an mxc URI. None, if another link to the same media is live, of whatever bridge
/// or room.
///
/// # Errors
/// If the database fails.
pub async fn media_of(
    reader: &SqlitePool,
    media_reference_id: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    let is_wanted: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM media_references r JOIN links l \
         ON l.mxc = r.mxc AND l.content_token = r.content_token \
         WHERE r.id = $1 AND l.state = 'live')",
    )
    .bind(media_reference_id)
    .fetch_one(reader)
    .await?;
    if is_wanted != 0 {
        return Ok(Vec::new());
    }
    links::of_usage(reader, media_reference_id).await
}

/// Notes that media was taken out; it is once more, a little later.
///
/// # Errors
/// If the database fails.
pub async fn done(
    connection: &mut SqliteConnection,
    media_reference_ids: &[i64],
    now: i64,
) -> Result<(), StorageError> {
    for id in media_reference_ids {
        sqlx::query("DELETE FROM cache_purges WHERE media_reference_id = $1 AND is_last")
            .bind(id)
            .execute(&mut *connection)
            .await?;
        sqlx::query(
            "UPDATE cache_purges SET purge_at = $1, is_last = TRUE WHERE media_reference_id = $2",
        )
        .bind(now + AGAIN_AFTER_MS)
        .bind(id)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
