//! From a configuration to a running service.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{App, HttpServer, dev::Server, web};
use anyhow::Context;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    appservice::{Forwarder, Incoming},
    clock::Clock,
    config::{BridgeConfig, CacheConfig, Config, Lifetime},
    homeserver::{Features, Homeserver, LINKED_MEDIA, MediaClient},
    http::{
        AppState, Listener, RequestLog, configure_internal, configure_public, transaction_slots,
    },
    key_store::KeyStore,
    link_service::{LinkService, millis},
    media::{Availability, Cache, MediaProxy, ObjectKeys, Purger, Thumbnailer},
    pastes::{PasteViews, Pastes},
    random,
    rooms::Rooms,
    storage::{Database, Opener, features, meta_events},
    telemetry,
    usage::{FeatureWatch, FollowCounter, LEASE_MS, Reconciler, Toucher, Touching, UsageWorker},
};
use medialink_link::KeyState;

/// How long open answers may take to end once the service stops, in seconds.
const SHUTDOWN_S: u64 = 30;
/// How many threads of each worker may wait for the disk. Each has memory of its own.
const BLOCKING_THREADS: usize = 8;
/// How often follows are written.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How often the key file is looked at.
const LOOK_AT_KEYS_EVERY: Duration = Duration::from_millis(500);
/// How long to wait before the homeserver is asked again for a ping.
const ASK_FOR_PING_EVERY: Duration = Duration::from_secs(60);
/// How often rooms are asked again that have not answered.
const ASK_ROOMS_EVERY: Duration = Duration::from_secs(30);
/// How often metrics are tidied up.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Bound addresses.
#[derive(Debug)]
pub struct Listeners {
    /// For people.
    pub public: TcpListener,
    /// For bridges, the homeserver and the operator.
    pub internal: TcpListener,
}

impl Listeners {
    /// Binds the addresses of a configuration.
    ///
    /// # Errors
    /// If an address is taken or not this machine's.
    pub fn bind(config: &Config) -> anyhow::Result<Self> {
        let bind = |address: SocketAddr| {
            TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
        };
        Ok(Self {
            public: bind(config.public_listen)?,
            internal: bind(config.internal_listen)?,
        })
    }
}

/// A service, built and not yet running.
pub struct Application {
    public: Server,
    internal: Server,
    public_address: SocketAddr,
    internal_address: SocketAddr,
    purger: Option<Purger>,
    state: AppState,
}

/// The services of a database, without listeners: for commands.
///
/// # Errors
/// If the key file or the database cannot be used.
pub async fn link_service(
    config: Arc<Config>,
    opener: Opener,
    clock: Clock,
) -> anyhow::Result<LinkService> {
    let bridges = config
        .bridges
        .iter()
        .map(|bridge| bridge.id.clone())
        .collect();
    let keys = KeyStore::open(&config.key_file, bridges)?;
    let database = Database::open(&config.database, opener)
        .await
        .with_context(|| format!("database {}", config.database.display()))?;
    let features = Features::default();
    features.set_links_media(features::has(database.reader(), LINKED_MEDIA).await?);
    Ok(LinkService {
        database,
        keys,
        config,
        clock,
        features,
    })
}

