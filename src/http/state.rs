//! What handlers work with.

use std::{collections::HashMap, sync::Arc};

use metrics_exporter_prometheus::PrometheusHandle;

use tokio::sync::Semaphore;

use crate::{
    appservice::{Forwarder, Incoming},
    clock::Clock,
    config::{BridgeConfig, Config},
    homeserver::Homeserver,
    links::Links,
    media::Presence,
    pastes::{PasteViews, Pastes},
    storage::Database,
    usage::FollowCounter,
};

/// How many transactions of the homeserver are held in memory at once, for each bridge.
const TRANSACTIONS_AT_ONCE: usize = 2;

/// What handlers work with.
#[derive(Clone)]
pub struct AppState {
    /// The configuration.
    pub config: Arc<Config>,
    /// The clock of the service.
    pub clock: Clock,
    /// The database, to be asked whether it answers.
    pub database: Database,
    /// Links.
    pub links: Links,
    /// Texts that become links.
    pub pastes: Pastes,
    /// How pages show them.
    pub paste_views: PasteViews,
    /// What is still there of media that only the homeserver vouches for.
    pub presence: Presence,
    /// What was served.
    pub follows: FollowCounter,
    /// The homeserver.
    pub homeserver: Arc<Homeserver>,
    /// What follows from what the homeserver tells.
    pub incoming: Incoming,
    /// The way on to the bridges behind us.
    pub forwarder: Forwarder,
    /// Places for transactions of the homeserver, by bridge: one that hangs holds up no other.
    pub transactions: Arc<HashMap<String, Semaphore>>,
    /// By what the ping is known that we ask for ourselves.
    pub own_ping: Arc<str>,
    /// What was measured.
    pub metrics: PrometheusHandle,
}

/// Places for the transactions of bridges.
#[must_use]
pub fn places(config: &Config) -> HashMap<String, Semaphore> {
    let places =
        |bridge: &Arc<BridgeConfig>| (bridge.id.clone(), Semaphore::new(TRANSACTIONS_AT_ONCE));
    config.bridges.iter().map(places).collect()
}

impl AppState {
    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }
}
