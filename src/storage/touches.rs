//! When media is touched next, for homeservers that count downloads.
//!
//! Every function here fails with [`StorageError`] if the database does.

use sqlx::{SqliteConnection, SqlitePool};

use super::StorageError;

/// Media whose touch is due.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DueTouch {
    /// The URI of the media.
    pub mxc: String,
    /// The bridge of the newest live link to it; `None`: no link is live.
    pub bridge: Option<String>,
    /// The content token of that link; empty: it has none.
    pub content_token: Option<String>,
    /// The number of touches in a row for which the homeserver did not have the media.
    pub misses: i64,
}

/// Has media touched at `at`, unless a touch is planned already.
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

/// The media that is due first, if any is due. A link is over from its expiry on, recorded or not.
pub async fn next_due(reader: &SqlitePool, now: i64) -> Result<Option<DueTouch>, StorageError> {
    Ok(sqlx::query_as(
        "SELECT t.mxc, t.misses, l.bridge, l.content_token FROM touches t \
         LEFT JOIN links l ON l.id = (SELECT MAX(id) FROM links \
         WHERE mxc = t.mxc AND state = 'live' AND (expires_at IS NULL OR expires_at > $1)) \
         WHERE t.waits_for_follow = 0 AND t.next_touch_at <= $1 ORDER BY t.next_touch_at LIMIT 1",
    )
    .bind(now)
    .fetch_optional(reader)
    .await?)
}

/// Notes that a link to media of another server was followed without a download: the media is touched
/// as soon as its last touch is long enough ago.
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

/// Notes a touch of media of another server, or a download, which is as good: the media is not touched
/// before `next`, and only after a link to it was followed again.
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

/// Notes a touch of local media, or a download, which is as good.
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
pub async fn forget(connection: &mut SqliteConnection, mxc: &str) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM touches WHERE mxc = $1")
        .bind(mxc)
        .execute(connection)
        .await?;
    Ok(())
}
