//! Claims are held for as long as their attempt goes on.

use std::time::Duration;

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    storage::{
        Database, StorageError,
        meta_events::{self, Claim},
    },
};

use super::context::Context;

/// For how long a claim holds that nobody renews, in milliseconds.
pub(super) const LEASE_MS: i64 = 120_000;
/// How long before its end a claim is renewed, in milliseconds.
const RENEW_BEFORE_MS: i64 = LEASE_MS / 2;
/// How long to wait after an error of the database.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Leases {
    database: Database,
    clock: Clock,
}

impl Leases {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            database: context.database.clone(),
            clock: context.clock.clone(),
        }
    }

    /// Holds a fresh claim; ends when it is lost.
    pub(super) async fn hold(&self, claim: &Claim) {
        let mut until = self.clock.now_ms() + LEASE_MS;
        loop {
            self.clock.sleep_until(until - RENEW_BEFORE_MS).await;
            match self.renew(claim.clone()).await {
                Ok(None) => return,
                Ok(Some(renewed_until)) => until = renewed_until,
                Err(error) => {
                    tracing::error!(%error, meta_event = claim.id, "the claim of a meta event could not be renewed");
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }

    /// Until when the claim holds now; `None`: it is lost.
    async fn renew(&self, claim: Claim) -> Result<Option<i64>, StorageError> {
        let now = self.clock.now_ms();
        let is_held = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move { meta_events::hold(connection, &claim, LEASE_MS, now).await }.boxed()
            })
            .await?;
        Ok(is_held.then_some(now + LEASE_MS))
    }
}
