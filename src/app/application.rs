//! A service, built from a configuration.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
};

use actix_web::{App, dev::Server, web};
use anyhow::{Context, bail};

use crate::{
    appservice::{Asker, Forwarder, Incoming},
    clock::{Clock, millis},
    config::{CacheConfig, Config, Lifetime, Settings},
    denials::Denials,
    homeserver::{Features, Homeserver, MediaClient},
    http::{
        AppState, Connections, ConsoleSecret, Listener, LoginGuard, RequestLog, configure_internal,
        configure_metrics, public_service, transaction_places,
    },
    key_store::KeyStore,
    limits::Limits,
    links::{Links, Presence},
    media::{
        Bucket, Cache, Fetcher, MediaProxy, ObjectKeys, PurgeNames, RecentAnswers, Screener,
        SharedStore, Thumbnailer,
    },
    pastes::{PasteViews, Pastes},
    random,
    reports::Reports,
    storage::{Database, Opener, StorageError, meta_events},
    telemetry,
    usage::{FollowCounter, TouchSettings},
};

use super::{
    keys::revoke_links_of_revoked_keys, listeners::Listeners, purges::Purges, serving::Serving,
    stores::Stores,
};

/// A service, built and not yet running.
pub struct Application {
    pub(super) public: Server,
    pub(super) internal: Server,
    pub(super) metrics: Option<Server>,
    pub(super) public_address: SocketAddr,
    pub(super) internal_address: SocketAddr,
    pub(super) purges: Purges,
    pub(super) state: AppState,
    pub(super) keys: KeyStore,
    pub(super) features: Features,
    pub(super) cache: Option<Cache>,
    pub(super) source: Option<PathBuf>,
}

impl Application {
    /// Opens keys and database, and takes over the listeners.
    ///
    /// # Errors
    /// If the key file, the database or a listener cannot be used.
    pub async fn build(config: Config, listeners: Listeners, clock: Clock) -> anyhow::Result<Self> {
        let config = Settings::from(config);
        let homeserver = Arc::new(Homeserver::new(config.homeserver.clone())?);
        let stores = Stores::open(&config, Opener::Service, &clock).await?;
        free_claims(&stores.database).await?;
        let cache = open_cache(config.media.cache.clone()).await?;
        let state = AppState {
            cache: cache.clone(),
            ..state(&stores, &config, clock, &homeserver).await?
        };
        let Stores {
            database,
            keys,
            features,
        } = stores;
        revoke_links_of_revoked_keys(&state.links, &keys).await?;
        let public_address = listeners.public.local_addr()?;
        let internal_address = listeners.internal.local_addr()?;
        // Keys of objects and entity tags hold across restarts.
        let object_keys = ObjectKeys::new(&database.secret("media_names", random::bytes()).await?);
        let store = shared_store(&state, &object_keys);
        let names = PurgeNames::new(object_keys.clone(), &config.media.thumbnails);
        let purges = Purges::open(&state, names, cache.clone()).await?;
        let data = web::Data::new(state.clone());
        let thumbnailer = Thumbnailer::new(config.media.thumbnail_program.clone());
        let (linked, recent) = (features.clone(), RecentAnswers::new(state.clock.clone()));
        let served = cache.clone();
        let screener = screener(&state);
        let media = move |data: &AppState| {
            MediaProxy::new(
                fetcher(data, &linked),
                served.clone(),
                object_keys.clone(),
                thumbnailer.clone(),
                recent.clone(),
            )
            .with_store(store.clone())
            .with_screener(screener.clone())
        };
        Ok(Self {
            public: public_server(listeners.public, data.clone(), media)?,
            metrics: match listeners.metrics {
                None => None,
                Some(listener) => Some(inner_server(Listener::Metrics, listener, data.clone())?),
            },
            internal: inner_server(Listener::Internal, listeners.internal, data)?,
            public_address,
            internal_address,
            purges,
            state,
            keys,
            features,
            cache,
            source: None,
        })
    }

    /// The same, which reads its configuration from this file again when it is told so.
    #[must_use]
    pub fn reloaded_from(self, path: PathBuf) -> Self {
        let source = Some(path);
        Self { source, ..self }
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
    pub fn links(&self) -> &Links {
        &self.state.links
    }

    /// Its database, to look at from a test.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.state.database
    }

    /// Its keys, to sign with in a test.
    #[must_use]
    pub fn keys(&self) -> &KeyStore {
        &self.keys
    }

    /// The features of its homeserver, to be set by a test.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// Its configuration, to be changed for a test.
    #[must_use]
    pub fn config(&self) -> &Settings {
        &self.state.config
    }
}

/// Frees what was claimed in a database that is ours alone: those who have claimed it have ended.
async fn free_claims(database: &Database) -> Result<(), StorageError> {
    if !database.is_ours_alone() {
        return Ok(());
    }
    let writer = database.writer();
    writer
        .write(|connection| Box::pin(meta_events::free_all_claims(connection)))
        .await
}

/// The limits of a configuration, with what was used of them before.
async fn limits(
    config: &Config,
    database: &Database,
    clock: &Clock,
) -> Result<Limits, StorageError> {
    let secret = database.secret("limits", random::bytes()).await?;
    let limits = Limits::new(&config.limits, &secret, clock);
    limits.load(database).await?;
    Ok(limits)
}

