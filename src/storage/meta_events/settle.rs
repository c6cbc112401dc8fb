//! The end of an attempt: a meta event is sent, redacted or given up, and its usages with it.

use crate::storage::{
    StorageError,
    engine::{Connection, query, query_scalar},
    held_usages,
    media_references::UsageState,
};

use super::{review::review_by, row::Claim};

/// How many usages wait for a meta event to be sent.
pub async fn count_queued(connection: &mut Connection, id: i64) -> Result<i64, StorageError> {
    query_scalar("SELECT COUNT(*) FROM media_references WHERE queued_in = $1")
        .bind(id)
        .fetch_one(connection)
        .await
}

/// A waiting meta event is in its room; which one, and under which condition, follows.
macro_rules! sent {
    ($condition:literal) => {
        concat!(
            "UPDATE meta_events SET state = 'sent', event_id = $1, claim = NULL, claimed_until = NULL, \
             claimed_at = NULL, next_attempt_at = NULL, unknown_since = NULL, last_error = NULL \
             WHERE state = 'waiting' AND id = $2 AND ",
            $condition
        )
    };
}

/// A meta event was accepted: from now on it counts its usages, and no other does. If links to some
/// of them have ended meanwhile, it is reviewed at `review_ended_at`. `false`: the claim is lost, and
/// nothing was changed.
pub async fn settle_sent(
    connection: &mut Connection,
    claim: &Claim,
    event_id: &str,
    review_ended_at: i64,
    now: i64,
) -> Result<bool, StorageError> {
    let settled = query(sent!("claim = $3"))
        .bind(event_id)
        .bind(claim.id)
        .bind(&claim.token)
        .execute(&mut *connection)
        .await?;
    count_usages_if(settled, connection, claim.id, review_ended_at, now).await
}

/// The same for a meta event that was found in its room and that nobody has claimed.
pub async fn settle_found(
    connection: &mut Connection,
    id: i64,
    event_id: &str,
    review_ended_at: i64,
    now: i64,
) -> Result<bool, StorageError> {
    let settled = query(sent!("(claimed_until IS NULL OR claimed_until <= $3)"))
        .bind(event_id)
        .bind(id)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    count_usages_if(settled, connection, id, review_ended_at, now).await
}

