//! When rooms with open questions are asked.

use super::super::{
    StorageError,
    engine::{Connection, Reader, query, query_as, query_scalar},
};

/// When a new question is asked first, in milliseconds.
const FIRST_AFTER_MS: i64 = 5_000;

/// A room that is to be asked.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct QuestionedRoom {
    /// The bridge as whose user it is asked.
    pub bridge: String,
    /// The room.
    pub room_id: String,
    /// How often it has not answered.
    pub attempts: i64,
}

/// Plans to ask a room, if that is not planned yet.
pub(super) async fn plan(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "INSERT INTO questioned_rooms (bridge, room_id, next_ask_at) VALUES ($1, $2, $3) \
         ON CONFLICT (bridge, room_id) DO NOTHING",
    )
    .bind(bridge)
    .bind(room_id)
    .bind(now + FIRST_AFTER_MS)
    .execute(connection)
    .await?;
    Ok(())
}

/// Up to `limit` rooms whose time has come, those that have waited longest first.
pub async fn due(
    reader: &Reader,
    now: i64,
    limit: i64,
) -> Result<Vec<QuestionedRoom>, StorageError> {
    query_as(
        "SELECT bridge, room_id, attempts FROM questioned_rooms WHERE next_ask_at <= $1 \
         ORDER BY next_ask_at LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(reader)
    .await
}

/// When the next room is to be asked, in milliseconds since the epoch.
pub async fn next_due(reader: &Reader) -> Result<Option<i64>, StorageError> {
    query_scalar("SELECT MIN(next_ask_at) FROM questioned_rooms")
        .fetch_one(reader)
        .await
}

/// Notes how often a room has not answered, and when to ask it again.
pub async fn postpone(
    connection: &mut Connection,
    room: &QuestionedRoom,
    next_ask_at: i64,
) -> Result<(), StorageError> {
    query(
        "UPDATE questioned_rooms SET next_ask_at = $1, attempts = $2 \
         WHERE bridge = $3 AND room_id = $4",
    )
    .bind(next_ask_at)
    .bind(room.attempts)
    .bind(&room.bridge)
    .bind(&room.room_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// A room is asked at once, since something has happened there.
pub async fn make_due(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "UPDATE questioned_rooms SET next_ask_at = $1 \
         WHERE bridge = $2 AND room_id = $3 AND next_ask_at > $1",
    )
    .bind(now)
    .bind(bridge)
    .bind(room_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Nobody asks a room any more that has no open questions.
pub async fn forget_answered(
    connection: &mut Connection,
    room_id: &str,
) -> Result<(), StorageError> {
    query(
        "DELETE FROM questioned_rooms WHERE room_id = $1 AND NOT EXISTS \
         (SELECT 1 FROM open_questions q WHERE q.room_id = questioned_rooms.room_id \
         AND q.bridge = questioned_rooms.bridge)",
    )
    .bind(room_id)
    .execute(connection)
    .await?;
    Ok(())
}
