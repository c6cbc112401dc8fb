//! The clock. Code that depends on time takes it as a value, so that tests can move it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use time::OffsetDateTime;
use tokio::sync::watch;

/// A duration in milliseconds, as the database keeps times.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// The current time, in milliseconds since the Unix epoch. Clones are one clock.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// How far a test has moved the clock ahead of the system's, in milliseconds.
    ahead_ms: AtomicI64,
    /// Changes whenever a test moves the clock.
    moved: watch::Sender<()>,
}

impl Clock {
    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "the clock itself")]
        let system = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        i64::try_from(system).unwrap_or(i64::MAX) + self.0.ahead_ms.load(Ordering::Relaxed)
    }

    /// Moves the clock ahead, for all who hold it, and wakes those who sleep by it.
    pub fn advance(&self, ms: i64) {
        self.0.ahead_ms.fetch_add(ms, Ordering::Relaxed);
        self.0.moved.send_replace(());
    }

    /// Sleeps until the clock shows this time, in milliseconds since the Unix epoch, or a later one.
    pub async fn sleep_until(&self, at_ms: i64) {
        let mut moved = self.0.moved.subscribe();
        loop {
            let left_ms = at_ms.saturating_sub(self.now_ms());
            let Some(left_ms) = u64::try_from(left_ms).ok().filter(|ms| *ms > 0) else {
                return;
            };
            tokio::select! {
                // This clock holds the sender.
                _ = moved.changed() => {}
                () = tokio::time::sleep(Duration::from_millis(left_ms)) => {}
            }
        }
    }

    /// Sleeps for a time, as this clock measures it.
    pub async fn sleep(&self, time: Duration) {
        self.sleep_until(self.now_ms().saturating_add(millis(time)))
            .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[tokio::test]
    async fn who_sleeps_wakes_when_the_clock_is_moved_far_enough() {
        let clock = Clock::default();
        let sleeper = clock.clone();
        let at = clock.now_ms() + 2 * DAY_MS;
        let sleeping = tokio::spawn(async move { sleeper.sleep_until(at).await });
        tokio::task::yield_now().await;
        clock.advance(DAY_MS);
        tokio::task::yield_now().await;
        assert!(!sleeping.is_finished());
        clock.advance(DAY_MS);
        sleeping.await.expect("wakes");
    }

    #[tokio::test]
    async fn a_time_that_has_passed_is_not_waited_for() {
        let clock = Clock::default();
        clock.sleep_until(clock.now_ms()).await;
        clock.sleep_until(i64::MIN).await;
        clock.sleep(Duration::ZERO).await;
    }
}
