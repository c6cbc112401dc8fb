//! Reviews: whether a sent meta event still counts linked media, and nothing else.

use crate::storage::{
    StorageError,
    engine::{Connection, query, query_as, query_scalar},
    held_usages,
};

/// Has a sent meta event reviewed at a time at the latest.
pub async fn review_by(connection: &mut Connection, id: i64, at: i64) -> Result<(), StorageError> {
    query(
        "UPDATE meta_events SET review_at = $1 WHERE id = $2 AND state = 'sent' \
         AND (review_at IS NULL OR review_at > $1)",
    )
    .bind(at)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Has all sent meta events of a bridge in a room reviewed now.
pub async fn review_room(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "UPDATE meta_events SET review_at = $1 WHERE bridge = $2 AND room_id = $3 AND state = 'sent'",
    )
    .bind(now)
    .bind(bridge)
    .bind(room_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// A sent meta event whose review is due.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ReviewedEvent {
    /// The row's ID.
    pub id: i64,
    /// The bridge as whose user it was sent.
    pub bridge: String,
    /// The room that it is in.
    pub room_id: String,
}

/// Up to `limit` sent meta events of a bridge whose review is due, the longest due first.
pub async fn to_review(
    connection: &mut Connection,
    bridge: &str,
    now: i64,
    limit: i64,
) -> Result<Vec<ReviewedEvent>, StorageError> {
    query_as(
        "SELECT id, bridge, room_id FROM meta_events WHERE bridge = $1 AND review_at <= $2 \
         AND state = 'sent' ORDER BY review_at LIMIT $3",
    )
    .bind(bridge)
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await
}

/// A usage as a member of a meta event under review.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Member {
    /// The usage's ID.
    pub id: i64,
    /// Whether this meta event counts it, and no later one.
    pub here: bool,
    /// Whether a later meta event waits to be sent for it.
    pub queued: bool,
    /// Whether it has a live link.
    pub live: bool,
}

/// The members of a meta event; its review is noted as done. `None`: it is not due any more.
pub async fn start_review(
    connection: &mut Connection,
    id: i64,
    now: i64,
) -> Result<Option<Vec<Member>>, StorageError> {
    let started = query(
        "UPDATE meta_events SET review_at = NULL WHERE id = $1 AND review_at <= $2 AND state = 'sent'",
    )
    .bind(id)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    if started == 0 {
        return Ok(None);
    }
    let members: Vec<i64> =
        query_scalar("SELECT media_reference_id FROM meta_event_members WHERE meta_event_id = $1")
            .bind(id)
            .fetch_all(&mut *connection)
            .await?;
    held_usages::hold(connection, &members).await?;
    let members = query_as(
        "SELECT r.id, COALESCE(r.counted_by = m.meta_event_id, FALSE) AS here, \
         (r.queued_in IS NOT NULL) AS queued, \
         EXISTS (SELECT 1 FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live') AS live \
         FROM meta_event_members m JOIN media_references r ON r.id = m.media_reference_id \
         WHERE m.meta_event_id = $1",
    )
    .bind(id)
    .fetch_all(connection)
    .await?;
    Ok(Some(members))
}

/// Queues the redaction of a sent meta event.
pub async fn start_redaction(
    connection: &mut Connection,
    id: i64,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "UPDATE meta_events SET state = 'redacting', redact_txn_id = $1, attempts = 0, unknown_since = NULL, \
         next_attempt_at = $2, review_at = NULL WHERE id = $3 AND state = 'sent'",
    )
    .bind(crate::random::id())
    .bind(now)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}
