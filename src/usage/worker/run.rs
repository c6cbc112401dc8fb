//! The worker: one loop for each bridge, and one for what concerns them all.

use std::sync::Arc;

use futures_util::future;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::Config,
    homeserver::{Features, Homeserver},
    links::Links,
    storage::Database,
};

use super::{context::Context, expiry::Expiry, lane::Lane};

/// Tells the homeserver which media is in use.
#[derive(Debug)]
pub struct UsageWorker {
    lanes: Vec<Lane>,
    expiry: Expiry,
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
        let bridges = context.config.bridges.iter();
        Self {
            lanes: bridges.map(|bridge| Lane::new(&context, bridge)).collect(),
            expiry: Expiry::new(&context, links),
        }
    }

    /// Works until it is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let lanes = self.lanes.into_iter().map(|lane| lane.run(stop.clone()));
        tokio::join!(future::join_all(lanes), self.expiry.run(stop.clone()));
    }
}
