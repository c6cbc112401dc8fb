//! The state that handlers share.

use std::{collections::HashMap, sync::Arc};

use metrics_exporter_prometheus::PrometheusHandle;

use tokio::sync::Semaphore;

use super::connections::Connections;
use crate::{
    appservice::{Forwarder, Incoming},
    clock::Clock,
    config::{BridgeConfig, Config, Settings},
    denials::Denials,
    homeserver::{Features, Homeserver},
    key_store::KeyStore,
    limits::Limits,
    links::{Links, Presence},
    media::{Bucket, Cache},
    pastes::{PasteViews, Pastes},
    reports::Reports,
    storage::Database,
    usage::FollowCounter,
};

use super::console::{ConsoleSecret, LoginGuard};

/// How many transactions of the homeserver are acted on or forwarded at once, for each bridge.
const ACTED_ON_AT_ONCE: usize = 2;
/// How many more are read, or wait for their turn.
const READ_AT_ONCE: usize = 4;

/// Places for the transactions of one bridge. A transaction is held in memory while it has one.
#[derive(Debug)]
pub struct TransactionPlaces {
    /// For those that are read, or wait for their turn. A connection that dies gives its place back.
    pub reading: Semaphore,
    /// For those that are acted on.
    pub acting: Semaphore,
}

/// The state that handlers share.
#[derive(Clone)]
pub struct AppState {
    /// The configuration.
    pub config: Settings,
    /// The clock of the service.
    pub clock: Clock,
    /// The database, to be asked whether it answers.
    pub database: Database,
    /// The connections of all listeners.
    pub connections: Connections,
    /// Links.
    pub links: Links,
    /// Texts that become links.
    pub pastes: Pastes,
    /// The lines of pastes, for their pages.
    pub paste_views: PasteViews,
    /// Reports of readers.
    pub reports: Reports,
    /// Whether the homeserver still has media.
    pub presence: Presence,
    /// How much clients, links, rooms, senders and bridges may use.
    pub limits: Limits,
    /// Whom and what the operator denies.
    pub denials: Denials,
    /// Counts follows and bytes.
    pub follows: FollowCounter,
    /// The object store behind the cache, to be asked whether it answers.
    pub bucket: Option<Bucket>,
    /// The homeserver.
    pub homeserver: Arc<Homeserver>,
    /// Acts on the transactions of the homeserver.
    pub incoming: Incoming,
    /// Forwards requests to the bridges behind us.
    pub forwarder: Forwarder,
    /// Places for transactions of the homeserver, by bridge: one that hangs holds up no other.
    pub transactions: Arc<HashMap<String, TransactionPlaces>>,
    /// The transaction ID of the ping that we ask for ourselves.
    pub own_ping: Arc<str>,
    /// What is cached on the disk, to be asked how much it is.
    pub cache: Option<Cache>,
    /// The features of the homeserver.
    pub features: Features,
    /// The keys that sign links.
    pub keys: KeyStore,
    /// Guards the login of the console.
    pub login_guard: LoginGuard,
    /// Signs forms of the console.
    pub console_secret: ConsoleSecret,
    /// Counters and gauges, to be rendered.
    pub metrics: PrometheusHandle,
}

/// Places for the transactions of each bridge.
#[must_use]
pub fn transaction_places(config: &Config) -> HashMap<String, TransactionPlaces> {
    let places = |bridge: &Arc<BridgeConfig>| {
        let places = TransactionPlaces {
            reading: Semaphore::new(READ_AT_ONCE),
            acting: Semaphore::new(ACTED_ON_AT_ONCE),
        };
        (bridge.id.clone(), places)
    };
    config.bridges.iter().map(places).collect()
}

impl AppState {
    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }
}