/// How follows count as touches, if media is touched.
fn touching(config: &Config) -> Option<TouchSettings> {
    match config.usage.touch {
        Lifetime::Never => None,
        Lifetime::For(every) => Some(TouchSettings {
            server_name: config.homeserver.server_name.clone(),
            every_ms: millis(every),
        }),
    }
}

/// The state that handlers share.
async fn state(
    stores: &Stores,
    config: &Settings,
    clock: Clock,
    homeserver: &Arc<Homeserver>,
) -> anyhow::Result<AppState> {
    let database = stores.database.clone();
    let limits = limits(config, &database, &clock).await?;
    let links = Links::new(
        database.clone(),
        stores.keys.clone(),
        config.clone(),
        clock.clone(),
        stores.features.clone(),
        Arc::clone(homeserver),
        limits.clone(),
    );
    let denials = Denials::new(&config.abuse.deny);
    denials.refresh(&database).await?;
    let links = links.with_denials(denials.clone());
    let pastes = Pastes::open(
        links.clone(),
        &database,
        Arc::clone(homeserver),
        config.clone(),
        stores.features.clone(),
        clock.clone(),
    );
    Ok(AppState {
        follows: FollowCounter::new(database.clone(), touching(config)),
        presence: Presence::new(database.clone(), config, clock.clone()),
        metrics: telemetry::metrics(),
        incoming: incoming(&links, &database, homeserver, config, &clock),
        forwarder: Forwarder::new()?,
        transactions: Arc::new(transaction_places(config)),
        own_ping: random::id().into(),
        pastes: pastes.await?,
        paste_views: PasteViews::default(),
        reports: Reports::open(database.clone(), config.clone(), clock.clone()).await?,
        limits,
        denials,
        connections: Connections::default(),
        links,
        homeserver: Arc::clone(homeserver),
        bucket: open_bucket(config)?,
        cache: None,
        features: stores.features.clone(),
        keys: stores.keys.clone(),
        login_guard: LoginGuard::default(),
        console_secret: ConsoleSecret(database.secret("console", random::bytes()).await?),
        config: config.clone(),
        clock,
        database,
    })
}

/// Acts on the transactions of the homeserver.
fn incoming(
    links: &Links,
    database: &Database,
    homeserver: &Arc<Homeserver>,
    config: &Settings,
    clock: &Clock,
) -> Incoming {
    let asker = Asker::new(
        links.clone(),
        database,
        Arc::clone(homeserver),
        config.clone(),
        clock.clone(),
    );
    let check_event = config.links.check_event;
    Incoming::new(links.clone(), Arc::clone(homeserver), check_event, asker)
}

/// Answers people. `media` makes each worker's way to the media.
fn public_server(
    listener: TcpListener,
    data: web::Data<AppState>,
    media: impl Fn(&AppState) -> MediaProxy + Clone + Send + 'static,
) -> std::io::Result<Server> {
    let serving = Serving {
        name: "public",
        workers: None,
        send_timeout: data.config().send_timeout,
        connections: data.connections.clone(),
    };
    serving.start(listener, move || {
        public_service(AppState::clone(&data), media(&data))
    })
}

/// Answers others than people: bridges, the homeserver, the operator, and whoever watches the service.
fn inner_server(
    kind: Listener,
    listener: TcpListener,
    data: web::Data<AppState>,
) -> std::io::Result<Server> {
    let serving = Serving {
        name: kind.as_str(),
        workers: Some(1),
        send_timeout: data.config().send_timeout,
        connections: data.connections.clone(),
    };
    let configure = match kind {
        Listener::Metrics => configure_metrics,
        _ => configure_internal,
    };
    serving.start(listener, move || {
        App::new()
            .app_data(data.clone())
            .wrap(RequestLog(kind))
            .configure(configure)
    })
}

/// A worker's way to the homeserver, by connections of its own.
fn fetcher(state: &AppState, features: &Features) -> Fetcher {
    let client = Arc::new(MediaClient::of_worker(Arc::clone(&state.homeserver)));
    let (presence, limits) = (state.presence.clone(), state.limits.clone());
    Fetcher::new(client, features.clone(), presence, state.config(), limits)
}

fn screener(state: &AppState) -> Screener {
    Screener::new(
        state.database.clone(),
        state.denials.clone(),
        state.config.media.scan.clone(),
        state.clock.clone(),
    )
}

/// The object store behind the cache, if there is one.
fn shared_store(state: &AppState, keys: &ObjectKeys) -> Option<SharedStore> {
    let (database, clock) = (state.database.clone(), state.clock.clone());
    let bucket = state.bucket.clone()?;
    Some(SharedStore::new(bucket, keys.clone(), database, clock))
}

fn open_bucket(config: &Config) -> anyhow::Result<Option<Bucket>> {
    let cache = config.media.cache.as_ref();
    let Some(settings) = cache.and_then(|cache| cache.s3.as_ref()) else {
        return Ok(None);
    };
    match Bucket::open(settings) {
        Ok(bucket) => Ok(Some(bucket)),
        Err(error) => bail!("media.cache.s3: the bucket cannot be used: {error}"),
    }
}

async fn open_cache(config: Option<CacheConfig>) -> anyhow::Result<Option<Cache>> {
    let Some(config) = config else {
        return Ok(None);
    };
    let problem = format!(
        "media.cache.dir: the folder {} cannot be used",
        config.dir.display()
    );
    let opened = tokio::task::spawn_blocking(move || Cache::open(&config)).await?;
    opened.map(Some).context(problem)
}
