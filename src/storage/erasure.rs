//! What is known of a user or a room besides links is erased.
//!
//! Every function here fails only if the database does.

use super::{
    StorageError, audit,
    engine::{Connection, Reader, query, query_scalar},
    thinning::Whose,
};

/// How many links there are of a user or a room that have not gone: live ones, and all.
pub async fn count(reader: &Reader, whose: &Whose) -> Result<(i64, i64), StorageError> {
    let room_id = whose.room_id.as_deref().unwrap_or_default();
    let mut counts = [0, 0];
    for (count, state) in counts.iter_mut().zip(["live", ""]) {
        let counted = match &whose.user_id {
            Some(user_id) => query_scalar(
                "SELECT COUNT(*) FROM links l WHERE l.sender = (SELECT id FROM matrix_ids WHERE matrix_id = $1) \
                 AND ($2 = '' OR l.room = (SELECT id FROM matrix_ids WHERE matrix_id = $2)) AND ($3 = '' OR l.state = $3)",
            )
            .bind(user_id)
            .bind(room_id),
            None => query_scalar(
                "SELECT COUNT(*) FROM links l WHERE l.room = (SELECT id FROM matrix_ids WHERE matrix_id = $1) \
                 AND ($2 = '' OR l.state = $2)",
            )
            .bind(room_id),
        };
        *count = counted.bind(state).fetch_one(reader).await?;
    }
    Ok(counts.into())
}

/// Erases reports, what events have shown, finished decisions, the subjects of what operators have done, and the IDs
/// themselves, as far as nothing needs them.
pub async fn erase(connection: &mut Connection, whose: &Whose) -> Result<(), StorageError> {
    let statements: &[&'static str] = match (&whose.user_id, &whose.room_id) {
        (Some(_), Some(_)) => &[
            "DELETE FROM reports WHERE sender = $1 AND room_id = $2",
            "DELETE FROM endings WHERE finished_at IS NOT NULL AND sender = $1 AND room_id = $2",
        ],
        (Some(_), None) => &[
            "DELETE FROM reports WHERE sender = $1",
            "DELETE FROM endings WHERE finished_at IS NOT NULL AND sender = $1",
            "DELETE FROM matrix_ids WHERE matrix_id = $1 AND NOT EXISTS (SELECT 1 FROM links l WHERE l.sender = matrix_ids.id)",
        ],
        (None, _) => &[
            "DELETE FROM reports WHERE room_id = $1",
            "DELETE FROM endings WHERE finished_at IS NOT NULL AND room_id = $1",
            "DELETE FROM seen_media WHERE room_id = $1",
            "DELETE FROM matrix_ids WHERE matrix_id = $1 AND NOT EXISTS (SELECT 1 FROM links l WHERE l.room = matrix_ids.id) \
             AND NOT EXISTS (SELECT 1 FROM media_references WHERE room = matrix_ids.id)",
        ],
    };
    for statement in statements {
        let mut erasing = query(*statement);
        for id in [&whose.user_id, &whose.room_id].into_iter().flatten() {
            erasing = erasing.bind(id);
        }
        erasing.execute(&mut *connection).await?;
    }
    // What was done to a user in one room tells of no other room.
    let named = whose.user_id.as_ref().or(whose.room_id.as_ref());
    if let Some(id) = named {
        audit::forget_subject(connection, id).await?;
    }
    Ok(())
}
