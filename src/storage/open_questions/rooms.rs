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
    /// When it was to be asked, in milliseconds since the epoch.
    pub next_ask_at: i64,
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
        "SELECT bridge, room_id, attempts, next_ask_at FROM questioned_rooms WHERE next_ask_at <= $1 \
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

/// Notes how often a room has not answered, and when to ask it again, unless it was made due while it was
/// asked: then it is asked again at once.
pub async fn postpone(
    connection: &mut Connection,
    room: &QuestionedRoom,
    next_ask_at: i64,
) -> Result<(), StorageError> {
    query(
        "UPDATE questioned_rooms SET next_ask_at = $1, attempts = $2 \
         WHERE bridge = $3 AND room_id = $4 AND next_ask_at = $5",
    )
    .bind(next_ask_at)
    .bind(room.attempts)
    .bind(&room.bridge)
    .bind(&room.room_id)
    .bind(room.next_ask_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// A room is asked at once, since something has happened there. One that is due already may be being
/// asked: it gets another time, by which [`postpone`] sees that its answer is older than that.
pub async fn make_due(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "UPDATE questioned_rooms \
         SET next_ask_at = CASE WHEN next_ask_at > $1 THEN $1 ELSE next_ask_at + 1 END \
         WHERE bridge = $2 AND room_id = $3",
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::storage::test_database::open;

    #[tokio::test]
    async fn a_room_that_is_made_due_while_it_is_asked_is_asked_again() {
        let (_folder, database) = open().await;
        let write = database
            .writer()
            .write(|connection| plan(connection, "irc", "!r", 0).boxed());
        write.await.expect("writes");
        let due_room = async |now| {
            let due = due(database.reader(), now, 1).await.expect("reads");
            due.into_iter().next()
        };
        let asked = due_room(FIRST_AFTER_MS).await.expect("is due");
        let (before, now) = (asked.clone(), FIRST_AFTER_MS);
        let write = database.writer().write(move |connection| {
            async move {
                make_due(connection, "irc", "!r", now).await?;
                postpone(connection, &before, now + 60_000).await
            }
            .boxed()
        });
        write.await.expect("writes");
        let again = due_room(now + 1).await.expect("is due again");
        let write = database.writer().write(move |connection| {
            async move { postpone(connection, &again, now + 60_000).await }.boxed()
        });
        write.await.expect("writes");
        assert_eq!(due_room(now + 59_999).await, None);
        let write = database
            .writer()
            .write(move |connection| make_due(connection, "irc", "!r", now + 10).boxed());
        write.await.expect("writes");
        assert!(due_room(now + 10).await.is_some());
    }
}
