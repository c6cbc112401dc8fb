//! When the worker wakes: as soon as the database has changed in what concerns it, or when something
//! is due.

use std::time::Duration;

use tokio::sync::watch;

use crate::{
    clock::Clock,
    storage::{Database, StorageError},
};

/// How often a loop looks for work though nothing has woken it: the system's clock may have been
/// set. Longer than any test waits, so that none passes by the poll.
const POLL: Duration = Duration::from_secs(60);
/// The same where other replicas may have left work behind: nobody wakes for what they have claimed.
const POLL_SHARED: Duration = Duration::from_secs(10);
/// How long it waits after an error of the database.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// Where a loop stands after it has looked for work.
pub(super) enum Progress {
    /// Something was done, so there may be more to do.
    Made,
    /// There is nothing to do before this time, in milliseconds since the epoch.
    NothingUntil(i64),
}

#[derive(Debug)]
pub(super) struct Alarm {
    changed: watch::Receiver<()>,
    clock: Clock,
    /// Wakes the worker even if nobody else does.
    poll: Duration,
}

impl Alarm {
    pub(super) fn new(database: &Database, clock: Clock) -> Self {
        Self {
            changed: database.writer().usage_changed(),
            clock,
            poll: if database.is_ours_alone() {
                POLL
            } else {
                POLL_SHARED
            },
        }
    }

    /// Changes of the database from now on end the next wait.
    pub(super) fn arm(&mut self) {
        self.changed.mark_unchanged();
    }

    /// Waits for as long as the outcome of a look for work says.
    pub(super) async fn wait_after(&mut self, pass: Result<Progress, StorageError>) {
        match pass {
            Ok(Progress::Made) => {}
            Ok(Progress::NothingUntil(at)) => self.wait_until(at).await,
            Err(error) => {
                tracing::error!(%error, "usage could not be worked on");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }

    /// Waits until the database has changed since it was armed, or until a time in milliseconds
    /// since the epoch.
    async fn wait_until(&mut self, at: i64) {
        tokio::select! {
            // An error means that the writer has stopped: then nothing changes any more.
            Ok(()) = self.changed.changed() => {}
            () = self.clock.sleep_until(at) => {}
            () = tokio::time::sleep(self.poll) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use crate::storage::{features, room_successors, test_database::open};

    use super::*;

    const NEVER: Duration = Duration::from_secs(1_000_000_000);
    const DAY_MS: i64 = 86_400_000;

    fn alarm(database: &Database, clock: &Clock) -> Alarm {
        Alarm {
            poll: NEVER,
            ..Alarm::new(database, clock.clone())
        }
    }

    async fn replace_a_room(database: &Database) {
        let succession = room_successors::Succession {
            bridge: "irc".to_owned(),
            room_id: "!old".to_owned(),
            successor: "!new".to_owned(),
        };
        let written = database.writer().write::<_, StorageError, _>(move |c| {
            async move { room_successors::note(c, &succession, 1).await }.boxed()
        });
        written.await.expect("writes");
    }

    #[tokio::test]
    async fn a_commit_that_concerns_usage_ends_the_wait() {
        let (_folder, database) = open().await;
        let clock = Clock::default();
        let mut alarm = alarm(&database, &clock);
        replace_a_room(&database).await;
        alarm.wait_until(clock.now_ms() + DAY_MS).await;
    }

    #[tokio::test]
    async fn a_commit_before_the_wait_is_not_missed() {
        let (_folder, database) = open().await;
        let clock = Clock::default();
        let mut alarm = alarm(&database, &clock);
        let at = clock.now_ms() + DAY_MS;
        alarm.arm();
        replace_a_room(&database).await;
        alarm.wait_until(at).await;
        alarm.arm();
        assert!(alarm.wait_until(at).now_or_never().is_none());
    }

    #[tokio::test]
    async fn other_commits_let_the_worker_sleep() {
        if !support::only_on_sqlite("on a server, each of our writes may be work") {
            return;
        }
        let (_folder, database) = open().await;
        let clock = Clock::default();
        let mut alarm = alarm(&database, &clock);
        let written = database.writer().write::<_, StorageError, _>(|c| {
            features::note(c, "org.example.feature", true, 1).boxed()
        });
        assert!(written.await.expect("writes"));
        let at = clock.now_ms() + DAY_MS;
        assert!(alarm.wait_until(at).now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_clock_that_is_moved_ends_the_wait() {
        let (_folder, database) = open().await;
        let clock = Clock::default();
        let mut alarm = alarm(&database, &clock);
        let at = clock.now_ms() + DAY_MS;
        tokio::join!(alarm.wait_until(at), async {
            tokio::task::yield_now().await;
            clock.advance(DAY_MS);
        });
    }
}
