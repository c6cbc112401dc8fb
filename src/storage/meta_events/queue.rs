//! Whose turn it is: claims of meta events that are due, and attempts that are put off.

use sqlx::{SqliteConnection, SqlitePool};

use crate::storage::StorageError;

use super::row::ClaimedEvent;

/// Whether any meta event could be claimed now.
pub async fn any_due(reader: &SqlitePool, now: i64) -> Result<bool, StorageError> {
    let due: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM meta_events WHERE next_attempt_at <= $1 \
         AND (claimed_until IS NULL OR claimed_until <= $1))",
    )
    .bind(now)
    .fetch_one(reader)
    .await?;
    Ok(due != 0)
}

/// Claims up to `limit` meta events that are due, for `lease` milliseconds. Nobody else takes them
/// before that; they are due again after it, in case this process has been killed. Where an earlier
/// claim has run out, its attempt may have been made: the outcome is unknown since that claim.
pub async fn claim(
    connection: &mut SqliteConnection,
    now: i64,
    lease: i64,
    limit: i64,
) -> Result<Vec<ClaimedEvent>, StorageError> {
    Ok(sqlx::query_as(
        "UPDATE meta_events SET claimed_until = $2 + $1, attempts = attempts + 1, \
         unknown_since = COALESCE(unknown_since, claimed_until - $1) WHERE id IN \
         (SELECT id FROM meta_events WHERE next_attempt_at <= $2 AND state IN ('waiting', 'redacting') \
          AND (claimed_until IS NULL OR claimed_until <= $2) ORDER BY next_attempt_at LIMIT $3) \
         RETURNING id, bridge, room_id, state, event_type, content, batch, txn_id, device_id, event_id, \
         redact_txn_id, attempts, unknown_since, created_at, has_copy, copy_mxc, copied_at, copies_refused",
    )
    .bind(lease)
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await?)
}

/// Releases the claims of a process that has ended, each of which was for `lease` milliseconds. The
/// attempts may have been made: their outcome is unknown since the claim. Only for the one service
/// of a database.
pub async fn release_claims(
    connection: &mut SqliteConnection,
    lease: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET claimed_until = NULL, \
         unknown_since = COALESCE(unknown_since, claimed_until - $1) WHERE claimed_until IS NOT NULL",
    )
    .bind(lease)
    .execute(connection)
    .await?;
    Ok(())
}

/// An attempt did not succeed; the next one is made at `next_attempt_at`. `unknown_since`: since
/// when the homeserver may have accepted it.
pub async fn postpone(
    connection: &mut SqliteConnection,
    id: i64,
    next_attempt_at: i64,
    unknown_since: Option<i64>,
    error: &str,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET claimed_until = NULL, next_attempt_at = $1, \
         unknown_since = COALESCE(unknown_since, $2), last_error = $3 \
         WHERE id = $4 AND state IN ('waiting', 'redacting')",
    )
    .bind(next_attempt_at)
    .bind(unknown_since)
    .bind(error)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// The meta event is not in the room, and the homeserver has forgotten its transaction: it is
/// sent again, under another transaction ID.
pub async fn send_again(
    connection: &mut SqliteConnection,
    id: i64,
    now: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET txn_id = $1, claimed_until = NULL, next_attempt_at = $2, unknown_since = NULL \
         WHERE id = $3 AND state = 'waiting'",
    )
    .bind(crate::random::id())
    .bind(now)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes everything that waits in a room due now: the obstacle may have gone.
pub async fn make_due(
    connection: &mut SqliteConnection,
    bridge: &str,
    room_id: &str,
    now: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET next_attempt_at = $1 WHERE bridge = $2 AND room_id = $3 \
         AND next_attempt_at > $1 AND state IN ('waiting', 'redacting')",
    )
    .bind(now)
    .bind(bridge)
    .bind(room_id)
    .execute(connection)
    .await?;
    Ok(())
}
