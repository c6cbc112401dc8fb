//! Where the link keys are.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{database::DatabaseConfig, problems::Problems};

/// What `key_file` is where the database holds the keys.
const DATABASE: &str = "database";

/// Where the link keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a file of their own.
    File(PathBuf),
    /// In the database, sealed under the root secret.
    Database,
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Database => f.write_str("in the database"),
        }
    }
}

/// Reads the key `key_file`.
pub(super) fn checked(
    key_file: &Path,
    database: Option<&DatabaseConfig>,
    folder: &Path,
    problems: &mut Problems,
) -> KeyPlace {
    if key_file.as_os_str() != DATABASE {
        return KeyPlace::File(folder.join(key_file));
    }
    if database.is_some_and(|database| database.root_secret.is_none()) {
        problems.add(
            "key_file",
            "found database, where keys are sealed under the root secret, and there is none; allowed is to give \
             root_secret_file as well, or the path of a file (./database, if that is its name)",
        );
    }
    KeyPlace::Database
}
