//! Attempts that did not succeed, and when the next one is made.

use crate::storage::{
    StorageError,
    engine::{Connection, query},
};

use super::{rests, row::Claim};

/// An attempt did not succeed; the next one is made at `next_attempt_at`, or at once if it was made due
/// during the attempt. `unknown_since`: since when the homeserver may have accepted it. `false`: the claim
/// is lost, and nothing was changed.
pub async fn postpone(
    connection: &mut Connection,
    claim: &Claim,
    next_attempt_at: i64,
    unknown_since: Option<i64>,
    error: &str,
) -> Result<bool, StorageError> {
    let postponed = query(
        "UPDATE meta_events SET claim = NULL, claimed_until = NULL, claimed_at = NULL, \
         next_attempt_at = CASE WHEN next_attempt_at > claimed_at THEN next_attempt_at ELSE $1 END, \
         unknown_since = COALESCE(unknown_since, $2), last_error = $3 \
         WHERE id = $4 AND claim = $5 AND state IN ('waiting', 'redacting')",
    )
    .bind(next_attempt_at)
    .bind(unknown_since)
    .bind(error)
    .bind(claim.id)
    .bind(&claim.token)
    .execute(connection)
    .await?;
    Ok(postponed > 0)
}

/// The meta event is not in the room, and the homeserver has forgotten its transaction: it is
/// sent again, under another transaction ID. `false`: the claim is lost, and nothing was changed.
pub async fn send_again(
    connection: &mut Connection,
    claim: &Claim,
    now: i64,
) -> Result<bool, StorageError> {
    let changed = query(
        "UPDATE meta_events SET txn_id = $1, claim = NULL, claimed_until = NULL, claimed_at = NULL, \
         next_attempt_at = $2, unknown_since = NULL WHERE id = $3 AND claim = $4 AND state = 'waiting'",
    )
    .bind(crate::random::id())
    .bind(now)
    .bind(claim.id)
    .bind(&claim.token)
    .execute(connection)
    .await?;
    Ok(changed > 0)
}

/// Makes everything that waits in a room due now: the obstacle may have gone. What is being attempted is
/// due again after its claim, which began when it was due: so an attempt that meets the obstacle still is
/// not the last one for long.
pub async fn make_due(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    now: i64,
) -> Result<(), StorageError> {
    rests::end(connection, bridge, room_id).await?;
    query(
        "UPDATE meta_events SET next_attempt_at = COALESCE(claimed_at + 1, $1) \
         WHERE bridge = $2 AND room_id = $3 AND (next_attempt_at > $1 OR claimed_at IS NOT NULL) \
         AND state IN ('waiting', 'redacting')",
    )
    .bind(now)
    .bind(bridge)
    .bind(room_id)
    .execute(connection)
    .await?;
    Ok(())
}
