//! Rooms that were replaced, and the rooms in which usage of their media is counted since
//! (Client-Server API, `m.room.tombstone`).
//!
//! Every function here fails with [`StorageError`] if the database does.

use super::{
    StorageError,
    engine::{Connection, Lock, Reader, pick, query, query_as, query_scalar},
};

/// How many replacements in a row are followed.
const MAX_HOPS: i64 = 16;

/// A replacement to be checked.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Succession {
    /// The bridge whose links are concerned.
    pub bridge: String,
    /// The room that was replaced.
    pub room_id: String,
    /// The room that its tombstone names.
    pub successor: String,
}

/// A replacement whose check is due.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DueCheck {
    /// The replacement.
    #[sqlx(flatten)]
    pub succession: Succession,
    /// Since when it is due. A tombstone or a join in the meantime changes it.
    pub check_at: i64,
}

/// Notes what a tombstone says, to be checked from `now` on. A later tombstone replaces it, until
/// usage has moved.
pub async fn note(
    connection: &mut Connection,
    succession: &Succession,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "INSERT INTO room_successors (bridge, room_id, successor, check_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (bridge, room_id) DO UPDATE SET successor = $3, check_at = $4, failures = 0 \
         WHERE room_successors.moved_at IS NULL",
    )
    .bind(&succession.bridge)
    .bind(&succession.room_id)
    .bind(&succession.successor)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Has every replacement by this room checked: the bridge's user has joined it.
pub async fn joined(
    connection: &mut Connection,
    bridge: &str,
    successor: &str,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "UPDATE room_successors SET check_at = $1, failures = 0 \
         WHERE bridge = $2 AND successor = $3 AND moved_at IS NULL",
    )
    .bind(now)
    .bind(bridge)
    .bind(successor)
    .execute(connection)
    .await?;
    Ok(())
}

/// Up to `limit` replacements of a bridge that are to be checked now, the longest due first.
pub async fn due(
    reader: &Reader,
    bridge: &str,
    now: i64,
    limit: i64,
) -> Result<Vec<DueCheck>, StorageError> {
    query_as(
        "SELECT bridge, room_id, successor, check_at FROM room_successors \
         WHERE bridge = $1 AND check_at <= $2 ORDER BY check_at LIMIT $3",
    )
    .bind(bridge)
    .bind(now)
    .bind(limit)
    .fetch_all(reader)
    .await
}

/// How often in a row the rooms of a replacement could not be looked at, this time included.
pub async fn note_failure(
    connection: &mut Connection,
    succession: &Succession,
) -> Result<i64, StorageError> {
    let failures: Option<i64> = query_scalar(
        "UPDATE room_successors SET failures = failures + 1 \
         WHERE bridge = $1 AND room_id = $2 AND successor = $3 RETURNING failures",
    )
    .bind(&succession.bridge)
    .bind(&succession.room_id)
    .bind(&succession.successor)
    .fetch_optional(connection)
    .await?;
    Ok(failures.unwrap_or(1))
}

