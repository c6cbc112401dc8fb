//! The keys of a running service.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use medialink_link::{KeyRing, KeyState};

use super::{
    error::{KeyStoreError, file_error},
    fact::KeyFact,
    file::{entries, new_entry, write_new},
};

/// The keys of a running service: always the newest good ones.
#[derive(Debug, Clone)]
pub struct KeyStore {
    path: PathBuf,
    bridges: Arc<Vec<String>>,
    current: Arc<RwLock<Current>>,
}

#[derive(Debug)]
struct Current {
    ring: Arc<KeyRing>,
    facts: Arc<[KeyFact]>,
    stamp: Stamp,
}

/// The keys of a file that has changed; they are not used yet.
#[derive(Debug)]
pub struct ChangedKeys(Current);

impl ChangedKeys {
    /// The keys without their secrets.
    #[must_use]
    pub fn facts(&self) -> Arc<[KeyFact]> {
        Arc::clone(&self.0.facts)
    }
}

/// Tells whether a file has changed: device, inode, size, and time of change.
type Stamp = (u64, u64, u64, i64, i64);

impl KeyStore {
    /// Opens the key file. `bridges`: the IDs that keys may be bound to.
    ///
    /// # Errors
    /// If it is missing or cannot be read, is exposed, or holds no key ring.
    pub fn open(path: &Path, bridges: Vec<String>) -> Result<Self, KeyStoreError> {
        let current = load(path, &bridges)?;
        Ok(Self {
            path: path.to_owned(),
            bridges: Arc::new(bridges),
            current: Arc::new(RwLock::new(current)),
        })
    }

    /// Makes a key file with a first key, and opens it. One that is there by now stays as it is. For
    /// the service alone, and only if no link was ever signed.
    ///
    /// # Errors
    /// If it cannot be made, or opened.
    pub fn make(path: &Path, bridges: Vec<String>) -> Result<Self, KeyStoreError> {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(|error| file_error(path, error))?;
        }
        if write_new(path, &[new_entry(1, KeyState::Active)])? {
            tracing::info!(path = %path.display(), "made a key file with a first key; keep a copy of it");
        }
        Self::open(path, bridges)
    }

    /// The keys now.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.ring)
    }

    /// The keys now, without their secrets.
    #[must_use]
    pub fn facts(&self) -> Arc<[KeyFact]> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.facts)
    }

    /// Reads the file again if it has changed. The keys stay as they are until they are
    /// [taken over](Self::take_over).
    ///
    /// # Errors
    /// If the file is missing, or has changed and cannot be used.
    pub fn changed(&self) -> Result<Option<ChangedKeys>, KeyStoreError> {
        let seen = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .stamp;
        if stamp(&self.path)? == seen {
            return Ok(None);
        }
        load(&self.path, &self.bridges).map(|current| Some(ChangedKeys(current)))
    }

    /// Uses the keys of a changed file from now on.
    pub fn take_over(&self, changed: ChangedKeys) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = changed.0;
    }
}

fn stamp(path: &Path) -> Result<Stamp, KeyStoreError> {
    let m = std::fs::metadata(path).map_err(|error| file_error(path, error))?;
    Ok((m.dev(), m.ino(), m.size(), m.ctime(), m.ctime_nsec()))
}

fn load(path: &Path, bridges: &[String]) -> Result<Current, KeyStoreError> {
    let stamp = stamp(path)?;
    let entries = entries(path)?;
    for entry in &entries {
        if let Some(bridge) = &entry.bridge
            && !bridges.contains(bridge)
        {
            return Err(KeyStoreError::Malformed {
                path: path.display().to_string(),
                problem: format!(
                    "key {} is bound to {bridge:?}, which is no configured bridge",
                    entry.id
                ),
            });
        }
    }
    let facts = entries.iter().map(KeyFact::of).collect();
    let ring = KeyRing::from_entries(entries).map_err(|error| KeyStoreError::Ring {
        path: path.display().to_string(),
        error,
    })?;
    Ok(Current {
        ring: Arc::new(ring),
        facts,
        stamp,
    })
}
