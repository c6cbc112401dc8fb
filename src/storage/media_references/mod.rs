//! Usages of media. A usage begins when its first link is issued, and is released when its last one
//! ends, in the commit of the link. Every function here fails only if the database does.

mod note;

use std::{
    collections::{BTreeSet, HashMap},
    fmt, mem,
};

use serde::Deserialize;

use super::{
    StorageError, cache_purges,
    engine::{Connection, Kind, QueryBuilder, Rows, query, query_scalar},
    front_purges, held_usages, meta_events,
};

use note::set_fresh;

pub use super::usage_state::{NotedUsage, UsageState};
pub use note::{note_usage, note_usages};

/// How soon the end of a usage's last link is acted on.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseDelays {
    /// Revoked and redacted: gathered for that long, in milliseconds.
    pub batch_window_ms: i64,
    /// Expired beside live media: may stay counted for that long, in milliseconds.
    pub release_after_ms: i64,
}

/// Why the last link of a usage has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndCause {
    /// It was revoked, redacted, spent or gone, or is part of another usage now.
    Wanted,
    /// Its time was over.
    Expired,
}

/// Notes that we have uploaded the media of a usage at this time, to be attached to the meta event
/// that counts it (MSC3911).
pub async fn note_own_upload(
    connection: &mut Connection,
    id: i64,
    uploaded_at: i64,
) -> Result<(), StorageError> {
    query("UPDATE media_references SET own_upload_at = $1 WHERE id = $2")
        .bind(uploaded_at)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Releases those of these usages that have no live link: at once if they were never counted,
/// otherwise by a review of their meta event. The times: when the links ended, and now.
pub(super) async fn release(
    connection: &mut Connection,
    usages: Vec<i64>,
    cause: EndCause,
    delays: ReleaseDelays,
    (ended_at, now): (i64, i64),
) -> Result<(), StorageError> {
    let usages = Vec::from_iter(usages.into_iter().collect::<BTreeSet<_>>());
    held_usages::hold(connection, &usages).await?;
    if cause == EndCause::Wanted && !usages.is_empty() {
        front_purges::wish(connection, usages.iter().copied(), (ended_at, now)).await?;
    }
    let unused = unused(connection, usages).await?;
    if cause == EndCause::Wanted {
        let media: Vec<i64> = unused.iter().map(|usage| usage.id).collect();
        cache_purges::wish(connection, &media, now).await?;
    }
    let is_uncounted = |usage: &&Unused| {
        let is_free = usage.counted_by.is_none() && usage.queued_in.is_none();
        is_free && usage.state != UsageState::Disabled.as_str()
    };
    let uncounted: Vec<i64> = unused
        .iter()
        .filter(is_uncounted)
        .map(|usage| usage.id)
        .collect();
    set_fresh(connection, &uncounted, UsageState::Released, None).await?;
    let to_review: BTreeSet<i64> = unused.iter().filter_map(|usage| usage.counted_by).collect();
    let mut later = BTreeSet::new();
    let review_at = match cause {
        EndCause::Wanted => now + delays.batch_window_ms,
        EndCause::Expired => {
            later = counting_live_media(connection, &to_review).await?;
            now
        }
    };
    let at_once = to_review.difference(&later).copied().collect();
    meta_events::review_all_by(connection, at_once, review_at).await?;
    let review_later_at = now + delays.release_after_ms;
    meta_events::review_all_by(connection, later, review_later_at).await
}

/// A usage without a live link.
#[derive(sqlx::FromRow)]
struct Unused {
    id: i64,
    state: String,
    counted_by: Option<i64>,
    queued_in: Option<i64>,
}

/// Those of these usages that have no live link.
async fn unused(
    connection: &mut Connection,
    usages: Vec<i64>,
) -> Result<Vec<Unused>, StorageError> {
    if usages.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new(
        "SELECT r.id, r.state, r.counted_by, r.queued_in FROM media_references r WHERE r.id IN ",
    );
    query
        .push_rows(Rows::of(&[("id", Kind::Integer)], usages))
        .push(
            " AND NOT EXISTS (SELECT 1 FROM links l \
             WHERE l.media_reference_id = r.id AND l.state = 'live')",
        );
    query.build_query_as().fetch_all(connection).await
}

/// Those of these meta events that count any media which still has a live link.
async fn counting_live_media(
    connection: &mut Connection,
    meta_events: &BTreeSet<i64>,
) -> Result<BTreeSet<i64>, StorageError> {
    if meta_events.is_empty() {
        return Ok(BTreeSet::new());
    }
    let events = meta_events.iter().copied();
    let mut query = QueryBuilder::new("SELECT e.id FROM ");
    query
        .push_rows(Rows::of(&[("id", Kind::Integer)], events))
        .push(
            " AS e WHERE EXISTS (SELECT 1 FROM media_references r JOIN links l ON l.media_reference_id = r.id \
             WHERE r.counted_by = e.id AND l.state = 'live')",
        );
    let live: Vec<i64> = query.build_query_scalar().fetch_all(connection).await?;
    Ok(live.into_iter().collect())
}

/// A usage that a meta event is to count, with what that event says about it.
#[derive(Clone, Deserialize)]
pub struct Usage {
    /// The usage.
    pub id: i64,
    /// The media.
    pub mxc: String,
    /// Its content token; empty: it has none.
    pub content_token: String,
    /// How many live links it has.
    pub links: i64,
    /// How many of them end.
    pub ending: i64,
    /// When the last of those ends, in milliseconds since the epoch.
    pub last_expiry: Option<i64>,
    /// The event of its first live link; empty: none.
    pub event_id: Option<String>,
    /// Since when it waits to be gathered, in milliseconds since the epoch; `None`: it does not.
    pub pending_at: Option<i64>,
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Usage")
            .field("id", &self.id)
            .field("mxc", &self.mxc)
            .field("links", &self.links)
            .finish_non_exhaustive()
    }
}

