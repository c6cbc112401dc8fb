//! When local media is to be touched next, for homeservers that count downloads.

use sqlx::{SqliteConnection, SqlitePool};

use super::StorageError;

/// Media to touch: as which bridge, and with which content token (empty: none).
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DueTouch {
    /// The media.
    pub mxc: String,
    /// A bridge with a live link to it; `None`: no link is live.
    pub bridge: Option<String>,
    /// The content token of that link.
    pub content_token: Option<String>,
    /// How many touches in a row have found nothing.
    pub misses: i64,
}

/// Has media touched at `at`, unless it is in the book already.
///
/// # Errors
/// If the database fails.
pub async fn schedule(
    connection: &mut SqliteConnection,
    mxc: &str,
    at: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO touches (mxc, next_touch_at) VALUES ($1, $2) ON CONFLICT (mxc) DO NOTHING",
    )
    .bind(mxc)
    .bind(at)
    .execute(connection)
    .await?;
    Ok(())
}

/// The media that is due first, if any is due.
///
/// # Errors
/// If the database fails.
pub async fn next_due(reader: &SqlitePool, now: i64) -> Result<Option<DueTouch>, StorageError> {
    Ok(sqlx::query_as(
        "SELECT t.mxc, t.misses, l.bridge, l.content_token FROM touches t \
         LEFT JOIN links l ON l.id = (SELECT MAX(id) FROM links WHERE mxc = t.mxc AND state = 'live') \
         WHERE t.waits_for_follow = 0 AND t.next_touch_at <= $1 ORDER BY t.next_touch_at LIMIT 1",
    )
    .bind(now)
    .fetch_optional(reader)
    .await?)
}

/// Notes that media of another server was followed without a download: it is touched for that, as
/// soon as its last touch is long enough ago.
///
/// # Errors
/// If the database fails.
pub async fn followed(
    connection: &mut SqliteConnection,
    mxc: &str,
    at: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO touches (mxc, next_touch_at) VALUES ($1, $2) \
         ON CONFLICT (mxc) DO UPDATE SET waits_for_follow = 0",
    )
    .bind(mxc)
    .bind(at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes a touch of media of another server, or a download that is as good: it is not touched
/// before `next`, and only once it was followed again.
///
/// # Errors
/// If the database fails.
pub async fn touched_elsewhere(
    connection: &mut SqliteConnection,
    mxc: &str,
    next: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO touches (mxc, next_touch_at, waits_for_follow) VALUES ($1, $2, 1) \
         ON CONFLICT (mxc) DO UPDATE SET next_touch_at = $2, misses = 0, waits_for_follow = 1",
    )
    .bind(mxc)
    .bind(next)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes a touch, or a download that is as good.
///
/// # Errors
/// If the database fails.
pub async fn touched(
    connection: &mut SqliteConnection,
    mxc: &str,
    next: i64,
    misses: i64,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE touches SET next_touch_at = $1, misses = $2 WHERE mxc = $3")
        .bind(next)
        .bind(misses)
        .bind(mxc)
        .execute(connection)
        .await?;
    Ok(())
}

/// Stops touching media.
///
/// # Errors
/// If the database fails.
pub async fn forget(connection: &mut SqliteConnection, mxc: &str) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM touches WHERE mxc = $1")
        .bind(mxc)
        .execute(connection)
        .await?;
    Ok(())
}
