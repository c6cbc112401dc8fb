//! Comparing the recorded meta events with the rooms, and mending the differences. Each mend looks at
//! the row again, since the worker goes on meanwhile. Every function here fails only if the database
//! does.

use super::{
    StorageError,
    engine::{Connection, QueryBuilder, Reader, query, query_as, query_scalar},
    held_usages, meta_events,
};

/// A recorded meta event that the room should have, or should not have any more.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ComparedEvent {
    /// The row.
    pub id: i64,
    /// Its type.
    pub event_type: String,
    /// Its event ID.
    pub event_id: String,
    /// Whether it counts, or was redacted.
    pub is_sent: bool,
    /// When its row was made, in milliseconds since the epoch.
    pub created_at: i64,
}

/// Which rooms are meant: all that match every given criterion.
#[derive(Debug, Clone, Default)]
pub struct RoomCriteria {
    /// Rooms of this bridge.
    pub bridge: Option<String>,
    /// This room.
    pub room_id: Option<String>,
    /// Rooms that were not compared since this time, in milliseconds since the epoch.
    pub not_since: Option<i64>,
}

/// Rooms with meta events that count, or were redacted since `redacted_since`: bridge and room,
/// those first that were not compared for the longest time.
pub async fn rooms(
    reader: &Reader,
    criteria: &RoomCriteria,
    redacted_since: i64,
) -> Result<Vec<(String, String)>, StorageError> {
    let mut query = QueryBuilder::new(
        "SELECT c.bridge, c.room_id FROM compared_rooms c WHERE c.compared_at <= ",
    );
    query.push_bind(criteria.not_since.unwrap_or(i64::MAX));
    if let Some(bridge) = &criteria.bridge {
        query.push(" AND c.bridge = ").push_bind(bridge);
    }
    if let Some(room_id) = &criteria.room_id {
        query.push(" AND c.room_id = ").push_bind(room_id);
    }
    let of_room = "EXISTS (SELECT 1 FROM meta_events e WHERE e.bridge = c.bridge AND e.room_id = c.room_id AND ";
    query
        .push(" AND (")
        .push(of_room)
        .push("e.state = 'sent') OR ")
        .push(of_room)
        .push("e.state IN ('redacted', 'lost') AND e.redacted_at >= ")
        .push_bind(redacted_since)
        .push(")) ORDER BY c.compared_at");
    query.build_query_as().fetch_all(reader).await
}

/// The meta events of a room that are to be compared, the oldest first.
pub async fn events(
    reader: &Reader,
    bridge: &str,
    room_id: &str,
    redacted_since: i64,
) -> Result<Vec<ComparedEvent>, StorageError> {
    query_as(
        "SELECT id, event_type, event_id, (state = 'sent') AS is_sent, created_at FROM meta_events \
         WHERE bridge = $1 AND room_id = $2 AND event_id IS NOT NULL \
         AND (state = 'sent' OR (state IN ('redacted', 'lost') AND redacted_at >= $3)) ORDER BY + id",
    )
    .bind(bridge)
    .bind(room_id)
    .bind(redacted_since)
    .fetch_all(reader)
    .await
}

/// Notes that a room was compared.
pub async fn note_compared(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "INSERT INTO compared_rooms (bridge, room_id, compared_at) VALUES ($1, $2, $3) \
         ON CONFLICT (bridge, room_id) DO UPDATE SET compared_at = excluded.compared_at",
    )
    .bind(bridge)
    .bind(room_id)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that a sent meta event does not count any more: somebody else has redacted it, or the
/// homeserver does not have it (`gone`). Usages that it counted and that are still linked are counted
/// again; returns how many. `None`: it was not a sent one any more.
pub async fn settle_lost(
    connection: &mut Connection,
    id: i64,
    gone: bool,
    now: i64,
) -> Result<Option<u64>, StorageError> {
    let changed = query(
        "UPDATE meta_events SET state = $1, redacted_at = $2, review_at = NULL, last_error = $3 \
         WHERE id = $4 AND state = 'sent'",
    )
    .bind(if gone { "lost" } else { "redacted" })
    .bind(now)
    .bind(if gone {
        "the homeserver does not have it any more"
    } else {
        "redacted by somebody else"
    })
    .bind(id)
    .execute(&mut *connection)
    .await?;
    if changed == 0 {
        return Ok(None);
    }
    held_usages::hold_of(connection, id).await?;
    let states: Vec<String> = query_scalar(
        "UPDATE media_references SET counted_by = NULL, copy_mxc = NULL, \
         pending_at = CASE WHEN queued_in IS NULL THEN $1 ELSE pending_at END, \
         state = CASE WHEN queued_in IS NOT NULL OR EXISTS (SELECT 1 FROM links l \
         WHERE l.media_reference_id = media_references.id AND l.state = 'live') \
         THEN 'pending' ELSE 'released' END WHERE counted_by = $2 RETURNING state",
    )
    .bind(now)
    .bind(id)
    .fetch_all(connection)
    .await?;
    Ok(Some(
        states.iter().filter(|state| *state == "pending").count() as u64,
    ))
}

