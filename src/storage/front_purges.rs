//! Answers that are to be purged from what is in front of the services: asked for in the commit that ends a link, if
//! any service has such a thing. Every function here fails only if the database does.

use super::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Reader, Rows, query, query_as},
};

/// The lease that says that something is in front. It is nobody's, so that none gives it back.
const FRONT: &str = "front";
/// For how long it says so, in milliseconds.
const SAYS_SO_MS: i64 = 7 * 86_400_000;
/// After how long answers are purged once more, in milliseconds: one that was on its way may have come into a cache.
const AGAIN_AFTER_MS: i64 = 60_000;
/// How many purges are begun at once.
const AT_ONCE: i64 = 64;

/// The answers about links of a usage.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct FrontPurge {
    /// The usage.
    pub media_reference_id: i64,
    /// Those of its links are meant that have ended since then.
    pub ended_since: i64,
    /// When it was due.
    pub next_attempt_at: i64,
    /// How often it has failed.
    pub attempts: i64,
    /// Whether it is purged for the second time.
    pub is_last: bool,
}

/// Notes that something is in front of the services, for a week.
pub async fn note_front(connection: &mut Connection, now: i64) -> Result<(), StorageError> {
    query(
        "INSERT INTO leases (name, holder, until) VALUES ($1, $1, $2) \
         ON CONFLICT (name) DO UPDATE SET until = $2",
    )
    .bind(FRONT)
    .bind(now + SAYS_SO_MS)
    .execute(connection)
    .await?;
    Ok(())
}

/// Asks for the answers about links of these usages to be purged, if anything is in front. The times: when the links
/// ended, and now.
pub async fn wish(
    connection: &mut Connection,
    usages: impl IntoIterator<Item = i64>,
    (ended_at, now): (i64, i64),
) -> Result<(), StorageError> {
    let rows = Rows::of(&[("id", Kind::Integer)], usages);
    let mut insert = QueryBuilder::new(
        "INSERT INTO front_purges (media_reference_id, ended_since, next_attempt_at) SELECT id, ",
    );
    insert
        .push_bind(ended_at)
        .push(" + 0, ")
        .push_bind(now)
        .push(" + 0 FROM ")
        .push_rows(rows)
        .push(" AS here WHERE EXISTS (SELECT 1 FROM leases WHERE name = ")
        .push_bind(FRONT)
        .push(" AND until > ")
        .push_bind(now)
        .push(
            ") ON CONFLICT (media_reference_id) DO UPDATE SET \
             next_attempt_at = excluded.next_attempt_at, attempts = 0, is_last = FALSE",
        );
    insert.build().execute(connection).await?;
    Ok(())
}

/// Some of the purges that are due.
pub async fn due(reader: &Reader, now: i64) -> Result<Vec<FrontPurge>, StorageError> {
    query_as(
        "SELECT media_reference_id, ended_since, next_attempt_at, attempts, is_last FROM front_purges \
         WHERE next_attempt_at <= $1 ORDER BY next_attempt_at LIMIT $2",
    )
    .bind(now)
    .bind(AT_ONCE)
    .fetch_all(reader)
    .await
}

/// Notes that answers were purged: they are purged once more, a little later. One that was asked for meanwhile stays.
pub async fn done(
    connection: &mut Connection,
    purge: &FrontPurge,
    now: i64,
) -> Result<(), StorageError> {
    if purge.is_last {
        return drop_purge(connection, purge).await;
    }
    query(
        "UPDATE front_purges SET is_last = TRUE, attempts = 0, next_attempt_at = $1 \
         WHERE media_reference_id = $2 AND next_attempt_at = $3",
    )
    .bind(now + AGAIN_AFTER_MS)
    .bind(purge.media_reference_id)
    .bind(purge.next_attempt_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives a purge up. One that was asked for meanwhile stays.
pub async fn drop_purge(
    connection: &mut Connection,
    purge: &FrontPurge,
) -> Result<(), StorageError> {
    query("DELETE FROM front_purges WHERE media_reference_id = $1 AND next_attempt_at = $2")
        .bind(purge.media_reference_id)
        .bind(purge.next_attempt_at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Puts a purge off that has failed.
pub async fn put_off(
    connection: &mut Connection,
    purge: &FrontPurge,
    until: i64,
) -> Result<(), StorageError> {
    query(
        "UPDATE front_purges SET attempts = attempts + 1, next_attempt_at = $1 \
         WHERE media_reference_id = $2 AND next_attempt_at = $3",
    )
    .bind(until)
    .bind(purge.media_reference_id)
    .bind(purge.next_attempt_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets purges that were due before this time, and that nobody does.
pub async fn forget(connection: &mut Connection, before: i64) -> Result<(), StorageError> {
    query("DELETE FROM front_purges WHERE next_attempt_at < $1")
        .bind(before)
        .execute(connection)
        .await?;
    Ok(())
}
