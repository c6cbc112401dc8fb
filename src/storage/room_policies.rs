//! The policies of rooms, as far as they are known. Every function here fails only if the database
//! does.

use std::collections::{BTreeSet, HashMap};

use super::{
    StorageError,
    engine::{Connection, Kind, On, QueryBuilder, Reader, Rows, query, query_as},
};

/// The links that a room allows. Without a policy, all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomPolicy {
    /// Whether there may be links to its media.
    pub enabled: bool,
    /// How long a link may live at most, in milliseconds.
    pub max_lifetime_ms: Option<i64>,
    /// How large linked media may be, in bytes.
    pub max_size: Option<i64>,
    /// Whether links lead to pages.
    pub pages_only: bool,
}

impl Default for RoomPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            max_lifetime_ms: None,
            max_size: None,
            pages_only: false,
        }
    }
}

impl RoomPolicy {
    /// How long a link may live at most, in whole seconds as tokens carry it: rounded down, but at
    /// least one.
    #[must_use]
    pub fn max_lifetime_s(&self) -> Option<i64> {
        let most = i64::from(u32::MAX);
        self.max_lifetime_ms
            .map(|ms| (ms / 1000).clamp(1, most))
            .filter(|seconds| *seconds < most)
    }
}

/// The policy of a room, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownPolicy {
    /// The policy as it was last known.
    pub policy: RoomPolicy,
    /// The event that sets it, where that is known.
    pub event_id: Option<String>,
    /// When it was last known to hold, in milliseconds since the epoch; `None`: never.
    pub known_at: Option<i64>,
    /// Whether the room has to be asked.
    pub must_ask: bool,
    /// Grows with everything that is noted: answers to earlier questions are not believed any more.
    pub revision: i64,
    /// The bridge as whose user it is asked.
    pub bridge: String,
    /// How often it has not answered since it last did.
    pub attempts: i64,
    /// When it is asked next, in milliseconds since the epoch; `None`: once something happens there.
    pub next_ask_at: Option<i64>,
}

impl KnownPolicy {
    /// Whether the room has not answered this bridge, and is not to be asked again yet.
    #[must_use]
    pub fn waits_for(&self, bridge: &str, now: i64) -> bool {
        self.bridge == bridge && self.next_ask_at.is_some_and(|at| now < at)
    }
}

#[derive(sqlx::FromRow, serde::Deserialize)]
struct Row {
    room_id: String,
    enabled: i64,
    max_lifetime_ms: Option<i64>,
    max_size: Option<i64>,
    pages_only: i64,
    event_id: String,
    known_at: Option<i64>,
    waits: i64,
    revision: i64,
    bridge: String,
    attempts: i64,
    next_ask_at: Option<i64>,
}

const SELECT: &str = "SELECT room_id, enabled, max_lifetime_ms, max_size, pages_only, event_id, known_at, \
     waits, revision, bridge, attempts, next_ask_at FROM room_policies WHERE room_id = $1";

fn known(row: Row) -> KnownPolicy {
    KnownPolicy {
        policy: RoomPolicy {
            enabled: row.enabled != 0,
            max_lifetime_ms: row.max_lifetime_ms,
            max_size: row.max_size,
            pages_only: row.pages_only != 0,
        },
        event_id: (!row.event_id.is_empty()).then_some(row.event_id),
        known_at: row.known_at,
        must_ask: row.waits != 0,
        revision: row.revision,
        bridge: row.bridge,
        attempts: row.attempts,
        next_ask_at: row.next_ask_at,
    }
}

/// The policy of a room, as far as it is known.
pub async fn find(reader: &Reader, room_id: &str) -> Result<Option<KnownPolicy>, StorageError> {
    let row: Option<Row> = query_as(SELECT)
        .bind(room_id)
        .fetch_optional(reader)
        .await?;
    Ok(row.map(known))
}

/// The same, inside a write.
pub async fn find_in(
    connection: &mut Connection,
    room_id: &str,
) -> Result<Option<KnownPolicy>, StorageError> {
    let row: Option<Row> = query_as(SELECT)
        .bind(room_id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(known))
}

