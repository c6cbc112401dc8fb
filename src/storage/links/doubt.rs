//! Links about whose events there are open questions. All of this fails only if the database does.

use super::super::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Rows, query},
};

/// Marks the live links of an event, and those to media that it has brought as an edit.
pub(in crate::storage) async fn doubt_event(
    connection: &mut Connection,
    room_id: &str,
    event_id: &str,
) -> Result<(), StorageError> {
    for statement in [
        "UPDATE links SET is_doubted = 1 WHERE state = 'live' AND event_id = $2 AND event_id <> '' \
         AND + room = (SELECT id FROM matrix_ids WHERE matrix_id = $1)",
        "UPDATE links SET is_doubted = 1 WHERE state = 'live' AND shown_by = $2 AND shown_by <> '' \
         AND + room = (SELECT id FROM matrix_ids WHERE matrix_id = $1)",
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
    query(
        "UPDATE links SET is_doubted = 0 WHERE is_doubted = 1 \
         AND room = (SELECT id FROM matrix_ids WHERE matrix_id = $1)",
    )
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
    let is_doubted = i64::from(is_doubted);
    let mut query = QueryBuilder::new("UPDATE links SET is_doubted = ");
    query
        .push_bind(is_doubted)
        .push(" WHERE id IN ")
        .push_rows(Rows::of(&[("id", Kind::Integer)], ids))
        .push(" AND is_doubted <> ")
        .push_bind(is_doubted);
    query.build().execute(connection).await?;
    Ok(())
}
