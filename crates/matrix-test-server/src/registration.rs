//! Registration files of appservices (Application Service API, "Registration").

use std::path::{Path, PathBuf};

use config::{Config, ConfigError, File, FileFormat};
use serde::Deserialize;

use crate::appservice::Appservice;

/// Why a registration file cannot be used. The message never shows a token.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// The file cannot be read, or is no YAML.
    #[error("{0}: {1}")]
    File(PathBuf, String),
    /// A field is missing or has the wrong type.
    #[error(
        "{0}: not a registration; it needs id, as_token, hs_token, sender_localpart and namespaces"
    )]
    Fields(PathBuf),
    /// A regular expression that this server does not understand.
    #[error("{0}: the namespace {1:?} has more than text, `.*` and `\\.`")]
    Namespace(PathBuf, String),
}

#[derive(Deserialize)]
struct Registration {
    id: String,
    as_token: String,
    hs_token: String,
    #[serde(default)]
    url: Option<String>,
    sender_localpart: String,
    namespaces: Namespaces,
}

#[derive(Deserialize)]
struct Namespaces {
    #[serde(default)]
    users: Vec<Namespace>,
}

#[derive(Deserialize)]
struct Namespace {
    regex: String,
}

impl Appservice {
    /// Reads a registration file, in YAML. `server_name` completes the user ID of its sender.
    /// Of its namespaces, only the users matter here.
    ///
    /// # Errors
    /// [`RegistrationError`], which names the file and the problem.
    pub fn from_file(path: &Path, server_name: &str) -> Result<Self, RegistrationError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|e| RegistrationError::File(path.to_owned(), e.to_string()))?;
        let source = File::from_str(&text, FileFormat::Yaml);
        let read: Registration = Config::builder()
            .add_source(source)
            .build()
            .and_then(Config::try_deserialize)
            .map_err(|error| match error {
                ConfigError::FileParse { cause, .. } => {
                    RegistrationError::File(path.to_owned(), cause.to_string())
                }
                _ => RegistrationError::Fields(path.to_owned()),
            })?;
        let users = read.namespaces.users.iter().map(|namespace| {
            pattern_of(&namespace.regex).ok_or_else(|| {
                RegistrationError::Namespace(path.to_owned(), namespace.regex.clone())
            })
        });
        Ok(Self {
            users: users.collect::<Result<_, _>>()?,
            id: read.id,
            as_token: read.as_token,
            hs_token: read.hs_token,
            url: read.url.filter(|url| !url.is_empty()),
            sender: format!("@{}:{server_name}", read.sender_localpart),
        })
    }
}

/// The pattern, with `*` for anything, that a simple regular expression stands for.
fn pattern_of(regex: &str) -> Option<String> {
    let regex = regex.strip_prefix('^').unwrap_or(regex);
    let regex = regex.strip_suffix('$').unwrap_or(regex);
    let pattern = regex.replace(".*", "*").replace("\\.", ".");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@:._=-/*".contains(c);
    // A `*` that did not come from `.*` repeats the character before it.
    let stars = regex.matches('*').count() == regex.matches(".*").count();
    (stars && pattern.chars().all(is_plain)).then_some(pattern)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(yaml: &str) -> Result<Appservice, RegistrationError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(yaml.as_bytes()).unwrap();
        Appservice::from_file(file.path(), "example.org")
    }

    const WHOLE: &str = "id: irc\nurl: null\nas_token: as\nhs_token: hs\nsender_localpart: bot\n\
        rate_limited: false\nnamespaces:\n  users:\n    - exclusive: true\n      regex: '@irc_.*:example\\.org'\n";

    #[test]
    fn a_registration_is_an_appservice() {
        let irc = read(WHOLE).unwrap();
        assert_eq!((irc.id.as_str(), irc.url.as_deref()), ("irc", None));
        assert_eq!(irc.sender, "@bot:example.org");
        assert!(irc.covers("@irc_alice:example.org") && irc.covers("@bot:example.org"));
        assert!(!irc.covers("@alice:example.org") && !irc.covers("@irc_alice:example.com"));
    }

    #[test]
    fn a_problem_is_named_without_a_token() {
        for (old, new, problem) in [
            ("as_token: as\n", "", "needs id, as_token"),
            ("as_token: as", "as_token: [secret]", "needs id, as_token"),
            ("@irc_.*", "@irc_[0-9]+", "namespace"),
            ("@irc_.*", "@irc*", "namespace"),
            ("id: irc", "id: {", "line"),
        ] {
            let error = read(&WHOLE.replace(old, new)).unwrap_err().to_string();
            assert!(error.contains(problem), "{new}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let missing = Appservice::from_file(Path::new("/nowhere.yaml"), "example.org");
        assert!(
            missing
                .unwrap_err()
                .to_string()
                .starts_with("/nowhere.yaml: ")
        );
    }
}
