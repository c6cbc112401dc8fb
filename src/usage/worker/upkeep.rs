//! What ended long ago is thinned now and then, and secrets are wiped.

use std::time::Duration;

use futures_util::FutureExt;

use crate::{
    clock::{Clock, millis},
    config::{Lifetime, Settings},
    links::Links,
    storage::{
        Database, StorageError,
        far_future::{self, ConfiguredWaits},
        front_purges,
        leases::{self, Lease},
        statistics, wipe,
    },
};

use super::{context::Context, thinning::Thinning};

/// How often what ended long ago is thinned, in milliseconds.
const EVERY_MS: i64 = 3_600_000;
/// How long purges in front wait for somebody who does them, in milliseconds.
const FORGET_PURGES_MS: i64 = 86_400_000;
/// How often to look for tables that have grown, in milliseconds.
const LOOK_FOR_GROWTH_MS: i64 = 1000;
/// How soon it goes on: where there is more to wipe than one write does, or doubt about the time. In
/// milliseconds.
const AGAIN_MS: i64 = 1000;
/// How many pieces of what ended long ago are thinned in a row, how long to rest after each, so that nobody
/// waits behind several, and how soon it goes on, in milliseconds.
const PIECES: usize = 10;
const REST: Duration = Duration::from_millis(10);
const MORE_MS: i64 = 100;
/// How many rows of each kind are wiped in one write.
const WIPED_AT_ONCE: i64 = 500;

#[derive(Debug)]
pub(super) struct Upkeep {
    database: Database,
    config: Settings,
    clock: Clock,
    thinning: Thinning,
    lease: Lease,
    delete_at: i64,
    wipe_at: i64,
    grown_at: i64,
    /// Whether the write-ahead log may hold secrets that were wiped. A process before this one may
    /// have been killed before it was emptied.
    has_wiped: bool,
}

impl Upkeep {
    pub(super) fn new(context: &Context, links: Links) -> Self {
        Self {
            database: context.database.clone(),
            config: context.config.clone(),
            clock: context.clock.clone(),
            thinning: Thinning::new(context.database.clone(), context.config.clone(), links),
            lease: Lease::new(&context.database, &context.clock, "upkeep"),
            delete_at: 0,
            wipe_at: 0,
            grown_at: 0,
            has_wiped: true,
        }
    }

    /// When there is something to do next.
    pub(super) fn next_at(&self) -> i64 {
        self.delete_at.min(self.wipe_at)
    }

    /// Thins what ended long ago and wipes secrets, if it is time to.
    pub(super) async fn run_if_due(&mut self) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        self.follow_growth(now).await?;
        // What is forgotten stays forgotten: it waits until there is no doubt about the time.
        if is_due(self.delete_at, now) && !self.clock.is_sure() {
            self.delete_at = now + AGAIN_MS;
        }
        if !is_due(self.wipe_at, now) && !is_due(self.delete_at, now) {
            return Ok(());
        }
        let lease = self.lease.clone();
        match lease.during(self.run_due(now)).await? {
            Some(done) => done,
            // Another replica does it.
            None => {
                for at in [&mut self.wipe_at, &mut self.delete_at] {
                    if is_due(*at, now) {
                        *at = now + AGAIN_MS;
                    }
                }
                Ok(())
            }
        }
    }

    /// Takes statistics where tables have grown; whoever has made one grow has woken this loop.
    async fn follow_growth(&mut self, now: i64) -> Result<(), StorageError> {
        if self.database.is_ours_alone() || !is_due(self.grown_at, now) {
            return Ok(());
        }
        self.grown_at = now + LOOK_FOR_GROWTH_MS;
        if statistics::are_old(self.database.reader()).await? {
            let renewed = self
                .database
                .writer()
                .write::<_, StorageError, _>(|connection| statistics::renew(connection).boxed());
            renewed.await?;
        }
        Ok(())
    }

    async fn run_due(&mut self, now: i64) -> Result<(), StorageError> {
        if is_due(self.wipe_at, now) {
            self.wipe_at = now + EVERY_MS;
            if self.wipe().await? {
                self.wipe_at = now + AGAIN_MS;
            }
        }
        if is_due(self.delete_at, now) {
            self.delete_at = now + EVERY_MS;
            if self.thin(now).await? {
                self.delete_at = now + MORE_MS;
            }
        }
        Ok(())
    }

    /// Wipes some of the secrets that nobody needs any more; `true`: there may be more.
    async fn wipe(&mut self) -> Result<bool, StorageError> {
        let wiped = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                wipe::wipe(connection, WIPED_AT_ONCE).boxed()
            })
            .await?;
        self.has_wiped |= wiped > 0;
        if wiped > 0 {
            return Ok(true);
        }
        if self.has_wiped && self.database.empty_log().await? {
            self.has_wiped = false;
        }
        Ok(self.has_wiped)
    }

    /// Thins some of what ended long ago; `true`: there is more of it. What stays is looked after once in a
    /// pass.
    async fn thin(&mut self, now: i64) -> Result<bool, StorageError> {
        for _ in 0..PIECES {
            if !self.thinning.go_on(now).await? {
                self.look_after().await?;
                return Ok(false);
            }
            tokio::time::sleep(REST).await;
        }
        Ok(true)
    }

    async fn look_after(&self) -> Result<(), StorageError> {
        let usage = &self.config.usage;
        let waits = ConfiguredWaits {
            release_after: millis(usage.release_after),
            touch: match usage.touch {
                Lifetime::Never => None,
                Lifetime::For(every) => Some(millis(every)),
            },
        };
        let clock = self.clock.clone();
        self.database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                // The time of the write: what was noted while it waited lies not in the future.
                let now = clock.now_ms();
                async move {
                    far_future::pull_back(connection, waits, now).await?;
                    leases::forget(connection, now - EVERY_MS).await?;
                    front_purges::forget(connection, now - FORGET_PURGES_MS).await?;
                    statistics::take(connection).await
                }
                .boxed()
            })
            .await
    }
}

/// Whether it is time; also if the clock was set back.
fn is_due(at: i64, now: i64) -> bool {
    !(now + 1..=now + EVERY_MS).contains(&at)
}
