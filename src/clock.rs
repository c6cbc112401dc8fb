//! The clock. Code that depends on time takes it as a value, so that tests can move it.
//!
//! It does not follow the system's clock blindly. That one may be set, by mistake and for a moment,
//! and what is done in that moment stays done: links expire, redactions are forgotten, retries are
//! put off for a year. So time goes on by a clock that nobody can set, and the system's clock is
//! believed once it has kept its new time for ten minutes. Until then nothing is done that cannot be
//! undone: see [`Clock::is_sure`].

mod agreement;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use time::OffsetDateTime;
use tokio::sync::watch;

use agreement::{Agreement, BELIEVE_AFTER_MS, News, Reading};

/// A duration in milliseconds, as the database keeps times.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// The current time, in milliseconds since the Unix epoch. Clones are one clock.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The difference between the believed time and the steady clock: that of `agreement`.
    offset_ms: AtomicI64,
    agreement: Mutex<Agreement>,
    /// How far a test has moved both clocks ahead of the system's, in milliseconds.
    ahead_ms: AtomicI64,
    /// How far a test has set the wall clock, in milliseconds.
    set_ms: AtomicI64,
    /// Changes whenever the time jumps.
    moved: watch::Sender<()>,
}

impl Default for Clock {
    fn default() -> Self {
        let agreement = Agreement::new(Reading {
            wall: system_ms(),
            steady: steady_ms(),
        });
        Self(Arc::new(Shared {
            offset_ms: AtomicI64::new(agreement.offset()),
            agreement: Mutex::new(agreement),
            ahead_ms: AtomicI64::default(),
            set_ms: AtomicI64::default(),
            moved: watch::Sender::default(),
        }))
    }
}

/// The system's clock.
fn system_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the clock itself")]
    let system = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    i64::try_from(system).unwrap_or(i64::MAX)
}

/// A clock that nobody can set. On Linux it goes on while the machine is suspended, so that waking up
/// is no jump.
fn steady_ms() -> i64 {
    #[cfg(target_os = "linux")]
    const STEADY: ClockId = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    const STEADY: ClockId = ClockId::Monotonic;
    let time = clock_gettime(STEADY);
    time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}

impl Clock {
    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let shared = &self.0;
        steady_ms()
            + shared.ahead_ms.load(Ordering::Relaxed)
            + shared.offset_ms.load(Ordering::Relaxed)
    }

    /// Whether the system's clock and the steady one agree. While they do not, nothing is done that
    /// depends on the time and cannot be undone: links do not expire for good, and nothing is
    /// forgotten.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.observe();
        self.agreement().is_sure()
    }

    /// Compares the time with that of the newest record of the database. A clock that is behind it, or
    /// more than 30 days ahead, has to keep its time for ten minutes before [`Clock::is_sure`]; a step
    /// to a plausible time is believed at once.
    pub fn compare_with_records(&self, newest_ms: i64) {
        let reading = self.reading();
        let difference = self.agreement().compare(reading, newest_ms);
        if let Some(ms) = difference {
            tracing::warn!(
                seconds = ms / 1000,
                "the clock is far from the time of the newest record: links do not expire and nothing is forgotten for now"
            );
        }
    }

    /// Looks at the system's clock, and follows it if it is to be believed.
    pub fn observe(&self) {
        let reading = self.reading();
        let mut agreement = self.agreement();
        let news = agreement.observe(reading);
        self.0
            .offset_ms
            .store(agreement.offset(), Ordering::Relaxed);
        drop(agreement);
        match news {
            None => {}
            Some(News::Jumped(ms)) => tracing::warn!(
                seconds = ms / 1000,
                believed_after_s = BELIEVE_AFTER_MS / 1000,
                "the system's clock was set: links do not expire and nothing is forgotten until it has kept its time"
            ),
            Some(News::Back) => {
                tracing::info!("the system's clock shows the time again that it had shown before");
            }
            Some(News::Believed(ms)) => {
                tracing::info!(
                    seconds = ms / 1000,
                    "the time of the system's clock is believed"
                );
                self.0.moved.send_replace(());
            }
        }
    }

    fn agreement(&self) -> MutexGuard<'_, Agreement> {
        self.0
            .agreement
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn reading(&self) -> Reading {
        let ahead = self.0.ahead_ms.load(Ordering::Relaxed);
        Reading {
            wall: system_ms() + ahead + self.0.set_ms.load(Ordering::Relaxed),
            steady: steady_ms() + ahead,
        }
    }

    /// Lets time pass, for all who hold this clock, and wakes those who sleep by it.
    pub fn advance(&self, ms: i64) {
        self.0.ahead_ms.fetch_add(ms, Ordering::Relaxed);
        self.observe();
        self.0.moved.send_replace(());
    }

    /// Sets the wall clock by so many milliseconds, as somebody may set the system's, while time
    /// passes as before.
    pub fn set_wall(&self, by_ms: i64) {
        self.0.set_ms.fetch_add(by_ms, Ordering::Relaxed);
        self.observe();
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
    async fn who_sleeps_wakes_when_a_time_that_was_set_is_believed() {
        let clock = Clock::default();
        let (sleeper, before) = (clock.clone(), clock.now_ms());
        let sleeping = tokio::spawn(async move { sleeper.sleep_until(before + DAY_MS).await });
        tokio::task::yield_now().await;
        clock.set_wall(2 * DAY_MS);
        assert!(clock.now_ms() < before + DAY_MS && !clock.is_sure());
        clock.advance(BELIEVE_AFTER_MS);
        assert!(clock.now_ms() > before + 2 * DAY_MS && clock.is_sure());
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
