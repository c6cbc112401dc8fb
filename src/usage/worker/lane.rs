//! The loop of one bridge: it does everything that is due, then it sleeps until something is. Bridges
//! have loops of their own, so that none waits for another; requests to the homeserver go on beside
//! the loop, so that no room waits for another.

use std::sync::Arc;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, millis},
    config::BridgeConfig,
    storage::{
        Database, StorageError,
        meta_events::{self, NextTimes},
    },
};

use super::{
    alarm::{Alarm, Progress},
    context::Context,
    devices::Devices,
    gather::Gatherer,
    perform::Performer,
    review::Reviewer,
    slots::Slots,
    successors::Successors,
};

/// What is done for the usage of one bridge's media.
#[derive(Debug)]
pub(super) struct Lane {
    database: Database,
    clock: Clock,
    bridge: Arc<BridgeConfig>,
    batch_window_ms: i64,
    alarm: Alarm,
    devices: Devices,
    successors: Successors,
    gatherer: Gatherer,
    reviewer: Reviewer,
    slots: Slots,
}

impl Lane {
    pub(super) fn new(context: &Context, bridge: &Arc<BridgeConfig>) -> Self {
        let devices = Devices::new(context);
        let performer = Performer::new(context, &devices);
        Self {
            database: context.database.clone(),
            clock: context.clock.clone(),
            bridge: Arc::clone(bridge),
            batch_window_ms: millis(context.config.usage.batch_window),
            alarm: Alarm::new(&context.database, context.clock.clone()),
            successors: Successors::new(context, Arc::clone(bridge)),
            gatherer: Gatherer::new(context, Arc::clone(bridge)),
            reviewer: Reviewer::new(context, Arc::clone(bridge)),
            slots: Slots::new(context, Arc::clone(bridge), performer),
            devices,
        }
    }

    /// Works until it is cancelled.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.alarm.arm();
            let pass = tokio::select! {
                () = stop.cancelled() => break,
                pass = self.work(&stop) => pass,
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.alarm.wait_after(pass) => {}
                () = self.slots.freed() => {}
                () = self.successors.checked() => {}
            }
        }
        tokio::join!(self.slots.finish(), self.successors.finish());
    }

    /// Does everything that is due now.
    async fn work(&mut self, stop: &CancellationToken) -> Result<Progress, StorageError> {
        let now = self.clock.now_ms();
        // Before the times: what another replica claims meanwhile is then known by its claim.
        let sends = self.slots.has_work().await?;
        let times = self.times(now).await?;
        let is_due = |at: Option<i64>| at.is_some_and(|at| at <= now);
        if is_due(times.claim_ends_at) {
            self.free_ended_claims(now).await?;
            return Ok(Progress::Made);
        }
        if is_due(times.check_at) {
            self.successors.start_due().await?;
        }
        let gathers = is_due(self.gather_at(times));
        let reviews = is_due(times.review_at);
        if !(gathers || reviews || sends) {
            return Ok(Progress::NothingUntil(self.next_at(times, now)));
        }
        // All of it needs the device.
        let Some(device) = self.devices.get(&self.bridge).await else {
            return Ok(Progress::NothingUntil(self.next_at(times, now)));
        };
        let mut has_worked = false;
        if gathers {
            let before = now - self.batch_window_ms;
            has_worked |= self.gatherer.gather(&device, before).await?;
        }
        if reviews {
            has_worked |= self.reviewer.review(&device).await?;
        }
        // Gathering and reviewing have queued events that are due at once.
        has_worked |= self.slots.fill(stop).await?;
        if has_worked {
            return Ok(Progress::Made);
        }
        // Another replica was quicker.
        Ok(Progress::NothingUntil(
            self.next_at(self.times(now).await?, now),
        ))
    }

    async fn times(&self, now: i64) -> Result<NextTimes, StorageError> {
        meta_events::next_times(self.database.reader(), &self.bridge.id, now).await
    }

    async fn free_ended_claims(&self, now: i64) -> Result<(), StorageError> {
        let bridge = self.bridge.id.clone();
        self.database
            .writer()
            .write(move |connection| {
                async move { meta_events::free_ended_claims(connection, &bridge, now).await }
                    .boxed()
            })
            .await
    }

    /// When the first usage that waits has waited for the batch window.
    fn gather_at(&self, times: NextTimes) -> Option<i64> {
        let since = times.pending_since?;
        Some(since.saturating_add(self.batch_window_ms))
    }

    /// When there is something to do after `now`. Work that is due and was not done waits for a slot,
    /// or for a device.
    fn next_at(&self, times: NextTimes, now: i64) -> i64 {
        let due = [
            times.attempt_at,
            times.claim_ends_at,
            times.rest_ends_at,
            times.review_at,
            self.gather_at(times),
            times.next_check_at,
            self.devices.next_attempt_at(&self.bridge.id),
        ];
        due.into_iter()
            .flatten()
            .filter(|at| *at > now)
            .fold(i64::MAX, i64::min)
    }
}