/// The policies of these rooms, of those where any is known.
pub async fn find_all<'c>(
    on: impl Into<On<'c>>,
    rooms: &BTreeSet<&str>,
) -> Result<HashMap<String, KnownPolicy>, StorageError> {
    let mut query = QueryBuilder::packed(
        "room_id, enabled, max_lifetime_ms, max_size, pages_only, event_id, known_at, \
         waits, revision, bridge, attempts, next_ask_at",
    );
    query
        .push("FROM room_policies WHERE room_id IN ")
        .push_rows(Rows::of(&[("room_id", Kind::Text)], rooms.iter().copied()));
    let rows: Vec<Row> = query.fetch_packed(on).await?;
    let by_room = rows
        .into_iter()
        .map(|row| (row.room_id.clone(), known(row)));
    Ok(by_room.collect())
}

/// Notes the present policy of a room, and the bridge as whose user to ask the next time.
pub async fn note(
    connection: &mut Connection,
    room_id: &str,
    bridge: &str,
    policy: &RoomPolicy,
    event_id: Option<&str>,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "INSERT INTO room_policies (room_id, bridge, enabled, max_lifetime_ms, max_size, \
         pages_only, event_id, known_at, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1) \
         ON CONFLICT (room_id) DO UPDATE SET \
         bridge = $2, enabled = $3, max_lifetime_ms = $4, max_size = $5, pages_only = $6, \
         event_id = $7, known_at = $8, \
         waits = 0, attempts = 0, next_ask_at = NULL, revision = room_policies.revision + 1",
    )
    .bind(room_id)
    .bind(bridge)
    .bind(i64::from(policy.enabled))
    .bind(policy.max_lifetime_ms)
    .bind(policy.max_size)
    .bind(i64::from(policy.pages_only))
    .bind(event_id.unwrap_or(""))
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that the known policy of a room still holds.
pub async fn confirm(
    connection: &mut Connection,
    room_id: &str,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "UPDATE room_policies SET known_at = $1, waits = 0, attempts = 0, next_ask_at = NULL \
         WHERE room_id = $2",
    )
    .bind(now)
    .bind(room_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that a room has to be asked, as which bridge's user, how often it has not answered, and when
/// it is asked next (`None`: once something happens there). The known policy stands until then.
pub async fn note_unanswered(
    connection: &mut Connection,
    room_id: &str,
    bridge: &str,
    attempts: i64,
    next_ask_at: Option<i64>,
) -> Result<(), StorageError> {
    query(
        "INSERT INTO room_policies (room_id, bridge, waits, attempts, next_ask_at) \
         VALUES ($1, $2, 1, $3, $4) ON CONFLICT (room_id) DO UPDATE \
         SET bridge = $2, waits = 1, attempts = $3, next_ask_at = $4",
    )
    .bind(room_id)
    .bind(bridge)
    .bind(attempts)
    .bind(next_ask_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that the known policy of a room may not hold any more, so that it is asked at once; answers
/// that are on their way are not believed.
pub async fn doubt(
    connection: &mut Connection,
    room_id: &str,
    bridge: &str,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "UPDATE room_policies SET bridge = $1, waits = 1, attempts = 0, next_ask_at = $3, \
         revision = revision + 1 WHERE room_id = $2",
    )
    .bind(bridge)
    .bind(room_id)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// A room that has to be asked.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct WaitingRoom {
    /// The room.
    pub room_id: String,
    /// The bridge as whose user it is asked.
    pub bridge: String,
    /// The revision of the known policy.
    pub revision: i64,
}

/// Up to `limit` rooms that have to be asked by now, those that have waited longest first.
pub async fn waiting(
    reader: &Reader,
    now: i64,
    limit: i64,
) -> Result<Vec<WaitingRoom>, StorageError> {
    query_as(
        "SELECT room_id, bridge, revision FROM room_policies \
         WHERE waits = 1 AND next_ask_at <= $1 ORDER BY next_ask_at LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(reader)
    .await
}
