//! Problems of key files.

use std::path::Path;

use medialink_link::{KeyId, KeyRingError};

/// What to do where no links were ever signed.
const NOT_MADE_YET: &str = "`medialink serve` makes it at its first start";

/// A problem of a key file.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// It cannot be read or written.
    #[error("key file {path}: {error}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// There is none, and none may be made.
    #[error("key file {path}: not found; {hint}")]
    Missing {
        /// The file.
        path: String,
        /// What to do.
        hint: String,
    },
    /// Others than its owner and group can read it.
    #[error(
        "key file {path}: found mode {mode:04o}, so that everybody can read or change it; allowed is 0600: chmod 600 {path}"
    )]
    Exposed {
        /// The file.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// It is not a key file.
    #[error("key file {path}: {problem}")]
    Malformed {
        /// The file.
        path: String,
        /// The value that was found, and those that are allowed.
        problem: String,
    },
    /// Its keys make no ring.
    #[error("key file {path}: {error}")]
    Ring {
        /// The file.
        path: String,
        /// Why not.
        error: KeyRingError,
    },
    /// A command names a missing key, or asks for something that the key's state does not allow.
    #[error("{0}")]
    Refused(String),
}

impl KeyStoreError {
    /// The database holds no keys, and none may be made.
    #[must_use]
    pub fn none_kept(place: &str) -> Self {
        Self::Missing {
            path: place.to_owned(),
            hint: NOT_MADE_YET.to_owned(),
        }
    }

    /// The database holds no keys, though links were signed by keys with these IDs.
    #[must_use]
    pub fn lost_kept(place: &str, used: &[KeyId]) -> Self {
        Self::Missing {
            path: place.to_owned(),
            hint: format!(
                "links were signed by keys ({}) that are not there, and new ones would kill them. `medialink keys import \
                 FILE` puts those of a key file there; if there is none, docs/operators.md says how to begin anew",
                listed(used)
            ),
        }
    }

    /// The file is missing, though links were signed by keys with these IDs.
    #[must_use]
    pub fn lost(path: &Path, used: &[KeyId]) -> Self {
        Self::Missing {
            path: path.display().to_string(),
            hint: format!(
                "links were signed by its keys ({}), and a new file would kill them. Is its folder mounted? \
                 Put the file back, or a copy of it; if there is none, docs/operators.md says how to begin anew",
                listed(used)
            ),
        }
    }
}

fn listed(ids: &[KeyId]) -> String {
    let ids = ids.iter().map(ToString::to_string);
    ids.collect::<Vec<_>>().join(", ")
}

pub(super) fn file_error(path: &Path, error: std::io::Error) -> KeyStoreError {
    // A file that cannot be looked at may well be there.
    if error.kind() == std::io::ErrorKind::NotFound {
        return KeyStoreError::Missing {
            path: path.display().to_string(),
            hint: NOT_MADE_YET.to_owned(),
        };
    }
    KeyStoreError::File {
        path: path.display().to_string(),
        error,
    }
}
