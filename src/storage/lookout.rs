//! Waiting between two looks for work that the database holds.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Database;
use crate::clock::Clock;

/// How often to look in any case: some work becomes due as time passes.
const LOOK_ANYWAY_EVERY: Duration = Duration::from_secs(5);
/// How long to wait after a failure, whatever is due: a database that is away is not asked again at once.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Tells those who purge caches when to look again: after a change that ends links, at a time, and now and then.
pub struct Lookout {
    changed: watch::Receiver<()>,
    clock: Clock,
    stop: CancellationToken,
}

impl Lookout {
    /// A lookout for the changes of a database, until `stop`.
    #[must_use]
    pub fn new(database: &Database, clock: &Clock, stop: &CancellationToken) -> Self {
        Self {
            changed: database.writer().cache_changed(),
            clock: clock.clone(),
            stop: stop.clone(),
        }
    }

    /// A look begins, and sees what has changed so far; `false`: it is time to stop.
    pub fn begins(&mut self) -> bool {
        self.changed.mark_unchanged();
        !self.stop.is_cancelled()
    }

    /// Waits for the next look, which is due at a time in milliseconds since the epoch.
    pub async fn wait(&mut self, due_at: i64, has_failed: bool) {
        if has_failed {
            let pause = tokio::time::sleep(PAUSE_AFTER_FAILURE);
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = pause => {}
            }
        }
        tokio::select! {
            () = self.stop.cancelled() => {}
            Ok(()) = self.changed.changed() => {}
            () = self.clock.sleep_until(due_at) => {}
            () = tokio::time::sleep(LOOK_ANYWAY_EVERY) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::test_database::open;

    #[tokio::test]
    async fn what_fails_is_not_tried_again_at_once() {
        let (_folder, database) = open().await;
        let stop = CancellationToken::new();
        let mut lookout = Lookout::new(&database, &Clock::default(), &stop);
        let looks = async {
            let mut looks = 0;
            while lookout.begins() {
                looks += 1;
                lookout.wait(0, true).await;
            }
            looks
        };
        let stopper = async {
            tokio::time::sleep(PAUSE_AFTER_FAILURE / 4).await;
            stop.cancel();
        };
        let (looks, ()) = tokio::join!(looks, stopper);
        assert_eq!(looks, 1);
    }
}