/// The body of a meta event is not sent any more.
async fn forget_body(connection: &mut Connection, id: i64) -> Result<(), StorageError> {
    query("DELETE FROM meta_event_bodies WHERE id = $1")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Has a meta event count the usages that waited for it, if it was settled.
async fn count_usages_if(
    settled: u64,
    connection: &mut Connection,
    id: i64,
    review_ended_at: i64,
    now: i64,
) -> Result<bool, StorageError> {
    let is_settled = settled > 0;
    if is_settled {
        forget_body(connection, id).await?;
        count_usages_here(connection, id, review_ended_at, now).await?;
    }
    Ok(is_settled)
}

/// Has a sent meta event count the usages that waited for it.
async fn count_usages_here(
    connection: &mut Connection,
    id: i64,
    review_ended_at: i64,
    now: i64,
) -> Result<(), StorageError> {
    let earlier = counted_by_earlier(connection, id).await?;
    query(
        "UPDATE media_references SET state = 'counted', counted_by = $1, queued_in = NULL, pending_at = NULL, \
         copy_mxc = (SELECT m.copy_mxc FROM meta_event_members m WHERE m.meta_event_id = $1 \
         AND m.media_reference_id = media_references.id) WHERE queued_in = $1",
    )
    .bind(id)
    .execute(&mut *connection)
    .await?;
    forget_members(connection, id).await?;
    for meta_event in earlier {
        review_by(connection, meta_event, now).await?;
    }
    let has_ended: bool = query_scalar(
        "SELECT EXISTS (SELECT 1 FROM media_references r WHERE r.counted_by = $1 AND NOT EXISTS \
         (SELECT 1 FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live'))",
    )
    .bind(id)
    .fetch_one(&mut *connection)
    .await?;
    if has_ended {
        review_by(connection, id, review_ended_at).await?;
    }
    Ok(())
}

/// Its usages say by themselves from now on which meta event counts them.
async fn forget_members(connection: &mut Connection, id: i64) -> Result<(), StorageError> {
    query("DELETE FROM meta_event_members WHERE meta_event_id = $1")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// The meta events that count usages which wait for this one.
async fn counted_by_earlier(
    connection: &mut Connection,
    id: i64,
) -> Result<Vec<i64>, StorageError> {
    query_scalar(
        // Not by the index of all that are counted.
        "SELECT DISTINCT counted_by FROM media_references WHERE queued_in = $1 AND + counted_by IS NOT NULL",
    )
    .bind(id)
    .fetch_all(connection)
    .await
}

/// A meta event was redacted: the usages that it counted are released. `false`: the claim is lost, and
/// nothing was changed.
pub async fn settle_redacted(
    connection: &mut Connection,
    claim: &Claim,
    now: i64,
) -> Result<bool, StorageError> {
    let settled = query(
        "UPDATE meta_events SET state = 'redacted', redacted_at = $3, claim = NULL, \
         claimed_until = NULL, claimed_at = NULL, next_attempt_at = NULL, last_error = NULL \
         WHERE id = $1 AND claim = $2 AND state = 'redacting'",
    )
    .bind(claim.id)
    .bind(&claim.token)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    if settled == 0 {
        return Ok(false);
    }
    query(
        "UPDATE media_references SET counted_by = NULL, copy_mxc = NULL, \
         state = CASE WHEN queued_in IS NULL THEN 'released' ELSE 'pending' END WHERE counted_by = $1",
    )
    .bind(claim.id)
    .execute(&mut *connection)
    .await?;
    Ok(true)
}

/// Why a meta event is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveUp {
    /// It could not be sent.
    Failed,
    /// It is not wanted in that room.
    Disabled,
    /// Others take its place, and its usages.
    Replaced,
}

/// Gives up a meta event that the homeserver has surely not accepted; returns its usages. Those that
/// an earlier meta event counts stay counted, and that one is reviewed at `review_at`. Usages whose
/// links have all ended meanwhile are released. `None`: the claim is lost, or a meta event that could not be
/// sent was made due during the attempt, since the obstacle may have gone; nothing was changed.
pub async fn give_up(
    connection: &mut Connection,
    claim: &Claim,
    how: GiveUp,
    error: &str,
    review_at: i64,
) -> Result<Option<Vec<i64>>, StorageError> {
    let (state, linked, ended) = match how {
        GiveUp::Failed => ("failed", UsageState::Failed, UsageState::Released),
        GiveUp::Disabled => ("dropped", UsageState::Disabled, UsageState::Disabled),
        GiveUp::Replaced => ("dropped", UsageState::Pending, UsageState::Released),
    };
    let given_up = query(
        "UPDATE meta_events SET state = $1, claim = NULL, claimed_until = NULL, claimed_at = NULL, \
         next_attempt_at = NULL, last_error = $2 WHERE id = $3 AND claim = $4 AND state = 'waiting' \
         AND ($1 <> 'failed' OR next_attempt_at <= claimed_at)",
    )
    .bind(state)
    .bind(error)
    .bind(claim.id)
    .bind(&claim.token)
    .execute(&mut *connection)
    .await?;
    if given_up == 0 {
        return Ok(None);
    }
    forget_body(connection, claim.id).await?;
    held_usages::hold_of(connection, claim.id).await?;
    let earlier = counted_by_earlier(connection, claim.id).await?;
    let members: Vec<i64> = query_scalar(
        "UPDATE media_references SET queued_in = NULL, \
         state = CASE WHEN counted_by IS NOT NULL THEN state \
         WHEN EXISTS (SELECT 1 FROM links l WHERE l.media_reference_id = media_references.id AND l.state = 'live') \
         THEN $1 ELSE $2 END WHERE queued_in = $3 RETURNING id",
    )
    .bind(linked.as_str())
    .bind(ended.as_str())
    .bind(claim.id)
    .fetch_all(&mut *connection)
    .await?;
    forget_members(connection, claim.id).await?;
    if how != GiveUp::Replaced {
        for meta_event in earlier {
            review_by(connection, meta_event, review_at).await?;
        }
    }
    Ok(Some(members))
}
