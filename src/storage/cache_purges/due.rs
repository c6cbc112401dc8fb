//! Purges that are due, and their outcome.

use crate::storage::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Reader, Rows, pick, query_scalar},
    links::{self, LinkRow},
};

/// After how long media is purged once more, in milliseconds: a download that was on its way when its
/// link ended may have come into the cache since.
const AGAIN_AFTER_MS: i64 = 60_000;

/// Whether any media is to be purged now.
pub async fn is_due(reader: &Reader, now: i64) -> Result<bool, StorageError> {
    query_scalar("SELECT EXISTS (SELECT 1 FROM cache_purges WHERE purge_at <= $1)")
        .bind(now)
        .fetch_one(reader)
        .await
}

/// The usages whose media is to be purged now. Who wishes for one of them once more waits for the end of this
/// write.
pub async fn take_due(connection: &mut Connection, now: i64) -> Result<Vec<i64>, StorageError> {
    query_scalar(pick(
        "SELECT media_reference_id FROM cache_purges WHERE purge_at <= $1 ORDER BY purge_at LIMIT 256",
        "SELECT media_reference_id FROM cache_purges WHERE purge_at <= $1 ORDER BY purge_at LIMIT 256 FOR UPDATE",
    ))
    .bind(now)
    .fetch_all(connection)
    .await
}

/// Links of a usage, one for each file that they have promised: attachments with different keys
/// may share an mxc URI. None, if another link to the same media is live, of any bridge and room.
pub async fn media_of(
    connection: &mut Connection,
    media_reference_id: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::new(
        "SELECT EXISTS (SELECT 1 FROM media_references r JOIN media_references o ON ",
    );
    query
        .push_same_mxc("o.mxc", "r.mxc")
        .push(
            " AND o.content_token = r.content_token JOIN links l ON l.media_reference_id = o.id \
             WHERE l.state = 'live' AND r.id = ",
        )
        .push_bind(media_reference_id)
        .push(")");
    let is_wanted: bool = query
        .build_query_scalar()
        .fetch_one(&mut *connection)
        .await?;
    if is_wanted {
        return Ok(Vec::new());
    }
    links::of_usage(connection, media_reference_id).await
}

/// Notes that media was purged; it is purged once more, a little later.
pub async fn done(
    connection: &mut Connection,
    media_reference_ids: &[i64],
    now: i64,
) -> Result<(), StorageError> {
    let done = || {
        Rows::of(
            &[("id", Kind::Integer)],
            media_reference_ids.iter().copied(),
        )
    };
    let mut last = QueryBuilder::new(
        "DELETE FROM cache_purges WHERE is_last AND media_reference_id IN (SELECT id FROM ",
    );
    last.push_rows(done()).push(" AS here)");
    last.build().execute(&mut *connection).await?;
    let mut again = QueryBuilder::new("UPDATE cache_purges SET is_last = TRUE, purge_at = ");
    again
        .push_bind(now + AGAIN_AFTER_MS)
        .push(" WHERE media_reference_id IN (SELECT id FROM ")
        .push_rows(done())
        .push(" AS here)");
    again.build().execute(connection).await?;
    Ok(())
}
