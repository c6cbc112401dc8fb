//! `bridge.yaml`: read from the file, then from the environment; unknown keys are errors.
//!
//! What the contract names and this version does not do is refused with a word of its own, so
//! that no setting is silently without effect.

mod bridge;
mod homeserver;
mod legacy_links;
mod links;
mod media;
mod secret;
mod unsupported;
mod usage;
mod value;

use std::{
    collections::HashMap,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use url::Url;

use crate::legacy::LegacyLinks;

pub use bridge::{BridgeConfig, ForwardTo};
pub use homeserver::{HomeserverConfig, Timeouts};
pub use links::{CheckEvent, LinksConfig, OnLeave, Provenance};
pub use media::{CacheConfig, MediaConfig, ThumbnailSize};
pub use secret::Secret;
pub use usage::{UsageConfig, UsageMode};
pub use value::{Lifetime, Rate};

/// The prefix of environment variables that override keys.
const ENV_PREFIX: &str = "MEDIALINK_";
/// Names the file itself, so it is no key.
const ENV_CONFIG: &str = "MEDIALINK_CONFIG";

/// The whole configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where people are answered.
    pub public_listen: SocketAddr,
    /// Where bridges, the homeserver and the operator are answered.
    pub internal_listen: SocketAddr,
    /// What every link begins with, without a slash at its end.
    pub public_url: Url,
    /// The file of the SQLite database.
    pub database: PathBuf,
    /// The file of the link keys.
    pub key_file: PathBuf,
    /// The homeserver.
    pub homeserver: HomeserverConfig,
    /// The bridges, at least one.
    pub bridges: Vec<Arc<BridgeConfig>>,
    /// How links are made.
    pub links: LinksConfig,
    /// Links that bridges have made by themselves.
    pub legacy_links: LegacyLinks,
    /// How media is served.
    pub media: MediaConfig,
    /// How usage is told to the homeserver.
    pub usage: UsageConfig,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// One sentence each: the key's path, what was found, what is allowed.
    pub problems: Vec<String>,
}

impl ConfigError {
    fn one(problem: impl Into<String>) -> Self {
        Self {
            problems: vec![problem.into()],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

/// Gathers problems, so that an operator sees all of them at once.
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, path: impl fmt::Display, problem: impl fmt::Display) {
        self.0.push(format!("{path}: {problem}"));
    }
}

/// The file as it is written, before it is checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    listen: Listen,
    public_url: String,
    database: String,
    key_file: PathBuf,
    homeserver: homeserver::HomeserverFile,
    bridges: Vec<bridge::BridgeFile>,
    #[serde(default)]
    links: links::LinksFile,
    #[serde(default)]
    media: media::MediaFile,
    #[serde(default)]
    usage: usage::UsageFile,
    #[serde(default)]
    limits: unsupported::Limits,
    #[serde(default)]
    legacy_links: Vec<legacy_links::LegacyLinkFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listen {
    public: value::Address,
    internal: value::Address,
}

impl Config {
    /// Reads a file and the environment.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem found.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            ConfigError::one(format!(
                "{}: cannot be read: {error}; name a file by --config or {ENV_CONFIG}",
                path.display()
            ))
        })?;
        let environment: HashMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        Self::parse(&text, environment, folder)
    }

    /// Reads the text of a file; `environment` overrides it; relative paths start at `folder`.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem found.
    pub fn parse(
        text: &str,
        environment: HashMap<String, String>,
        folder: &Path,
    ) -> Result<Self, ConfigError> {
        let overrides: HashMap<String, String> = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with(ENV_PREFIX) && name != ENV_CONFIG)
            .collect();
        let names: Vec<String> = overrides.keys().cloned().collect();
        let value = merged(text, overrides)?;
        let file: ConfigFile = serde_path_to_error::deserialize(value)
            .map_err(|error| ConfigError::one(explain(&error, &names)))?;
        file.checked(folder)
    }

    /// The bridge with this ID.
    #[must_use]
    pub fn bridge(&self, id: &str) -> Option<&Arc<BridgeConfig>> {
        self.bridges.iter().find(|bridge| bridge.id == id)
    }
}

