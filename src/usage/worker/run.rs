//! The worker's loop: it does everything that is due, then it sleeps until something is.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, millis},
    config::Config,
    homeserver::{Features, Homeserver},
    links::Links,
    storage::{
        Database, StorageError,
        meta_events::{self, NextTimes},
    },
};

use super::{
    alarm::Alarm, context::Context, devices::Devices, gather::Gatherer, perform::Performer,
    review::Reviewer, successors::Successors, upkeep::Upkeep,
};

/// How often the worker looks for work though nothing has woken it: the system's clock may have been
/// set. Longer than any test waits, so that none passes by the poll.
const POLL: Duration = Duration::from_secs(60);
/// How long it waits after an error of the database.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// Tells the homeserver which media is in use.
#[derive(Debug)]
pub struct UsageWorker {
    database: Database,
    clock: Clock,
    links: Links,
    batch_window_ms: i64,
    alarm: Alarm,
    devices: Devices,
    successors: Successors,
    gatherer: Gatherer,
    reviewer: Reviewer,
    performer: Performer,
    upkeep: Upkeep,
}

/// Where the loop stands after it has looked for work.
enum Progress {
    /// Something was done, so there may be more to do.
    Made,
    /// There is nothing to do before this time, in milliseconds since the epoch.
    NothingUntil(i64),
}

impl UsageWorker {
    /// A worker for the links of a database.
    #[must_use]
    pub fn new(
        links: Links,
        database: Database,
        config: Arc<Config>,
        clock: Clock,
        features: Features,
        homeserver: Arc<Homeserver>,
    ) -> Self {
        let context = Context {
            database,
            config,
            clock,
            features,
            homeserver,
        };
        let devices = Devices::new(&context);
        Self {
            batch_window_ms: millis(context.config.usage.batch_window),
            alarm: Alarm::new(&context.database, context.clock.clone(), POLL),
            successors: Successors::new(&context),
            gatherer: Gatherer::new(&context, devices.clone()),
            reviewer: Reviewer::new(&context, devices.clone()),
            performer: Performer::new(&context, devices.clone()),
            upkeep: Upkeep::new(&context, links.clone()),
            database: context.database,
            clock: context.clock,
            devices,
            links,
        }
    }

    /// Works until it is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.alarm.arm();
            if let Err(error) = self.upkeep.run_if_due().await {
                tracing::error!(%error, "old records could not be deleted");
            }
            match self.work(&stop).await {
                Ok(Progress::Made) => {}
                Ok(Progress::NothingUntil(at)) => {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = self.alarm.wait_until(at) => {}
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "usage could not be worked on");
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(PAUSE_AFTER_ERROR) => {}
                    }
                }
            }
        }
    }

    /// Does everything that is due now.
    async fn work(&self, stop: &CancellationToken) -> Result<Progress, StorageError> {
        let now = self.clock.now_ms();
        let times = meta_events::next_times(self.database.reader()).await?;
        let is_due = |at: Option<i64>| at.is_some_and(|at| at <= now);
        let mut has_worked = false;
        if is_due(times.expiry_at) {
            // The commit wakes the loop again for the reviews that follow.
            has_worked |= self.links.expire().await?;
        }
        if is_due(times.check_at) {
            has_worked |= self.successors.check().await?;
        }
        if is_due(self.gather_at(times)) {
            let before = now - self.batch_window_ms;
            has_worked |= self.gatherer.gather(before).await?;
        }
        if is_due(times.review_at) {
            has_worked |= self.reviewer.review().await?;
        }
        // Gathering and reviewing have queued events that are due at once.
        if has_worked || is_due(times.attempt_at) || is_due(times.claim_ends_at) {
            has_worked |= self.performer.perform_due(stop).await?;
        }
        if has_worked {
            return Ok(Progress::Made);
        }
        Ok(Progress::NothingUntil(self.next_at(times, now)))
    }

    /// When the first usage that waits has waited for the batch window.
    fn gather_at(&self, times: NextTimes) -> Option<i64> {
        let since = times.pending_since?;
        Some(since.saturating_add(self.batch_window_ms))
    }

    /// When there is something to do after `now`. Work that is due and was not done waits for a device,
    /// or for the configuration of its bridge.
    fn next_at(&self, times: NextTimes, now: i64) -> i64 {
        let due = [
            times.attempt_at,
            times.claim_ends_at,
            times.review_at,
            self.gather_at(times),
            times.expiry_at,
            times.check_at,
            self.devices.next_attempt_at(now),
        ];
        due.into_iter()
            .flatten()
            .filter(|at| *at > now)
            .fold(self.upkeep.next_at(), i64::min)
    }
}
