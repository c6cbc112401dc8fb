//! Reviews: whether a sent meta event still counts linked media, and nothing else.

use std::collections::BTreeSet;

use crate::storage::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Rows, query, query_as, query_scalar},
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

/// The same for many meta events.
pub async fn review_all_by(
    connection: &mut Connection,
    ids: BTreeSet<i64>,
    at: i64,
) -> Result<(), StorageError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("UPDATE meta_events SET review_at = ");
    query
        .push_bind(at)
        .push(" WHERE id IN ")
        .push_rows(Rows::of(&[("id", Kind::Integer)], ids))
        .push(" AND state = 'sent' AND (review_at IS NULL OR review_at > ")
        .push_bind(at)
        .push(")");
    query.build().execute(connection).await?;
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

/// A usage that a meta event under review counts.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Member {
    /// The usage's ID.
    pub id: i64,
    /// Whether a later meta event waits to be sent for it.
    pub queued: bool,
    /// Whether it has a live link.
    pub live: bool,
}

/// What a meta event under review counts.
#[derive(Debug, Clone)]
pub struct Counted {
    /// Its usages.
    pub members: Vec<Member>,
    /// Whether it names others, which it does not count any more.
    pub names_others: bool,
}

/// What a meta event counts; its review is noted as done. `None`: it is not due any more.
pub async fn start_review(
    connection: &mut Connection,
    id: i64,
    now: i64,
) -> Result<Option<Counted>, StorageError> {
    let named: Option<i64> = query_scalar(
        "UPDATE meta_events SET review_at = NULL WHERE id = $1 AND review_at <= $2 AND state = 'sent' \
         RETURNING named",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(named) = named else {
        return Ok(None);
    };
    held_usages::hold_of(connection, id).await?;
    let members: Vec<Member> = query_as(
        "SELECT r.id, (r.queued_in IS NOT NULL) AS queued, \
         EXISTS (SELECT 1 FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live') AS live \
         FROM media_references r WHERE r.counted_by = $1",
    )
    .bind(id)
    .fetch_all(connection)
    .await?;
    let names_others = i64::try_from(members.len()).is_ok_and(|counted| counted < named);
    Ok(Some(Counted {
        members,
        names_others,
    }))
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
