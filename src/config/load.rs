//! Reading a configuration: the file, then the environment, which overrides it.

use std::{collections::HashMap, ffi::OsString, path::Path};

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
        let environment = texts(std::env::vars_os())?;
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

/// The variables of an environment that are texts; those of ours have to be.
fn texts(
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<HashMap<String, String>, ConfigError> {
    let mut texts = HashMap::new();
    for (name, value) in environment {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => {
                texts.insert(name, value);
            }
            (name, _) => {
                let name = name.unwrap_or_else(|name| name.to_string_lossy().into_owned());
                if name.starts_with(ENV_PREFIX) && name != ENV_CONFIG {
                    return Err(ConfigError::one(format!(
                        "the environment variable {name} is not valid UTF-8"
                    )));
                }
            }
        }
    }
    Ok(texts)
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
    let key_of = |name: &String| name[ENV_PREFIX.len()..].to_lowercase().replace("__", ".");
    let is_below = |name: &&String| {
        let below = key_of(name);
        let rest = below.strip_prefix(key);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    let own = env_names.iter().find(|name| key_of(name) == key);
    let from_env = own.or_else(|| env_names.iter().find(is_below));
    let from_env = from_env
        .map(|name| format!(" (from the environment variable {name})"))
        .unwrap_or_default();
    match key {
        "" if own.is_some() => format!("a key without a name {problem}{from_env}"),
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

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn a_variable_of_ours_that_is_no_text_is_not_passed_over() {
        let texts_of = |name: &[u8], value: &[u8]| {
            let [name, value] = [name, value].map(|bytes| OsString::from_vec(bytes.to_vec()));
            texts([(name, value)].into_iter())
        };
        for (name, value) in [
            (&b"MEDIALINK_USAGE__MODE"[..], &b"never\xff"[..]),
            (b"MEDIALINK_USAGE__MOD\xff", b"never"),
        ] {
            let error = texts_of(name, value).expect_err("refused").to_string();
            assert!(error.contains("MEDIALINK_USAGE__MOD"), "{error}");
        }
        let others = texts_of(b"LS_COLORS", b"\xff").expect("of others");
        assert!(others.is_empty());
        let ours = texts_of(b"MEDIALINK_USAGE__MODE", b"never").expect("a text");
        assert_eq!(ours["MEDIALINK_USAGE__MODE"], "never");
    }
}
