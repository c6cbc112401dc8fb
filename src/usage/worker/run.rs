//! The worker: one loop for each bridge, and one for what concerns them all.

use std::sync::Arc;

use futures_util::future;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::Settings,
    homeserver::{Features, Homeserver},
    links::Links,
    storage::{Database, StorageError, meta_events},
};

use super::{context::Context, expiry::Expiry, lane::Lane};

/// Tells the homeserver which media is in use.
#[derive(Debug)]
pub struct UsageWorker {
    database: Database,
    config: Settings,
    lanes: Vec<Lane>,
    expiry: Expiry,
}

impl UsageWorker {
    /// A worker for the links of a database.
    #[must_use]
    pub fn new(
        links: Links,
        database: Database,
        config: Settings,
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
        let lanes = context.config.bridges.iter();
        let lanes = lanes.map(|bridge| Lane::new(&context, bridge)).collect();
        Self {
            lanes,
            expiry: Expiry::new(&context, links),
            database: context.database,
            config: context.config,
        }
    }

    /// Works until it is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        if let Err(error) = self.tell_of_removed_bridges().await {
            tracing::error!(%error, "usage could not be worked on");
        }
        let lanes = self.lanes.into_iter().map(|lane| lane.run(stop.clone()));
        tokio::join!(future::join_all(lanes), self.expiry.run(stop.clone()));
    }

    /// Nobody else tells of what waits for them.
    async fn tell_of_removed_bridges(&self) -> Result<(), StorageError> {
        for (bridge, meta_events) in meta_events::count_by_bridge(self.database.reader()).await? {
            if self.config.bridge(&bridge).is_none() {
                tracing::warn!(
                    bridge,
                    meta_events,
                    "meta events of a bridge that is not configured any more wait for it"
                );
            }
        }
        Ok(())
    }
}
