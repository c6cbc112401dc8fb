//! The clock. Handed in wherever time matters, so that tests can move it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use time::OffsetDateTime;

/// A duration in milliseconds, as the database keeps times.
pub(crate) fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// Tells the time in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// How far a test has moved the clock ahead of the system's, in milliseconds.
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "the clock itself")]
        let system = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        i64::try_from(system).unwrap_or(i64::MAX) + self.ahead_ms.load(Ordering::Relaxed)
    }

    /// Moves the clock ahead, for all who hold it.
    pub fn advance(&self, ms: i64) {
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }
}