const USAGE: &str = "r.id, r.mxc, r.content_token, \
     (SELECT COUNT(*) FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live'), \
     (SELECT COUNT(l.expires_at) FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live'), \
     (SELECT MAX(l.expires_at) FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live'), \
     (SELECT l.event_id FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live' ORDER BY l.id LIMIT 1), \
     r.pending_at";

/// The usages with these IDs, with their tokens opened.
async fn with_ids(connection: &mut Connection, ids: &[i64]) -> Result<Vec<Usage>, StorageError> {
    let mut query = QueryBuilder::packed(USAGE);
    query
        .push("FROM media_references r WHERE r.id IN ")
        .push_rows(Rows::of(&[("id", Kind::Integer)], ids));
    let mut usages: Vec<Usage> = query.fetch_packed(&mut *connection).await?;
    for usage in &mut usages {
        let stored = mem::take(&mut usage.content_token);
        usage.content_token = connection.sealing.open_token(&usage.mxc, stored)?;
    }
    Ok(usages)
}

/// At most `limit` rooms in which usages of a bridge have waited to be gathered since before `before`.
pub async fn rooms_to_gather(
    connection: &mut Connection,
    bridge: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<String>, StorageError> {
    query_scalar(
        "SELECT (SELECT i.matrix_id FROM matrix_ids i WHERE i.id = here.room) FROM (SELECT DISTINCT room \
         FROM media_references WHERE bridge = $1 AND state = 'pending' AND queued_in IS NULL AND pending_at <= $2 \
         LIMIT $3) AS here",
    )
    .bind(bridge)
    .bind(before)
    .bind(limit)
    .fetch_all(connection)
    .await
}

/// At most `limit` usages of a room that wait to be gathered, the oldest of them first. Those whose links have all
/// ended meanwhile are released, and left out.
pub async fn gather(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    limit: i64,
) -> Result<Vec<Usage>, StorageError> {
    let waiting = held_usages::hold_waiting(connection, bridge, room_id, limit).await?;
    let mut usages = with_ids(connection, &waiting).await?;
    usages.sort_unstable_by_key(|usage| (usage.pending_at, usage.id));
    let (live, unused): (Vec<_>, Vec<_>) = usages.into_iter().partition(|usage| usage.links > 0);
    let unused: Vec<i64> = unused.iter().map(|usage| usage.id).collect();
    set_fresh(connection, &unused, UsageState::Released, None).await?;
    Ok(live)
}

/// The usages with these IDs that have a live link, in this order.
pub async fn live(connection: &mut Connection, ids: &[i64]) -> Result<Vec<Usage>, StorageError> {
    let usages = with_ids(connection, ids).await?;
    let mut live: HashMap<i64, Usage> = usages
        .into_iter()
        .filter(|usage| usage.links > 0)
        .map(|usage| (usage.id, usage))
        .collect();
    Ok(ids.iter().filter_map(|id| live.remove(id)).collect())
}

/// Makes failed usages with live links wait again, of a bridge's room or all; returns how many.
pub async fn retry_failed(
    connection: &mut Connection,
    of_room: Option<(&str, &str)>,
    now: i64,
) -> Result<u64, StorageError> {
    let mut query =
        QueryBuilder::new("UPDATE media_references SET state = 'pending', pending_at = ");
    query.push_bind(now).push(
        " WHERE state = 'failed' AND EXISTS (SELECT 1 FROM links l \
         WHERE l.media_reference_id = media_references.id AND l.state = 'live')",
    );
    if let Some((bridge, room_id)) = of_room {
        query.push(" AND bridge = ").push_bind(bridge.to_owned());
        query
            .push(" AND room = (SELECT id FROM matrix_ids WHERE matrix_id = ")
            .push_bind(room_id.to_owned())
            .push(")");
    }
    query.build().execute(connection).await
}

/// Has usages with live links counted that are not counted by events so far; returns how many.
/// Media that is linked without a room cannot be counted.
pub async fn count_disabled(connection: &mut Connection, now: i64) -> Result<u64, StorageError> {
    query(
        "UPDATE media_references SET state = 'pending', pending_at = $1 WHERE state = 'disabled' \
         AND room NOT IN (SELECT id FROM matrix_ids WHERE matrix_id = '') AND EXISTS (SELECT 1 FROM links l WHERE l.media_reference_id = media_references.id AND l.state = 'live')",
    )
    .bind(now)
    .execute(connection)
    .await
}