/// Has a replacement checked again at `check_at` (`None`: once the bridge's user joins), unless
/// another tombstone or a join came while it was checked.
pub async fn check_again(
    connection: &mut Connection,
    checked: &DueCheck,
    check_at: Option<i64>,
) -> Result<(), StorageError> {
    let succession = &checked.succession;
    query(
        "UPDATE room_successors SET check_at = $1 \
         WHERE bridge = $2 AND room_id = $3 AND successor = $4 AND check_at = $5",
    )
    .bind(check_at)
    .bind(&succession.bridge)
    .bind(&succession.room_id)
    .bind(&succession.successor)
    .bind(checked.check_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// From now on usage of media of the old room is counted in the new one. Nothing happens where
/// the new room would lead back to the old one, or further than replacements are followed: it might
/// lead back from there, and usage would move in a circle for ever.
pub async fn moved(
    connection: &mut Connection,
    succession: &Succession,
    now: i64,
) -> Result<(), StorageError> {
    // Of rooms that replace each other, usage of the last one would move as well.
    connection
        .lock(&[Lock::Successions(&succession.bridge)])
        .await?;
    let (leads_to, hops) = follow(connection, &succession.bridge, &succession.successor).await?;
    let moved_at = (leads_to != succession.room_id && hops < MAX_HOPS).then_some(now);
    query(
        "UPDATE room_successors SET check_at = NULL, moved_at = $1 \
         WHERE bridge = $2 AND room_id = $3 AND successor = $4",
    )
    .bind(moved_at)
    .bind(&succession.bridge)
    .bind(&succession.room_id)
    .bind(&succession.successor)
    .execute(connection)
    .await?;
    Ok(())
}

/// The room in which usage of media of a room is counted: itself, or its latest replacement.
pub async fn counted_in(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
) -> Result<String, StorageError> {
    Ok(follow(connection, bridge, room_id).await?.0)
}

/// The latest replacement of a room, and how many there are up to it; some at most.
async fn follow(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
) -> Result<(String, i64), StorageError> {
    let mut room = room_id.to_owned();
    for hops in 0..MAX_HOPS {
        let next: Option<String> = query_scalar(
            "SELECT successor FROM room_successors WHERE bridge = $1 AND room_id = $2 AND moved_at IS NOT NULL",
        )
        .bind(bridge)
        .bind(&room)
        .fetch_optional(&mut *connection)
        .await?;
        match next {
            Some(next) => room = next,
            None => return Ok((room, hops)),
        }
    }
    Ok((room, MAX_HOPS))
}

/// The rooms whose usage is counted in this one: itself, and those that it has replaced.
pub async fn counted_here(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
) -> Result<Vec<String>, StorageError> {
    // They differ in the collation of the first row alone, which PostgreSQL has to be told.
    query_scalar(pick(
        "WITH RECURSIVE here (room_id, hops) AS (SELECT $2, 0 UNION \
         SELECT s.room_id, hops + 1 FROM here CROSS JOIN room_successors s \
         WHERE s.successor = here.room_id AND s.bridge = $1 AND s.moved_at IS NOT NULL AND hops < $3) \
         SELECT DISTINCT room_id FROM here",
        "WITH RECURSIVE here (room_id, hops) AS (SELECT CAST($2 AS TEXT) COLLATE \"C\", 0 UNION \
         SELECT s.room_id, hops + 1 FROM here CROSS JOIN room_successors s \
         WHERE s.successor = here.room_id AND s.bridge = $1 AND s.moved_at IS NOT NULL AND hops < $3) \
         SELECT DISTINCT room_id FROM here",
    ))
    .bind(bridge)
    .bind(room_id)
    .bind(MAX_HOPS)
    .fetch_all(connection)
    .await
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::storage::test_database::open;

    #[tokio::test]
    async fn usage_never_moves_in_a_circle() {
        // Shorter and longer than replacements are followed.
        const ROOMS: [usize; 4] = [2, 3, 18, 48];
        for rooms in ROOMS {
            move_round(rooms).await;
        }
    }

    /// Has each room of a ring replaced by the next one.
    async fn move_round(rooms: usize) {
        let (_folder, database) = open().await;
        let written = database.writer().write::<_, StorageError, _>(move |c| {
            async move {
                let mut room = "!0".to_owned();
                for n in 0..rooms {
                    let succession = Succession {
                        bridge: "irc".to_owned(),
                        room_id: format!("!{n}"),
                        successor: format!("!{}", (n + 1) % rooms),
                    };
                    note(c, &succession, 1).await?;
                    moved(c, &succession, 2).await?;
                }
                // Usage moves on until it stays.
                for _ in 0..rooms {
                    room = counted_in(c, "irc", &room).await?;
                }
                assert_eq!(room, format!("!{}", rooms - 1));
                Ok(())
            }
            .boxed()
        });
        written.await.expect("writes");
    }
}
