//! Old records that nobody needs any more are deleted now and then, and secrets are wiped.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    clock::{Clock, millis},
    config::{Config, Lifetime},
    links::Links,
    storage::{
        Database, StorageError,
        far_future::{self, ConfiguredWaits},
        history::{self, ForgetBefore},
        leases::Lease,
        statistics, wipe,
    },
};

use super::context::Context;

/// How long transactions of the homeserver are remembered, in milliseconds.
const REMEMBER_TRANSACTIONS_MS: i64 = 7 * 86_400_000;
/// How often old records are deleted, in milliseconds.
const EVERY_MS: i64 = 3_600_000;
/// How soon it goes on: where there is more to wipe than one write does, or doubt about the time. In
/// milliseconds.
const AGAIN_MS: i64 = 1000;
/// How many rows of each kind are wiped in one write.
const WIPED_AT_ONCE: i64 = 500;

#[derive(Debug)]
pub(super) struct Upkeep {
    database: Database,
    config: Arc<Config>,
    clock: Clock,
    links: Links,
    lease: Lease,
    delete_at: i64,
    wipe_at: i64,
    /// Whether the write-ahead log may hold secrets that were wiped. A process before this one may
    /// have been killed before it was emptied.
    has_wiped: bool,
}

impl Upkeep {
    pub(super) fn new(context: &Context, links: Links) -> Self {
        Self {
            database: context.database.clone(),
            config: Arc::clone(&context.config),
            clock: context.clock.clone(),
            links,
            lease: Lease::new(&context.database, &context.clock, "upkeep"),
            delete_at: 0,
            wipe_at: 0,
            has_wiped: true,
        }
    }

    /// When there is something to do next.
    pub(super) fn next_at(&self) -> i64 {
        self.delete_at.min(self.wipe_at)
    }

    /// Deletes old records and wipes secrets, if it is time to.
    pub(super) async fn run_if_due(&mut self) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
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

    async fn run_due(&mut self, now: i64) -> Result<(), StorageError> {
        if is_due(self.wipe_at, now) {
            self.wipe_at = now + EVERY_MS;
            if self.wipe().await? {
                self.wipe_at = now + AGAIN_MS;
            }
        }
        if is_due(self.delete_at, now) {
            // What is forgotten stays forgotten: it waits until there is no doubt about the time.
            if self.clock.is_sure() {
                self.delete_at = now + EVERY_MS;
                self.delete_old(now).await?;
            } else {
                self.delete_at = now + AGAIN_MS;
            }
        }
        Ok(())
    }

    /// Wipes some of the secrets that nobody needs any more; `true`: there may be more.
    async fn wipe(&mut self) -> Result<bool, StorageError> {
        let has_cache = self.config.media.cache.is_some();
        let wiped = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                wipe::wipe(connection, has_cache, WIPED_AT_ONCE).boxed()
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

    async fn delete_old(&self, now: i64) -> Result<(), StorageError> {
        let links = &self.config.links;
        // Where links may live for ever, the records against them are kept for ever.
        let redactions = match links.max_lifetime {
            Lifetime::Never => None,
            Lifetime::For(_) => Some(now - millis(links.remember)),
        };
        let has_legacy_links = !self.config.legacy_links.entries().is_empty();
        let before = ForgetBefore {
            transactions: now - REMEMBER_TRANSACTIONS_MS,
            redactions,
            // The age of links that bridges have made by themselves is not known.
            revocations: redactions.filter(|_| !has_legacy_links),
        };
        let usage = &self.config.usage;
        let waits = ConfiguredWaits {
            release_after: millis(usage.release_after),
            touch: match usage.touch {
                Lifetime::Never => None,
                Lifetime::For(every) => Some(millis(every)),
            },
        };
        self.database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    history::forget(connection, before).await?;
                    far_future::pull_back(connection, waits, now).await?;
                    statistics::take(connection).await
                }
                .boxed()
            })
            .await?;
        self.links.forget_shown().await
    }
}

/// Whether it is time; also if the clock was set back.
fn is_due(at: i64, now: i64) -> bool {
    !(now + 1..=now + EVERY_MS).contains(&at)
}
