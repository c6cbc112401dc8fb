//! The configuration: the file as it is written, and the settings that come of it once all of it
//! has been checked.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::Deserialize;
use url::Url;

use crate::{languages::Languages, legacy::LegacyLinks, look::Look, telemetry::is_filter};

use super::{
    abuse::{AbuseConfig, AbuseFile},
    bridge::{self, BridgeConfig},
    console::{ConsoleConfig, ConsoleFile},
    database::{self, DatabaseConfig, DatabaseKeys},
    explain::shown_text,
    homeserver::{HomeserverConfig, HomeserverFile},
    key_place::{self, KeyPlace},
    legacy_links::{self, LegacyLinkFile},
    limits::{LimitsConfig, LimitsFile},
    links::{LinksConfig, LinksFile},
    listen::{ListenConfig, ListenFile},
    media::{MediaConfig, MediaFile},
    operator::{OperatorConfig, OperatorFile},
    problems::{ConfigError, Problems},
    purge::{self, PurgeFile, PurgeHook},
    traces::{TracesConfig, TracesFile},
    usage::{UsageConfig, UsageFile},
    value::{Lifetime, Span, base_url},
};

/// The whole configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address of the listener for people.
    pub public_listen: SocketAddr,
    /// The address of the listener for bridges, the homeserver and the operator.
    pub internal_listen: SocketAddr,
    /// The address of a listener for metrics and health alone.
    pub metrics_listen: Option<SocketAddr>,
    /// The longest time in which a reader takes nothing of an answer.
    pub send_timeout: Duration,
    /// The beginning of every link, without a slash at its end.
    pub public_url: Url,
    /// Where the database is.
    pub database: DatabaseConfig,
    /// After which time what has ended is thinned: of a link its tombstone stays.
    pub retention: Lifetime,
    /// Where the link keys are.
    pub key_file: KeyPlace,
    /// The homeserver.
    pub homeserver: HomeserverConfig,
    /// The bridges, at least one.
    pub bridges: Vec<Arc<BridgeConfig>>,
    /// How links are made.
    pub links: LinksConfig,
    /// Links that bridges made without this service.
    pub legacy_links: LegacyLinks,
    /// How media is served.
    pub media: MediaConfig,
    /// How usage is reported to the homeserver.
    pub usage: UsageConfig,
    /// How much clients, links, rooms, senders and bridges may use.
    pub limits: LimitsConfig,
    /// How reports of readers are taken.
    pub abuse: AbuseConfig,
    /// Who gets into the operator's console; `None`: there is none.
    pub console: Option<ConsoleConfig>,
    /// Who runs the service, for people.
    pub operator: OperatorConfig,
    /// The words of the pages.
    pub languages: Languages,
    /// The look of the pages.
    pub look: Look,
    /// Which lines the log has, as `RUST_LOG` has it, which comes before it.
    pub log: String,
    /// Where traces of requests are sent; `None`: there are none.
    pub traces: Option<TracesConfig>,
    /// Whom to tell that answers about a link are not to be kept any more.
    pub purge: Vec<PurgeHook>,
}

impl Config {
    /// The bridge with this ID.
    #[must_use]
    pub fn bridge(&self, id: &str) -> Option<&Arc<BridgeConfig>> {
        self.bridges.iter().find(|bridge| bridge.id == id)
    }
}

/// Refuses bridges to which requests would be handed on by us to ourselves.
fn refuse_circles(bridges: &[BridgeConfig], listen: &ListenConfig, problems: &mut Problems) {
    for (index, bridge) in bridges.iter().enumerate() {
        if bridge.is_handed_to(listen.internal) {
            problems.add(
                format_args!("bridges[{index}].forward_to"),
                "is listen.internal itself; allowed is the address of the bridge",
            );
        }
    }
}

/// Refuses a text that names no lines of the log.
fn refuse_no_filter(log: &str, problems: &mut Problems) {
    if !is_filter(log) {
        problems.add(
            "log",
            format_args!(
                "found {}; allowed is a level such as info or debug, or directives such as info,medialink=debug",
                shown_text(log)
            ),
        );
    }
}

