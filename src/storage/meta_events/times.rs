//! When the worker is needed next.

use crate::storage::{
    StorageError,
    engine::{Reader, query_as, query_scalar},
};

/// When each kind of work of a bridge is due next, in milliseconds since the epoch; `None`: there is
/// none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct NextTimes {
    /// A meta event becomes due that is not yet.
    pub attempt_at: Option<i64>,
    /// A claim runs out whose outcome was not noted.
    pub claim_ends_at: Option<i64>,
    /// A room has rested.
    pub rest_ends_at: Option<i64>,
    /// A sent meta event is to be reviewed.
    pub review_at: Option<i64>,
    /// Since when the first usage waits to be gathered.
    pub pending_since: Option<i64>,
    /// A replaced room is to be checked.
    pub check_at: Option<i64>,
    /// A replaced room is to be checked, not yet.
    pub next_check_at: Option<i64>,
}

const NEXT_TIMES: &str = "SELECT \
     (SELECT MIN(next_attempt_at) FROM meta_events WHERE bridge = $1 AND next_attempt_at > $2 \
      AND claimed_until IS NULL) AS attempt_at, \
     (SELECT MIN(claimed_until) FROM meta_events WHERE bridge = $1 AND claimed_until IS NOT NULL) AS claim_ends_at, \
     (SELECT MIN(rests_until) FROM resting_rooms WHERE bridge = $1 AND rests_until > $2) AS rest_ends_at, \
     (SELECT MIN(review_at) FROM meta_events WHERE bridge = $1 AND review_at IS NOT NULL \
      AND state = 'sent') AS review_at, \
     (SELECT MIN(pending_at) FROM media_references WHERE bridge = $1 AND state = 'pending' \
      AND queued_in IS NULL) AS pending_since, \
     (SELECT MIN(check_at) FROM room_successors WHERE bridge = $1 AND check_at IS NOT NULL) AS check_at, \
     (SELECT MIN(check_at) FROM room_successors WHERE bridge = $1 AND check_at > $2) AS next_check_at";

/// When the worker has something to do for a bridge next.
pub async fn next_times(
    reader: &Reader,
    bridge: &str,
    now: i64,
) -> Result<NextTimes, StorageError> {
    query_as(NEXT_TIMES)
        .bind(bridge)
        .bind(now)
        .fetch_one(reader)
        .await
}

/// When the next live link expires, in milliseconds since the epoch.
pub async fn next_expiry(reader: &Reader) -> Result<Option<i64>, StorageError> {
    query_scalar(
        "SELECT MIN(expires_at) FROM links WHERE state = 'live' AND expires_at IS NOT NULL",
    )
    .fetch_one(reader)
    .await
}
