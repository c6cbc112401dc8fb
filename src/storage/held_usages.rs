//! Usages that a write decides about.

use super::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Rows, pick, query, query_scalar},
};

/// Keeps these usages from being changed by others until the end of this write, and from getting new links:
/// whoever decides by the links of a usage holds it first.
pub(super) async fn hold(connection: &mut Connection, usages: &[i64]) -> Result<(), StorageError> {
    if connection.is_sqlite() || usages.is_empty() {
        return Ok(());
    }
    let mut rows = QueryBuilder::new("SELECT id FROM media_references WHERE id IN ");
    rows.push_rows(Rows::of(&[("id", Kind::Integer)], usages))
        .push(" ORDER BY id FOR UPDATE");
    rows.build().execute(connection).await?;
    Ok(())
}

/// Some of the usages of a room that wait to be gathered, held in the same way.
pub(super) async fn hold_waiting(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    limit: i64,
) -> Result<Vec<i64>, StorageError> {
    let waiting: String = query_scalar(pick(
        "SELECT json_group_array(id) FROM (SELECT id FROM media_references WHERE bridge = $1 AND state = 'pending' \
         AND queued_in IS NULL AND room = (SELECT id FROM matrix_ids WHERE matrix_id = $2) LIMIT $3)",
        "SELECT COALESCE(json_agg(id), '[]')::TEXT FROM (SELECT id FROM media_references WHERE bridge = $1 \
         AND state = 'pending' AND queued_in IS NULL AND room = (SELECT id FROM matrix_ids WHERE matrix_id = $2) \
         ORDER BY id LIMIT $3 FOR UPDATE) AS here",
    ))
    .bind(bridge)
    .bind(room_id)
    .bind(limit)
    .fetch_one(connection)
    .await?;
    serde_json::from_str(&waiting).map_err(|_| StorageError::Corrupt("ID of a usage"))
}

/// The same for the usages that wait for a meta event to be sent, or are counted by it.
pub(super) async fn hold_of(
    connection: &mut Connection,
    meta_event: i64,
) -> Result<(), StorageError> {
    if connection.is_sqlite() {
        return Ok(());
    }
    query(pick(
        "SELECT id FROM media_references WHERE queued_in = $1 OR counted_by = $1",
        "SELECT id FROM media_references WHERE queued_in = $1 OR counted_by = $1 ORDER BY id FOR UPDATE",
    ))
    .bind(meta_event)
    .execute(connection)
    .await?;
    Ok(())
}
