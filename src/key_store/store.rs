//! The keys of a running service.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use medialink_link::{KeyRing, KeyState};

use super::{
    error::{KeyStoreError, file_error},
    file::{entries, new_entry, write},
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
    stamp: Stamp,
}

/// Tells whether a file has changed: device, inode, size, and time of change.
type Stamp = (u64, u64, u64, i64, i64);

impl KeyStore {
    /// Opens the key file, or makes one with a first key. `bridges`: the IDs that keys may be
    /// bound to.
    ///
    /// # Errors
    /// If it cannot be read or made, is exposed, or holds no key ring.
    pub fn open(path: &Path, bridges: Vec<String>) -> Result<Self, KeyStoreError> {
        if !path.exists() {
            if let Some(folder) = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
            {
                std::fs::create_dir_all(folder).map_err(|error| file_error(path, error))?;
            }
            write(path, &[new_entry(1, KeyState::Active)])?;
            tracing::info!(path = %path.display(), "made a key file with a first key; keep a copy of it");
        }
        let (ring, stamp) = load(path, &bridges)?;
        Ok(Self {
            path: path.to_owned(),
            bridges: Arc::new(bridges),
            current: Arc::new(RwLock::new(Current {
                ring: Arc::new(ring),
                stamp,
            })),
        })
    }

    /// The keys now.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.ring)
    }

    /// Reads the file again if it has changed; `true` if there are new keys. A bad file leaves the
    /// keys as they are.
    ///
    /// # Errors
    /// If the changed file cannot be used.
    pub fn refresh(&self) -> Result<bool, KeyStoreError> {
        let seen = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .stamp;
        if stamp(&self.path)? == seen {
            return Ok(false);
        }
        let (ring, stamp) = load(&self.path, &self.bridges)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Current {
            ring: Arc::new(ring),
            stamp,
        };
        Ok(true)
    }
}

fn stamp(path: &Path) -> Result<Stamp, KeyStoreError> {
    let m = std::fs::metadata(path).map_err(|error| file_error(path, error))?;
    Ok((m.dev(), m.ino(), m.size(), m.ctime(), m.ctime_nsec()))
}

fn load(path: &Path, bridges: &[String]) -> Result<(KeyRing, Stamp), KeyStoreError> {
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
    let ring = KeyRing::from_entries(entries).map_err(|error| KeyStoreError::Ring {
        path: path.display().to_string(),
        error,
    })?;
    Ok((ring, stamp))
}
