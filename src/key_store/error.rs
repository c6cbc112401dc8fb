//! Problems of key files.

use std::path::Path;

use medialink_link::KeyRingError;

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

pub(super) fn file_error(path: &Path, error: std::io::Error) -> KeyStoreError {
    KeyStoreError::File {
        path: path.display().to_string(),
        error,
    }
}