/// File and environment as one value.
fn merged(
    text: &str,
    overrides: HashMap<String, String>,
) -> Result<serde_json::Value, ConfigError> {
    let builder = config::Config::builder()
        .add_source(config::File::from_str(text, config::FileFormat::Yaml))
        .add_source(
            config::Environment::with_prefix("MEDIALINK")
                .prefix_separator("_")
                .separator("__")
                .try_parsing(true)
                .source(Some(overrides)),
        );
    builder
        .build()
        .and_then(config::Config::try_deserialize::<serde_json::Value>)
        .map_err(|error| ConfigError::one(format!("not readable as YAML: {error}")))
}

/// Puts a deserialisation error into words: path, what was found, what is allowed, and the
/// environment variable if the value came from one.
fn explain(error: &serde_path_to_error::Error<serde_json::Error>, env_names: &[String]) -> String {
    let path = error.path().to_string();
    let place = if path == "." {
        String::new()
    } else {
        format!("{path}: ")
    };
    let from_env = env_names
        .iter()
        .find(|name| {
            let key = name[ENV_PREFIX.len()..].to_lowercase().replace("__", ".");
            key == path || error.inner().to_string().contains(&format!("`{key}`"))
        })
        .map(|name| format!(" (from the environment variable {name})"))
        .unwrap_or_default();
    format!("{place}{}{from_env}", error.inner())
}

impl ConfigFile {
    fn checked(self, folder: &Path) -> Result<Config, ConfigError> {
        let mut problems = Problems(Vec::new());
        let at = |path: &Path| folder.join(path);
        let (public_listen, internal_listen) = (self.listen.public.0, self.listen.internal.0);
        if public_listen == internal_listen && public_listen.port() != 0 {
            problems.add(
                "listen.internal",
                format_args!(
                    "is {internal_listen} like listen.public; the two listeners need addresses of their own"
                ),
            );
        }
        let public_url = value::base_url(&self.public_url, "public_url", &mut problems);
        let database = database_path(&self.database, &mut problems).map(|path| at(&path));
        let homeserver = self.homeserver.checked(&mut problems);
        let server_name = homeserver.as_ref().map(|h| h.server_name.clone());
        let bridges = bridge::checked(self.bridges, server_name.as_ref(), folder, &mut problems);
        for (index, bridge) in bridges.iter().enumerate() {
            if bridge.is_handed_to(internal_listen) {
                problems.add(
                    format_args!("bridges[{index}].forward_to"),
                    "is listen.internal itself; allowed is the address of the bridge",
                );
            }
        }
        let links = self.links.checked(&mut problems);
        let media = self.media.checked(folder, &mut problems);
        let usage = self.usage.checked(&mut problems);
        self.limits.refuse(&mut problems);
        let around = legacy_links::Around {
            bridges: &bridges,
            links: links.as_ref(),
            public_url: public_url.as_ref(),
            folder,
        };
        let legacy_links = legacy_links::checked(self.legacy_links, &around, &mut problems);
        match (public_url, database, homeserver, links, usage) {
            (Some(public_url), Some(database), Some(homeserver), Some(links), Some(usage))
                if problems.0.is_empty() =>
            {
                Ok(Config {
                    public_listen,
                    internal_listen,
                    public_url,
                    database,
                    key_file: at(&self.key_file),
                    homeserver,
                    bridges: bridges.into_iter().map(Arc::new).collect(),
                    links,
                    legacy_links,
                    media,
                    usage,
                })
            }
            _ => Err(ConfigError {
                problems: problems.0,
            }),
        }
    }
}

fn database_path(text: &str, problems: &mut Problems) -> Option<PathBuf> {
    // A database URL may hold a password, so only its scheme is repeated.
    let scheme = text.split(':').next().unwrap_or_default();
    match text.strip_prefix("sqlite:") {
        Some(path) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.contains('?') || path == ":memory:" {
                problems.add(
                    "database",
                    "found sqlite: without the path of a file; allowed is sqlite:<path>, without parameters",
                );
                return None;
            }
            Some(PathBuf::from(path))
        }
        None if matches!(scheme, "postgres" | "postgresql") => {
            problems.add("database", unsupported::later("PostgreSQL"));
            None
        }
        None => {
            problems.add(
                "database",
                format_args!("found the scheme {scheme:?}; allowed is sqlite:<path>"),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests;
