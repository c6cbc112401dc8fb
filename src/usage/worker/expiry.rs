//! The loop that all bridges share: decisions about many links are carried out, links whose time is over are
//! noted as expired, and old records are deleted.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, millis},
    links::Links,
    storage::{
        Database, StorageError, endings,
        leases::{self, Lease},
        meta_events,
    },
};

use super::{
    alarm::{Alarm, Progress},
    context::Context,
    upkeep::Upkeep,
};

/// The longest rest after some links were noted as expired.
const LONGEST_REST: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Expiry {
    database: Database,
    clock: Clock,
    links: Links,
    alarm: Alarm,
    lease: Lease,
    upkeep: Upkeep,
}

impl Expiry {
    pub(super) fn new(context: &Context, links: Links) -> Self {
        Self {
            database: context.database.clone(),
            clock: context.clock.clone(),
            alarm: Alarm::new(&context.database, context.clock.clone()),
            lease: Lease::new(&context.database, &context.clock, "expiry"),
            upkeep: Upkeep::new(context, links.clone()),
            links,
        }
    }

    /// Works until it is cancelled.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.alarm.arm();
            if let Err(error) = self.upkeep.run_if_due().await {
                tracing::error!(%error, "old records could not be deleted");
            }
            let pass = self.end_links().await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.alarm.wait_after(pass) => {}
            }
        }
    }

    /// Carries decisions about links out, and expires those whose time is over.
    async fn end_links(&self) -> Result<Progress, StorageError> {
        let now = self.clock.now_ms();
        let reader = self.database.reader();
        let is_any_open = endings::is_any_open(reader).await?;
        let next = meta_events::next_expiry(reader).await?;
        if is_any_open || next.is_some_and(|at| at <= now) {
            if !self.lease.is_ours().await? {
                return Ok(Progress::NothingUntil(now + millis(leases::LOOK_AGAIN)));
            }
            if is_any_open && self.links.go_on_ending().await? {
                return Ok(Progress::Made);
            }
            let began = Instant::now();
            // The commit wakes the bridges' loops for the reviews that follow.
            if self.links.expire().await? {
                // As long as it has taken, so that half of the time is left to others.
                tokio::time::sleep(began.elapsed().min(LONGEST_REST)).await;
                return Ok(Progress::Made);
            }
        }
        self.lease.release().await?;
        let next = next.filter(|at| *at > now).unwrap_or(i64::MAX);
        Ok(Progress::NothingUntil(next.min(self.upkeep.next_at())))
    }
}
