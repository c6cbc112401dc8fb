//! Old records that nobody needs any more are deleted now and then.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    clock::{Clock, millis},
    config::{Config, Lifetime},
    links::Links,
    storage::{
        Database, StorageError,
        history::{self, ForgetBefore},
    },
};

use super::context::Context;

/// How long transactions of the homeserver are remembered, in milliseconds.
const REMEMBER_TRANSACTIONS_MS: i64 = 7 * 86_400_000;
/// How often old records are deleted, in milliseconds.
const EVERY_MS: i64 = 3_600_000;

#[derive(Debug)]
pub(super) struct Upkeep {
    database: Database,
    config: Arc<Config>,
    clock: Clock,
    links: Links,
    next_at: i64,
}

impl Upkeep {
    pub(super) fn new(context: &Context, links: Links) -> Self {
        Self {
            database: context.database.clone(),
            config: Arc::clone(&context.config),
            clock: context.clock.clone(),
            links,
            next_at: 0,
        }
    }

    /// When old records are deleted next.
    pub(super) fn next_at(&self) -> i64 {
        self.next_at
    }

    /// Deletes old records, if it is time to.
    pub(super) async fn run_if_due(&mut self) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        if now < self.next_at {
            return Ok(());
        }
        self.next_at = now + EVERY_MS;
        self.delete_old(now).await
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
        self.database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                history::forget(connection, before).boxed()
            })
            .await?;
        self.links.forget_shown().await
    }
}
