//! The keys of a running service.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use medialink_link::{KeyEntry, KeyRing, KeyState};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{
    error::{KeyStoreError, file_error},
    fact::KeyFact,
    file::{entries, new_entry, now, parse, write_new},
};

/// The keys of a running service: always the newest good ones.
#[derive(Debug, Clone)]
pub struct KeyStore {
    source: Source,
    bridges: Arc<Vec<String>>,
    current: Arc<RwLock<Current>>,
}

/// Where the keys come from.
#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
    /// A text that others read; what errors call it.
    Text(Arc<str>),
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

/// Tells whether keys have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stamp {
    /// Of a file: device, inode, size, and time of change.
    File(u64, u64, u64, i64, i64),
    /// Of a text: SHA-256.
    Text([u8; 32]),
}

impl KeyStore {
    /// Opens the key file. `bridges`: the IDs that keys may be bound to.
    ///
    /// # Errors
    /// If it is missing or cannot be read, is exposed, or holds no key ring.
    pub fn open(path: &Path, bridges: Vec<String>) -> Result<Self, KeyStoreError> {
        let current = load(path, &bridges)?;
        Ok(Self::with(Source::File(path.to_owned()), bridges, current))
    }

    /// Takes the keys of a text; `place`: what errors call it.
    ///
    /// # Errors
    /// If it holds no key ring.
    pub fn of_text(place: &str, text: &str, bridges: Vec<String>) -> Result<Self, KeyStoreError> {
        let current = load_text(place, text, &bridges)?;
        Ok(Self::with(Source::Text(place.into()), bridges, current))
    }

    fn with(source: Source, bridges: Vec<String>, current: Current) -> Self {
        Self {
            source,
            bridges: Arc::new(bridges),
            current: Arc::new(RwLock::new(current)),
        }
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
        if write_new(path, &[new_entry(1, KeyState::Active, now())])? {
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

    /// When the key was made that signs now.
    #[must_use]
    pub fn active_since(&self) -> Option<OffsetDateTime> {
        let facts = self.facts();
        let active = facts.iter().find(|key| key.state == KeyState::Active);
        active.map(|key| key.created)
    }

    fn seen(&self) -> Stamp {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.stamp
    }

    /// Reads the file again if it has changed. The keys stay as they are until they are
    /// [taken over](Self::take_over). Those of a text do not change by themselves.
    ///
    /// # Errors
    /// If the file is missing, or has changed and cannot be used.
    pub fn changed(&self) -> Result<Option<ChangedKeys>, KeyStoreError> {
        match &self.source {
            Source::File(path) if stamp(path)? != self.seen() => {
                load(path, &self.bridges).map(|current| Some(ChangedKeys(current)))
            }
            Source::File(_) | Source::Text(_) => Ok(None),
        }
    }

    /// Reads this text in place of the one before, if it is another one. The keys of a file do not change by it.
    ///
    /// # Errors
    /// If it has changed and cannot be used.
    pub fn changed_to(&self, text: &str) -> Result<Option<ChangedKeys>, KeyStoreError> {
        match &self.source {
            Source::Text(place) if text_stamp(text) != self.seen() => {
                load_text(place, text, &self.bridges).map(|current| Some(ChangedKeys(current)))
            }
            Source::File(_) | Source::Text(_) => Ok(None),
        }
    }

    /// Uses the keys of a changed file from now on.
    pub fn take_over(&self, changed: ChangedKeys) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = changed.0;
    }
}

fn stamp(path: &Path) -> Result<Stamp, KeyStoreError> {
    let m = std::fs::metadata(path).map_err(|error| file_error(path, error))?;
    Ok(Stamp::File(
        m.dev(),
        m.ino(),
        m.size(),
        m.ctime(),
        m.ctime_nsec(),
    ))
}

fn text_stamp(text: &str) -> Stamp {
    Stamp::Text(Sha256::digest(text).into())
}

fn load(path: &Path, bridges: &[String]) -> Result<Current, KeyStoreError> {
    let stamp = stamp(path)?;
    current(&path.display().to_string(), entries(path)?, stamp, bridges)
}

fn load_text(place: &str, text: &str, bridges: &[String]) -> Result<Current, KeyStoreError> {
    current(place, parse(place, text)?, text_stamp(text), bridges)
}

fn current(
    place: &str,
    entries: Vec<KeyEntry>,
    stamp: Stamp,
    bridges: &[String],
) -> Result<Current, KeyStoreError> {
    for entry in &entries {
        if let Some(bridge) = &entry.bridge
            && !bridges.contains(bridge)
        {
            return Err(KeyStoreError::Malformed {
                path: place.to_owned(),
                problem: format!(
                    "key {} is bound to {bridge:?}, which is no configured bridge",
                    entry.id
                ),
            });
        }
    }
    let facts = entries.iter().map(KeyFact::of).collect();
    let ring = KeyRing::from_entries(entries).map_err(|error| KeyStoreError::Ring {
        path: place.to_owned(),
        error,
    })?;
    Ok(Current {
        ring: Arc::new(ring),
        facts,
        stamp,
    })
}
