//! Links about whose events there are open questions. All of this fails only if the database does.

use super::super::{
    StorageError,
    engine::{Connection, query},
};

/// Marks the live links of an event, and those to media that it has brought as an edit.
pub(in crate::storage) async fn doubt_event(
    connection: &mut Connection,
    room_id: &str,
    event_id: &str,
) -> Result<(), StorageError> {
    for statement in [
        "UPDATE links SET is_doubted = 1 WHERE state = 'live' AND room_id = $1 AND event_id = $2",
        "UPDATE links SET is_doubted = 1 WHERE state = 'live' AND room_id = $1 AND shown_by = $2 AND shown_by <> ''",
    ] {
        query(statement)
            .bind(room_id)
            .bind(event_id)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Takes the marks off the links of a room.
pub(in crate::storage) async fn trust_room(
    connection: &mut Connection,
    room_id: &str,
) -> Result<(), StorageError> {
    query("UPDATE links SET is_doubted = 0 WHERE room_id = $1 AND is_doubted = 1")
        .bind(room_id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks single links, or takes their marks off.
pub async fn set_doubted(
    connection: &mut Connection,
    ids: &[i64],
    is_doubted: bool,
) -> Result<(), StorageError> {
    for id in ids {
        query("UPDATE links SET is_doubted = $1 WHERE id = $2 AND is_doubted <> $1")
            .bind(i64::from(is_doubted))
            .bind(id)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
