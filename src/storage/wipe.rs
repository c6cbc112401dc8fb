//! Secrets that nobody needs any more are wiped: those of links that have ended, once their usage is
//! released and their media purged from the cache; the content tokens of events that show their media no
//! more. What the API tells of them stays.
//!
//! Every function here fails only if the database does.

use super::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Rows, query},
};

/// A usage that nobody needs any more; `r` is its row.
const IS_OVER: &str = "r.state IN ('released', 'disabled', 'failed') \
     AND r.counted_by IS NULL AND r.queued_in IS NULL \
     AND NOT EXISTS (SELECT 1 FROM links o WHERE o.media_reference_id = r.id AND o.state = 'live')";

/// Not one whose links are still to name what is purged: media in caches, and answers in front of the service.
const IS_PURGED: &str = " AND NOT EXISTS (SELECT 1 FROM cache_purges p WHERE p.media_reference_id = r.id) \
     AND NOT EXISTS (SELECT 1 FROM front_purges p WHERE p.media_reference_id = r.id)";

/// Wipes up to `limit` rows of each kind; returns how many it was.
pub async fn wipe(connection: &mut Connection, limit: i64) -> Result<u64, StorageError> {
    let of_links = format!(
        "UPDATE links SET file = NULL, nonce = NULL, blurhash = NULL WHERE id IN \
         (SELECT l.id FROM links l JOIN media_references r ON r.id = l.media_reference_id \
         WHERE l.state <> 'live' AND (l.file IS NOT NULL OR l.nonce IS NOT NULL) \
         AND {IS_OVER}{IS_PURGED} LIMIT $1) AND state <> 'live'"
    );
    let of_links = query(sqlx::AssertSqlSafe(of_links)).bind(limit);
    let mut wiped = of_links.execute(&mut *connection).await?;
    wiped += wipe_tokens(connection, limit).await?;
    let of_seen = query(
        "UPDATE seen_media SET content_token = '' WHERE id IN (SELECT id FROM seen_media \
         WHERE content_token <> '' AND gone_at IS NOT NULL LIMIT $1)",
    );
    wiped += of_seen.bind(limit).execute(connection).await?;
    Ok(wiped)
}

/// Wipes the tokens of usages that are over.
async fn wipe_tokens(connection: &mut Connection, limit: i64) -> Result<u64, StorageError> {
    let mut over = QueryBuilder::new("SELECT r.id FROM media_references r WHERE ");
    over.push("r.content_token <> '' AND substr(r.content_token, 1, 1) <> ' ' AND ")
        .push(IS_OVER)
        .push(IS_PURGED)
        .push(" ORDER BY r.id LIMIT ")
        .push_bind(limit);
    if !connection.is_sqlite() {
        // From here on, none of them gets a new link until the end of this write.
        over.push(" FOR UPDATE");
    }
    let over: Vec<i64> = over
        .build_query_scalar()
        .fetch_all(&mut *connection)
        .await?;
    // Those that got one before are not over any more. In the place of a token stands something that is none.
    let mut wiping = QueryBuilder::new(
        "UPDATE media_references SET content_token = ' ' || id WHERE id IN (SELECT r.id FROM media_references r WHERE r.id IN ",
    );
    wiping
        .push_rows(Rows::of(&[("id", Kind::Integer)], over))
        .push(" AND ")
        .push(IS_OVER)
        .push(IS_PURGED)
        .push(")");
    wiping.build().execute(connection).await
}
