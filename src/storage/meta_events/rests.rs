//! Rooms that rest: the last request in them failed, or got no answer.

use crate::storage::{
    StorageError,
    engine::{Connection, query, query_scalar},
};

/// How often in a row requests in a room have failed, this time included.
pub async fn note_failure(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
) -> Result<i64, StorageError> {
    query_scalar(
        "INSERT INTO resting_rooms (bridge, room_id, failures, rests_until) VALUES ($1, $2, 1, 0) \
         ON CONFLICT (bridge, room_id) DO UPDATE SET failures = resting_rooms.failures + 1 \
         RETURNING failures",
    )
    .bind(bridge)
    .bind(room_id)
    .fetch_one(connection)
    .await
}

/// Has a room in which a request has failed rest until a time.
pub async fn rest(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    until: i64,
) -> Result<(), StorageError> {
    query("UPDATE resting_rooms SET rests_until = $1 WHERE bridge = $2 AND room_id = $3")
        .bind(until)
        .bind(bridge)
        .bind(room_id)
        .execute(connection)
        .await?;
    Ok(())
}

/// A room has answered: it does not rest any more.
pub async fn end(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
) -> Result<(), StorageError> {
    query("DELETE FROM resting_rooms WHERE bridge = $1 AND room_id = $2")
        .bind(bridge)
        .bind(room_id)
        .execute(connection)
        .await?;
    Ok(())
}