impl Application {
    /// Opens keys and database, and takes over the listeners.
    ///
    /// # Errors
    /// If the key file, the database or a listener cannot be used.
    pub async fn build(config: Config, listeners: Listeners, clock: Clock) -> anyhow::Result<Self> {
        let config = Arc::new(config);
        let homeserver = Arc::new(Homeserver::new(config.homeserver.clone())?);
        let links = link_service(Arc::clone(&config), Opener::Service, clock).await?;
        links
            .database
            .writer()
            .write(|connection| Box::pin(meta_events::forget_claims(connection, LEASE_MS)))
            .await?;
        revoke_links_of_revoked_keys(&links).await?;
        let touching = match config.usage.touch {
            Lifetime::Never => None,
            Lifetime::For(every) => Some(Touching {
                server_name: config.homeserver.server_name.clone(),
                every_ms: millis(every),
            }),
        };
        let rooms = Rooms::new(links.clone(), Arc::clone(&homeserver));
        let pastes = Pastes::open(links.clone(), rooms.clone(), Arc::clone(&homeserver)).await?;
        let state = AppState {
            follows: FollowCounter::new(links.database.clone(), touching),
            availability: Availability::default(),
            metrics: telemetry::metrics(),
            incoming: Incoming::new(links.clone(), Arc::clone(&homeserver)),
            forwarder: Forwarder::new()?,
            transactions: Arc::new(transaction_slots(&config)),
            own_ping: random::id().into(),
            rooms,
            pastes,
            paste_views: PasteViews::default(),
            links,
            homeserver,
        };
        let public_address = listeners.public.local_addr()?;
        let internal_address = listeners.internal.local_addr()?;
        let cache = match &config.media.cache {
            None => None,
            Some(cache) => Some(open_cache(cache).await?),
        };
        let object_keys = object_keys(&state.links).await?;
        let purger = cache.clone().map(|cache| {
            Purger::new(
                state.links.database.clone(),
                cache,
                object_keys.clone(),
                &config.media.thumbnails,
                state.links.clock.clone(),
            )
        });
        let thumbnailer = Thumbnailer::default();
        let data = web::Data::new(state.clone());
        let public = HttpServer::new({
            let data = data.clone();
            move || {
                // Each worker has connections of its own to the homeserver.
                let media = MediaProxy::new(
                    Arc::new(MediaClient::of_worker(Arc::clone(&data.homeserver))),
                    cache.clone(),
                    object_keys.clone(),
                    thumbnailer.clone(),
                    data.links.features.clone(),
                    data.config(),
                );
                App::new()
                    .app_data(data.clone())
                    .app_data(web::Data::new(media))
                    .wrap(RequestLog(Listener::Public))
                    .configure(configure_public)
            }
        })
        .disable_signals()
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .shutdown_timeout(SHUTDOWN_S)
        .listen(listeners.public)?
        .run();
        let internal = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .wrap(RequestLog(Listener::Internal))
                .configure(configure_internal)
        })
        .disable_signals()
        .workers(1)
        .shutdown_timeout(SHUTDOWN_S)
        .listen(listeners.internal)?
        .run();
        Ok(Self {
            public,
            internal,
            public_address,
            internal_address,
            purger,
            state,
        })
    }

    /// Where people are answered.
    #[must_use]
    pub fn public_address(&self) -> SocketAddr {
        self.public_address
    }

    /// Where bridges are answered.
    #[must_use]
    pub fn internal_address(&self) -> SocketAddr {
        self.internal_address
    }

    /// Its links, to look at from a test or the demo.
    #[must_use]
    pub fn links(&self) -> &LinkService {
        &self.state.links
    }

    /// Its database, to look at from a test.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.state.links.database
    }

    /// Its keys, to sign with in a test.
    #[must_use]
    pub fn keys(&self) -> &KeyStore {
        &self.state.links.keys
    }

    /// The features of its homeserver, to be set by a test.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.state.links.features
    }

    /// What its rooms say, to look at from a test.
    #[must_use]
    pub fn rooms(&self) -> &Rooms {
        &self.state.rooms
    }

    /// Runs until `stop` is cancelled; then takes no new requests, ends those that are open, and
    /// writes what is in memory.
    ///
    /// # Errors
    /// If a listener fails.
    pub async fn run_until_stopped(self, stop: CancellationToken) -> anyhow::Result<()> {
        let tasks = TaskTracker::new();
        let background = CancellationToken::new();
        let state = &self.state;
        let worker = UsageWorker::new(state.links.clone(), Arc::clone(&state.homeserver));
        tasks.spawn(worker.run(background.clone()));
        let watch = FeatureWatch::new(state.links.clone(), Arc::clone(&state.homeserver));
        tasks.spawn(watch.run(background.clone()));
        let reconciler = Reconciler::new(state.links.clone(), Arc::clone(&state.homeserver));
        tasks.spawn(reconciler.run(background.clone()));
        let toucher = Toucher::new(
            state.links.database.clone(),
            MediaClient::new(Arc::clone(&state.homeserver)),
            Arc::clone(&state.links.config),
            state.links.clock.clone(),
        );
        tasks.spawn(toucher.run(background.clone()));
        if let Some(purger) = self.purger {
            tasks.spawn(purger.run(background.clone()));
        }
        for bridge in &state.config().bridges {
            tasks.spawn(ask_for_ping(
                Arc::clone(&state.homeserver),
                Arc::clone(bridge),
                Arc::clone(&state.own_ping),
                background.clone(),
            ));
        }
        tasks.spawn(watch_keys(state.links.clone(), background.clone()));
        tasks.spawn(flush_follows(state.follows.clone(), background.clone()));
        tasks.spawn(ask_rooms(state.rooms.clone(), background.clone()));
        tasks.spawn(tidy_metrics(state.metrics.clone(), background.clone()));
        tasks.close();
        tracing::info!(public = %self.public_address, internal = %self.internal_address, "Medialink runs");

        let handles = [self.public.handle(), self.internal.handle()];
        let stopper = async {
            stop.cancelled().await;
            tracing::info!("stopping");
            for handle in &handles {
                handle.stop(true).await;
            }
        };
        let servers = async {
            let ended = tokio::try_join!(self.public, self.internal);
            stop.cancel();
            ended
        };
        let (ended, ()) = tokio::join!(servers, stopper);
        background.cancel();
        tasks.wait().await;
        state.follows.flush().await?;
        ended.map(drop).context("a listener failed")
    }
}

