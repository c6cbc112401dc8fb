//! Reading a configuration: the file, then the environment, which overrides it.

use std::{collections::HashMap, path::Path};

use crate::telemetry::know_secrets;

use super::{
    explain::explain,
    file::{Config, ConfigFile},
    kubernetes,
    problems::ConfigError,
    secrets_of::secrets_of,
};

/// The prefix of environment variables that override keys.
const ENV_PREFIX: &str = "MEDIALINK_";
/// Names the file itself, so it is no key.
const ENV_CONFIG: &str = "MEDIALINK_CONFIG";

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
        let ignored = kubernetes::of_services(&environment);
        if !ignored.is_empty() {
            tracing::info!(
                names = ignored.join(", "),
                "environment variables that Kubernetes sets for services are ignored"
            );
        }
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
            .filter(|(name, value)| !kubernetes::is_of_service(name, value))
            .collect();
        let names: Vec<String> = overrides.keys().cloned().collect();
        let value = merged(text, overrides)?;
        know_secrets(secrets_of(&value));
        let file: ConfigFile = serde_path_to_error::deserialize(&value).map_err(|error| {
            let (key, problem) = explain(&error, &value);
            ConfigError::one(problem_of(&key, &problem, &names))
        })?;
        file.checked(folder)
    }
}

/// File and environment as one value.
pub(super) fn merged(
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
        .map_err(|error| ConfigError::one(unreadable(&error.to_string())))
}

/// One problem in words, with the environment variable if the value came from one.
fn problem_of(key: &str, problem: &str, env_names: &[String]) -> String {
    let is_of_key =
        |name: &&String| name[ENV_PREFIX.len()..].to_lowercase().replace("__", ".") == key;
    let from_env = env_names.iter().find(is_of_key);
    let from_env = from_env
        .map(|name| format!(" (from the environment variable {name})"))
        .unwrap_or_default();
    match key {
        "" => format!("the file {problem}"),
        key => format!("{key}: {problem}{from_env}"),
    }
}

/// Why a file is not read at all. The reader's own message may repeat what stands there, so only the
/// place and fixed words of it are taken.
fn unreadable(message: &str) -> String {
    let allowed = "allowed is one YAML document, a mapping of keys to values";
    let Some((info, place)) = message.rsplit_once(" at byte ") else {
        return format!("not readable as YAML; {allowed}");
    };
    let line = place.split_once(" line ").map_or("", |(_, line)| line);
    let line: String = line
        .chars()
        .filter(|c| c.is_ascii_digit() || matches!(c, ' ' | 'a'..='z'))
        .take(40)
        .collect();
    let is_fixed = info.len() <= 80
        && info
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b' ' | b',' | b'-'));
    let why = if info.ends_with("duplicated key in mapping") {
        ": a key is given twice"
    } else if is_fixed {
        &format!(": {info}")
    } else {
        ""
    };
    format!("not readable as YAML at line {line}{why}; {allowed}")
}
