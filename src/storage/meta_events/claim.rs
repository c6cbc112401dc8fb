//! Claims: an attempt to send or redact a meta event belongs to the one who has claimed it.

use crate::{
    random,
    storage::{
        StorageError,
        engine::{Connection, QueryBuilder, Reader, query},
    },
};

use super::row::{Claim, ClaimedEvent};

/// Which meta events may be claimed.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The bridge as whose user they are sent.
    pub bridge: String,
    /// Who claims them: the beginning of the value of each claim, 22 characters.
    pub claimant: String,
    /// Rooms that others go before.
    pub after_others: Vec<String>,
    /// Whether rooms in which the last request failed are wanted too, once they have rested.
    pub with_resting: bool,
}

/// Pushes the part of a query that finds a meta event which is due, in a room where none is claimed
/// and that does not rest.
fn push_claimable(query: &mut QueryBuilder, wanted: &Wanted, now: i64) {
    query
        .push("FROM meta_events e WHERE e.bridge = ")
        .push_bind(&wanted.bridge)
        .push(" AND e.next_attempt_at <= ")
        .push_bind(now)
        .push(
            " AND e.claimed_until IS NULL AND e.state || '' IN ('waiting', 'redacting') \
             AND NOT EXISTS (SELECT 1 FROM meta_events c WHERE c.bridge = e.bridge \
             AND c.room_id = e.room_id AND c.claimed_until IS NOT NULL) \
             AND NOT EXISTS (SELECT 1 FROM resting_rooms r WHERE r.bridge = e.bridge \
             AND r.room_id = e.room_id",
        );
    if wanted.with_resting {
        query.push(" AND r.rests_until > ").push_bind(now);
    }
    query.push(")");
}

/// Whether any meta event could be claimed now.
pub async fn any_claimable(
    reader: &Reader,
    wanted: &Wanted,
    now: i64,
) -> Result<bool, StorageError> {
    let mut query = QueryBuilder::new("SELECT EXISTS (SELECT 1 ");
    push_claimable(&mut query, wanted, now);
    query.push(")");
    query.build_query_scalar().fetch_one(reader).await
}

/// Claims the meta event that is due first, for `lease` milliseconds. Nobody else takes it before
/// that, nor another one of its room; it is due again after it, in case this process has been killed.
pub async fn claim(
    connection: &mut Connection,
    wanted: &Wanted,
    lease: i64,
    now: i64,
) -> Result<Option<ClaimedEvent>, StorageError> {
    if !wanted.after_others.is_empty() {
        let claimed = claim_first(connection, wanted, &wanted.after_others, lease, now).await?;
        if claimed.is_some() {
            return Ok(claimed);
        }
    }
    claim_first(connection, wanted, &[], lease, now).await
}

async fn claim_first(
    connection: &mut Connection,
    wanted: &Wanted,
    left_out: &[String],
    lease: i64,
    now: i64,
) -> Result<Option<ClaimedEvent>, StorageError> {
    let mut query = QueryBuilder::new("UPDATE meta_events SET claim = ");
    query
        .push_bind(format!("{}.{}", wanted.claimant, random::id()))
        .push(", claimed_at = ")
        .push_bind(now)
        .push(", claimed_until = ")
        .push_bind(now + lease)
        .push(", attempts = attempts + 1 WHERE id = (SELECT e.id ");
    push_claimable(&mut query, wanted, now);
    if !left_out.is_empty() {
        query
            .push(" AND e.room_id NOT IN (")
            .push_list(left_out)
            .push(")");
    }
    query.push(
        " ORDER BY e.next_attempt_at LIMIT 1) AND claimed_until IS NULL \
         AND state IN ('waiting', 'redacting') RETURNING id, claim, bridge, room_id, state, event_type, \
         COALESCE((SELECT b.content FROM meta_event_bodies b WHERE b.id = meta_events.id), '') AS content, \
         batch, txn_id, device_id, \
         event_id, redact_txn_id, attempts, unknown_since, created_at, has_copy <> 0 AS has_copy, copies_refused, \
         EXISTS (SELECT 1 FROM resting_rooms r WHERE r.bridge = meta_events.bridge \
         AND r.room_id = meta_events.room_id) AS has_rested",
    );
    query.build_query_opened().fetch_optional(connection).await
}

/// Holds a claim for `lease` milliseconds from now; `false`: it is lost.
pub async fn hold(
    connection: &mut Connection,
    claim: &Claim,
    lease: i64,
    now: i64,
) -> Result<bool, StorageError> {
    let held = query("UPDATE meta_events SET claimed_until = $1 WHERE id = $2 AND claim = $3")
        .bind(now + lease)
        .bind(claim.id)
        .bind(&claim.token)
        .execute(connection)
        .await?;
    Ok(held > 0)
}

/// Claims are freed whose attempts may have been made: their outcome is unknown since the claim. Which ones
/// follows.
macro_rules! freed {
    ($condition:literal) => {
        concat!(
            "UPDATE meta_events SET claim = NULL, claimed_until = NULL, claimed_at = NULL, \
             unknown_since = COALESCE(unknown_since, claimed_at) WHERE ",
            $condition
        )
    };
}

/// Frees the claims of a bridge's events that have run out.
pub async fn free_ended_claims(
    connection: &mut Connection,
    bridge: &str,
    now: i64,
) -> Result<(), StorageError> {
    query(freed!("bridge = $1 AND claimed_until <= $2"))
        .bind(bridge)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Frees the claims of a claimant, who has ended, before they run out.
pub async fn free_claims_of(
    connection: &mut Connection,
    bridge: &str,
    claimant: &str,
) -> Result<(), StorageError> {
    // Any room: so the index of claimed events is the one that fits best.
    query(freed!(
        "bridge = $1 AND room_id >= '' AND claimed_until > 0 AND substr(claim, 1, 22) = $2"
    ))
    .bind(bridge)
    .bind(claimant)
    .execute(connection)
    .await?;
    Ok(())
}

/// Frees all claims before they run out. Only for a process that knows that no other works on this
/// database, so that those who made them have ended.
pub async fn free_all_claims(connection: &mut Connection) -> Result<(), StorageError> {
    query(freed!("claimed_until IS NOT NULL"))
        .execute(connection)
        .await?;
    Ok(())
}
