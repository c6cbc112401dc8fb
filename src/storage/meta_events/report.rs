//! The outbox as people and tests look at it.

use crate::storage::{
    StorageError,
    engine::{QueryBuilder, Reader, query_as, query_scalar},
};

/// A meta event as `usage list` shows it.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct MetaEventSummary {
    /// The row's ID.
    pub id: i64,
    /// The bridge as whose user it is sent.
    pub bridge: String,
    /// The room into which it is sent.
    pub room_id: String,
    /// Its state, as the database spells it.
    pub state: String,
    /// Its event ID, once sent.
    pub event_id: Option<String>,
    /// The number of media that it counts, or is to count.
    pub media: i64,
    /// The number of attempts so far.
    pub attempts: i64,
    /// When it is tried next, in milliseconds since the epoch.
    #[serde(rename = "next_attempt_ts")]
    pub next_attempt_at: Option<i64>,
    /// The last error.
    pub last_error: Option<String>,
}

/// The newest meta events, of one state or of all.
pub async fn list(
    reader: &Reader,
    state: Option<&str>,
    limit: i64,
) -> Result<Vec<MetaEventSummary>, StorageError> {
    let mut query = QueryBuilder::new(
        "SELECT e.id, e.bridge, e.room_id, e.state, e.event_id, e.attempts, e.next_attempt_at, e.last_error, \
         (SELECT COUNT(*) FROM media_references r WHERE r.counted_by = e.id OR r.queued_in = e.id) AS media \
         FROM meta_events e WHERE ",
    );
    match state {
        None => query.push("e.id >= 0"),
        Some(state @ ("sent" | "redacted")) => {
            query.push("e.id >= 0 AND e.state = ").push_bind(state)
        }
        Some(state) => query
            .push("e.state NOT IN ('sent', 'redacted') AND e.state = ")
            .push_bind(state),
    };
    query.push(" ORDER BY e.id DESC LIMIT ").push_bind(limit);
    query.build_query_as().fetch_all(reader).await
}

/// How many usages are in each state.
pub async fn count_usages(reader: &Reader) -> Result<Vec<(String, i64)>, StorageError> {
    query_as("SELECT state, COUNT(*) FROM media_references GROUP BY state ORDER BY state")
        .fetch_all(reader)
        .await
}

/// How many meta events are still to be sent, redacted or reviewed, by their bridges.
pub async fn count_by_bridge(reader: &Reader) -> Result<Vec<(String, i64)>, StorageError> {
    query_as(
        "SELECT bridge, COUNT(*) FROM (SELECT bridge FROM meta_events \
         WHERE next_attempt_at IS NOT NULL AND claimed_until IS NULL \
         UNION ALL SELECT bridge FROM meta_events WHERE review_at IS NOT NULL) AS todo \
         GROUP BY bridge ORDER BY bridge",
    )
    .fetch_all(reader)
    .await
}

/// What waits to be told to the homeserver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Usages that no meta event was made for yet, and meta events to send or redact.
    pub waiting: i64,
    /// Since when the oldest of them waits, in milliseconds since the epoch; `None`: nothing does.
    pub since: Option<i64>,
}

/// What waits of all bridges.
pub async fn backlog(reader: &Reader) -> Result<Backlog, StorageError> {
    let usages: (i64, Option<i64>) = query_as(
        "SELECT COUNT(*), MIN(pending_at) FROM media_references WHERE state = 'pending' AND queued_in IS NULL",
    )
    .fetch_one(reader)
    .await?;
    let events: (i64, Option<i64>) = query_as(
        "SELECT COUNT(*), MIN(CASE WHEN state = 'waiting' THEN created_at END) FROM meta_events \
         WHERE next_attempt_at IS NOT NULL AND claimed_until IS NULL",
    )
    .fetch_one(reader)
    .await?;
    Ok(Backlog {
        waiting: usages.0 + events.0,
        since: usages.1.into_iter().chain(events.1).min(),
    })
}

/// How much the worker has to do now: meta events to send, redact or review, usages to gather, links
/// to note as expired, replaced rooms to check. Usages are due that wait since `gathered_before`.
pub async fn count_due(
    reader: &Reader,
    gathered_before: i64,
    now: i64,
) -> Result<i64, StorageError> {
    query_scalar(
        "SELECT (SELECT COUNT(*) FROM meta_events WHERE next_attempt_at <= $1 AND claimed_until IS NULL) \
         + (SELECT COUNT(*) FROM meta_events WHERE claimed_until IS NOT NULL) \
         + (SELECT COUNT(*) FROM meta_events WHERE review_at <= $1 AND state = 'sent') \
         + (SELECT COUNT(*) FROM media_references WHERE state = 'pending' AND queued_in IS NULL AND pending_at <= $2) \
         + (SELECT COUNT(*) FROM links WHERE state = 'live' AND expires_at <= $1) \
         + (SELECT COUNT(*) FROM room_successors WHERE check_at <= $1)",
    )
    .bind(now)
    .bind(gathered_before)
    .fetch_one(reader)
    .await
}

/// How many meta events wait to be sent or redacted, and how many reviews and gatherings are
/// still to come.
pub async fn count_waiting(reader: &Reader) -> Result<i64, StorageError> {
    query_scalar(
        "SELECT (SELECT COUNT(*) FROM meta_events WHERE next_attempt_at IS NOT NULL AND claimed_until IS NULL) \
         + (SELECT COUNT(*) FROM meta_events WHERE next_attempt_at IS NOT NULL AND claimed_until IS NOT NULL) \
         + (SELECT COUNT(*) FROM meta_events WHERE review_at IS NOT NULL AND state = 'sent') \
         + (SELECT COUNT(*) FROM media_references WHERE state = 'pending' AND queued_in IS NULL)",
    )
    .fetch_one(reader)
    .await
}
