//! Usages that a write decides about.

use std::collections::HashSet;

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

/// The same for the usages of a room that wait to be gathered; which ones. `None`: nobody else writes.
pub(super) async fn hold_waiting(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
) -> Result<Option<HashSet<i64>>, StorageError> {
    if connection.is_sqlite() {
        return Ok(None);
    }
    let held: Vec<i64> = query_scalar(pick(
        "SELECT id FROM media_references WHERE bridge = $1 AND state = 'pending' \
         AND queued_in IS NULL AND room = (SELECT id FROM matrix_ids WHERE matrix_id = $2)",
        "SELECT id FROM media_references WHERE bridge = $1 AND state = 'pending' \
         AND queued_in IS NULL AND room = (SELECT id FROM matrix_ids WHERE matrix_id = $2) ORDER BY id FOR UPDATE",
    ))
    .bind(bridge)
    .bind(room_id)
    .fetch_all(connection)
    .await?;
    Ok(Some(held.into_iter().collect()))
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
