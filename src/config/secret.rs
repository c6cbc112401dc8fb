//! Secrets: a value or a file, never both, and never shown.

use std::{fmt, path::Path};

use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

use crate::telemetry::know_secrets;

use super::problems::Problems;

/// The beginning of the values in `bridge.example.yaml` that everybody knows.
const PLACEHOLDER: &str = "change-me";

/// A secret text. Hidden from `Debug`; wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    /// Errors name the type of a wrong value, and never the value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self::new(text)),
            serde_json::Value::Number(_) => Err(de::Error::custom(
                "found a number, expected a text in quotes",
            )),
            _ => Err(de::Error::custom("expected a text")),
        }
    }
}

/// Takes the value or reads the file; exactly one of them has to be given. It has to be a token: of
/// ASCII, without white space.
pub(super) fn resolve(
    path: &str,
    value: Option<Secret>,
    file: Option<&Path>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Secret> {
    let secret = resolve_text(path, value, file, folder, problems)?;
    let text = secret.expose();
    if is_placeholder(text) {
        problems.add(
            path,
            "is still that of the example, which everybody knows; make up another, such as by openssl rand -hex 32",
        );
        return None;
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
        problems.add(
            path,
            "is empty or holds white space or characters that are not ASCII",
        );
        return None;
    }
    Some(secret)
}

fn is_placeholder(text: &str) -> bool {
    let start = text.get(..PLACEHOLDER.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(PLACEHOLDER))
}

/// The same for any text.
pub(super) fn resolve_text(
    path: &str,
    value: Option<Secret>,
    file: Option<&Path>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Secret> {
    match (value, file) {
        (Some(value), None) => Some(value),
        (None, Some(file)) => match std::fs::read_to_string(folder.join(file)) {
            Ok(text) => {
                let text = Zeroizing::new(text);
                know_secrets([text.trim_end_matches(['\n', '\r'])]);
                Some(Secret::new(text.trim_end_matches(['\n', '\r'])))
            }
            Err(error) => {
                problems.add(
                    format_args!("{path}_file"),
                    format_args!("{} cannot be read: {error}", file.display()),
                );
                None
            }
        },
        (Some(_), Some(_)) => {
            problems.add(
                path,
                format_args!("is given together with {path}_file; allowed is one of them"),
            );
            None
        }
        (None, None) => {
            problems.add(
                path,
                format_args!("is missing; give it, or {path}_file with the path of a file"),
            );
            None
        }
    }
}