async fn open_cache(config: &CacheConfig) -> anyhow::Result<Cache> {
    let settings = config.clone();
    tokio::task::spawn_blocking(move || Cache::open(&settings))
        .await?
        .with_context(|| {
            format!(
                "media.cache.dir: the folder {} cannot be used",
                config.dir.display()
            )
        })
}

/// Keys of objects and entity tags hold across restarts.
async fn object_keys(links: &LinkService) -> anyhow::Result<ObjectKeys> {
    let secret = links
        .database
        .secret("media_names", random::bytes())
        .await?;
    Ok(ObjectKeys::new(&secret))
}

/// A key may have been revoked while no service was running.
async fn revoke_links_of_revoked_keys(links: &LinkService) -> anyhow::Result<()> {
    let ring = links.keys.ring();
    for id in 0..=u8::MAX {
        if ring
            .get(id)
            .is_some_and(|key| key.state() == KeyState::Revoked)
        {
            let revoked = links.revoke_key(id).await?;
            if revoked > 0 {
                tracing::info!(
                    key_id = id,
                    links = revoked,
                    "links of a revoked key are over"
                );
            }
        }
    }
    Ok(())
}

/// Asks the homeserver to ping us, and tells how it went: whether transactions will arrive.
async fn ask_for_ping(
    homeserver: Arc<Homeserver>,
    bridge: Arc<BridgeConfig>,
    transaction_id: Arc<str>,
    stop: CancellationToken,
) {
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => return,
            asked = homeserver.ping(&bridge, &transaction_id) => asked,
        };
        let error = match asked {
            Ok(duration_ms) => {
                tracing::info!(bridge = bridge.id, duration_ms, "the homeserver reaches us");
                return;
            }
            Err(error) => error,
        };
        let hint = match error.errcode() {
            "M_URL_NOT_SET" => {
                "the registration has no url, so no redaction is pushed: set it to the internal listener"
            }
            "M_FORBIDDEN" => "appservice_id is not the id of the registration with this as_token",
            "M_CONNECTION_FAILED" | "M_CONNECTION_TIMEOUT" | "M_BAD_STATUS" => {
                "the homeserver does not reach us at the registration's url, so no redaction is pushed"
            }
            "M_UNRECOGNIZED" => {
                "the homeserver does not know pings, so it is not known whether it reaches us"
            }
            _ => "the homeserver was not there to be asked for a ping",
        };
        tracing::warn!(bridge = bridge.id, %error, "{hint}");
        // A refusal is mended by somebody, who then starts something anew.
        if matches!(error.status(), 400..=499) || !sleep(ASK_FOR_PING_EVERY, &stop).await {
            return;
        }
    }
}

async fn watch_keys(links: LinkService, stop: CancellationToken) {
    let mut told = None;
    while sleep(LOOK_AT_KEYS_EVERY, &stop).await {
        match links.keys.refresh() {
            Ok(false) => told = None,
            Ok(true) => {
                tracing::info!(
                    active = links.keys.ring().active().id(),
                    "the link keys have changed"
                );
                if let Err(error) = revoke_links_of_revoked_keys(&links).await {
                    tracing::error!(%error, "links of revoked keys could not be ended");
                }
            }
            Err(error) => {
                let error = error.to_string();
                if told.as_ref() != Some(&error) {
                    tracing::error!(
                        error,
                        "the changed key file cannot be used; the keys stay as they were"
                    );
                    told = Some(error);
                }
            }
        }
    }
}

async fn flush_follows(follows: FollowCounter, stop: CancellationToken) {
    while sleep(FLUSH_EVERY, &stop).await {
        if let Err(error) = follows.flush().await {
            tracing::error!(%error, "follows could not be written");
        }
    }
}

async fn ask_rooms(rooms: Rooms, stop: CancellationToken) {
    while sleep(ASK_ROOMS_EVERY, &stop).await {
        let asked = tokio::select! {
            () = stop.cancelled() => return,
            asked = rooms.ask_unanswered() => asked,
        };
        if let Err(error) = asked {
            tracing::error!(%error, "what rooms allow could not be noted");
        }
    }
}

async fn tidy_metrics(
    metrics: metrics_exporter_prometheus::PrometheusHandle,
    stop: CancellationToken,
) {
    while sleep(UPKEEP_EVERY, &stop).await {
        metrics.run_upkeep();
    }
}

/// Sleeps; `false`: it is time to stop.
async fn sleep(time: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(time) => true,
    }
}