/// The file as it is written, before it is checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    listen: ListenFile,
    public_url: String,
    database: String,
    database_password_file: Option<PathBuf>,
    #[serde(default = "ten_seconds")]
    database_grace: Span,
    root_secret_file: Option<PathBuf>,
    #[serde(default = "ninety_days")]
    retention: Lifetime,
    key_file: PathBuf,
    homeserver: HomeserverFile,
    bridges: Vec<bridge::BridgeFile>,
    #[serde(default)]
    links: LinksFile,
    #[serde(default)]
    media: MediaFile,
    #[serde(default)]
    usage: UsageFile,
    #[serde(default)]
    limits: LimitsFile,
    #[serde(default)]
    abuse: AbuseFile,
    console: Option<ConsoleFile>,
    #[serde(default)]
    operator: OperatorFile,
    #[serde(default)]
    legacy_links: Vec<LegacyLinkFile>,
    #[serde(default)]
    purge: Vec<PurgeFile>,
    #[serde(default = "info")]
    log: String,
    traces: Option<TracesFile>,
}

fn info() -> String {
    "info".to_owned()
}

fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}

fn ninety_days() -> Lifetime {
    Lifetime::For(Duration::from_secs(90 * 86_400))
}

impl ConfigFile {
    fn database(&self, folder: &Path, problems: &mut Problems) -> Option<DatabaseConfig> {
        let keys = DatabaseKeys {
            database: &self.database,
            password_file: self.database_password_file.as_deref(),
            grace: self.database_grace.0,
        };
        let root_secret = self.root_secret_file.as_deref();
        database::checked(&keys, root_secret, folder, problems)
    }

    pub(super) fn checked(self, folder: &Path) -> Result<Config, ConfigError> {
        let mut problems = Problems::default();
        let listen = self.listen.checked(&mut problems);
        let public_url = base_url(&self.public_url, "public_url", &mut problems);
        let database = self.database(folder, &mut problems);
        let key_file = key_place::checked(&self.key_file, database.as_ref(), folder, &mut problems);
        let homeserver = self.homeserver.checked(folder, &mut problems);
        let bridges = bridge::checked(self.bridges, homeserver.as_ref(), folder, &mut problems);
        refuse_circles(&bridges, &listen, &mut problems);
        let links = self.links.checked(&mut problems);
        let media = self.media.checked(folder, &mut problems);
        let usage = self.usage.checked(&mut problems);
        let limits = self.limits.checked(&mut problems);
        let abuse = self.abuse.checked(&bridges, &mut problems);
        let (operator, languages, look) = self.operator.pages(folder, &mut problems);
        let console = (self.console).map(|file| file.checked(&bridges, folder, &mut problems));
        let around = legacy_links::Surroundings {
            bridges: &bridges,
            links: links.as_ref(),
            public_url: public_url.as_ref(),
            folder,
        };
        refuse_no_filter(&self.log, &mut problems);
        let traces = (self.traces).and_then(|traces| traces.checked(&mut problems));
        let purge = purge::checked(self.purge, folder, &mut problems);
        let legacy_links = legacy_links::checked(self.legacy_links, &around, &mut problems);
        match (public_url, database, homeserver, links, usage) {
            (Some(public_url), Some(database), Some(homeserver), Some(links), Some(usage))
                if problems.is_empty() =>
            {
                Ok(Config {
                    public_listen: listen.public,
                    internal_listen: listen.internal,
                    metrics_listen: listen.metrics,
                    send_timeout: listen.send_timeout,
                    public_url,
                    database,
                    retention: self.retention,
                    key_file,
                    homeserver,
                    bridges: bridges.into_iter().map(Arc::new).collect(),
                    links,
                    legacy_links,
                    media,
                    usage,
                    limits,
                    abuse,
                    console,
                    operator,
                    languages,
                    look,
                    log: self.log,
                    traces,
                    purge,
                })
            }
            _ => Err(problems.into()),
        }
    }
}
