//! Reading a configuration: the file, then the environment, which overrides it.

use std::{collections::HashMap, path::Path};

use super::{
    file::{Config, ConfigFile},
    problems::ConfigError,
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