/// Has a meta event redacted again whose redaction its room does not show. `false`: it was not a
/// redacted one any more.
pub async fn redact_again(
    connection: &mut Connection,
    id: i64,
    now: i64,
) -> Result<bool, StorageError> {
    let changed = query(
        "UPDATE meta_events SET state = 'redacting', redact_txn_id = $1, redacted_at = NULL, attempts = 0, \
         claim = NULL, claimed_until = NULL, claimed_at = NULL, unknown_since = NULL, next_attempt_at = $2 \
         WHERE id = $3 AND state IN ('redacted', 'lost')",
    )
    .bind(crate::random::id())
    .bind(now)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(changed > 0)
}

/// A meta event that a room has and that is not recorded as sent.
#[derive(Debug, Clone)]
pub struct Stray {
    /// The bridge as whose user it was sent.
    pub bridge: String,
    /// Its room.
    pub room_id: String,
    /// Its type.
    pub event_type: String,
    /// Its event ID.
    pub event_id: String,
    /// Its unique value; empty: it has none.
    pub batch: String,
    /// When it was sent, in milliseconds since the epoch.
    pub sent_at: i64,
}

/// The outcome for a stray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrayEnd {
    /// It is recorded, or on its way.
    Known,
    /// A row waited to send it: it is recorded as sent.
    Settled,
    /// Nothing is recorded of it: it is redacted.
    Redacted,
}

/// Finds the row that a stray belongs to, or has it redacted.
pub async fn settle_stray(
    connection: &mut Connection,
    stray: &Stray,
    review_dead_at: i64,
    now: i64,
) -> Result<StrayEnd, StorageError> {
    // Both in one statement: on a server, the row may be settled between two.
    let row: Option<(i64, bool)> = query_as(
        "SELECT id, FALSE FROM meta_events WHERE event_id = $1 UNION ALL \
         SELECT id, NOT COALESCE(claimed_until > $2, FALSE) FROM meta_events WHERE bridge = $3 AND room_id = $4 \
         AND state = 'waiting' AND batch = $5 LIMIT 1",
    )
    .bind(&stray.event_id)
    .bind(now)
    .bind(&stray.bridge)
    .bind(&stray.room_id)
    .bind(&stray.batch)
    .fetch_optional(&mut *connection)
    .await?;
    match row {
        Some((_, false)) => Ok(StrayEnd::Known),
        Some((id, true)) => {
            meta_events::settle_found(connection, id, &stray.event_id, review_dead_at, now).await?;
            Ok(StrayEnd::Settled)
        }
        None => {
            redact_stray(connection, stray, now).await?;
            Ok(StrayEnd::Redacted)
        }
    }
}

/// Redacts with the device that the bridge's user has sent with last.
async fn redact_stray(
    connection: &mut Connection,
    stray: &Stray,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "INSERT INTO meta_events (bridge, room_id, state, event_type, batch, txn_id, device_id, event_id, \
         redact_txn_id, next_attempt_at, created_at) VALUES ($1, $2, 'redacting', $3, $4, $5, \
         COALESCE((SELECT device_id FROM meta_events WHERE bridge = $1 ORDER BY id DESC LIMIT 1), ''), \
         $6, $7, $8, $9)",
    )
    .bind(&stray.bridge)
    .bind(&stray.room_id)
    .bind(&stray.event_type)
    .bind(&stray.batch)
    .bind(crate::random::id())
    .bind(&stray.event_id)
    .bind(crate::random::id())
    .bind(now)
    .bind(stray.sent_at)
    .execute(connection)
    .await?;
    Ok(())
}
