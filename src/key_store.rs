//! The key file: made at the first start, read again when it changes, written whole or not at all.

use std::{
    fmt::Write as _,
    io::Write as _,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use zeroize::Zeroizing;

use crate::random;
use medialink_link::{KeyEntry, KeyFile, KeyId, KeyRing, KeyRingError, KeyState};

/// What is wrong with a key file.
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
        /// What was found, and what is allowed.
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
    /// A command names a key that is not there, or asks for what cannot be done with it.
    #[error("{0}")]
    Refused(String),
}

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

fn file_error(path: &Path, error: std::io::Error) -> KeyStoreError {
    KeyStoreError::File {
        path: path.display().to_string(),
        error,
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

/// The keys of a file, as they stand there.
///
/// # Errors
/// If it cannot be read, is exposed, or is malformed.
pub fn entries(path: &Path) -> Result<Vec<KeyEntry>, KeyStoreError> {
    let mode = std::fs::metadata(path)
        .map_err(|error| file_error(path, error))?
        .mode()
        & 0o777;
    if mode & 0o007 != 0 {
        return Err(KeyStoreError::Exposed {
            path: path.display().to_string(),
            mode,
        });
    }
    let text =
        Zeroizing::new(std::fs::read_to_string(path).map_err(|error| file_error(path, error))?);
    let malformed = |problem: String| KeyStoreError::Malformed {
        path: path.display().to_string(),
        problem,
    };
    let value: serde_json::Value = config::Config::builder()
        .add_source(config::File::from_str(&text, config::FileFormat::Yaml))
        .build()
        .and_then(config::Config::try_deserialize)
        // What the YAML reader says may repeat a part of the text, so it is not told.
        .map_err(|_| malformed("it is not readable as YAML".to_owned()))?;
    serde_path_to_error::deserialize::<_, KeyFile>(value)
        .map(|file| file.keys)
        .map_err(|error| {
            malformed(format!(
                "{}: allowed is keys: [{{id: 0 to 255, secret: 43 characters of base64url, state: active, verify or revoked, \
                 created: RFC 3339, and as wanted last_active: RFC 3339, bridge: ID}}]",
                error.path()
            ))
        })
}

/// A new key with a secret of its own.
fn new_entry(id: KeyId, state: KeyState) -> KeyEntry {
    let secret = Zeroizing::new(random::bytes::<32>());
    KeyEntry {
        id,
        secret: Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_slice())),
        state,
        created: now(),
        last_active: None,
        bridge: None,
    }
}

fn now() -> OffsetDateTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "the key file is made before there is a service with a clock"
    )]
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now)
}

/// Writes a key file: a new file beside it, made durable, then put in its place.
fn write(path: &Path, entries: &[KeyEntry]) -> Result<(), KeyStoreError> {
    let failed = |error| file_error(path, error);
    let mut text = Zeroizing::new(String::with_capacity(256 * (entries.len() + 2)));
    text.push_str(
        "# The keys that sign links. Whoever has them can make links; without them all links are dead.\n\
         # Changed by `medialink keys`; a running service notices.\nkeys:\n",
    );
    for entry in entries {
        let rfc3339 = |time: OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
        // Writing into a text does not fail.
        let _ = writeln!(
            text,
            "  - id: {}\n    secret: \"{}\"\n    state: {}\n    created: \"{}\"",
            entry.id,
            entry.secret.as_str(),
            entry.state.as_str(),
            rfc3339(entry.created)
        );
        if let Some(time) = entry.last_active {
            let _ = writeln!(text, "    last_active: \"{}\"", rfc3339(time));
        }
        if let Some(bridge) = &entry.bridge {
            let _ = writeln!(text, "    bridge: \"{bridge}\"");
        }
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", random::id()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)?;
    let folder = path
        .parent()
        .filter(|f| !f.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}

/// Changes a key file while nobody else does.
fn change<T>(
    path: &Path,
    change: impl FnOnce(&mut Vec<KeyEntry>) -> Result<T, KeyStoreError>,
) -> Result<T, KeyStoreError> {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock = std::fs::File::create(&lock_path).map_err(|error| file_error(path, error))?;
    lock.lock().map_err(|error| file_error(path, error))?;
    let mut keys = entries(path)?;
    let result = change(&mut keys)?;
    KeyRing::from_entries(keys.clone()).map_err(|error| KeyStoreError::Ring {
        path: path.display().to_string(),
        error,
    })?;
    write(path, &keys)?;
    Ok(result)
}

/// Makes a new active key; the one before it verifies from now on. Returns both IDs. `used`: the
/// highest ID that a link was ever signed with, since the key may be gone from the file.
///
/// # Errors
/// If the file cannot be changed, or all 256 IDs were used.
pub fn rotate(path: &Path, used: Option<KeyId>) -> Result<(KeyId, KeyId), KeyStoreError> {
    change(path, |keys| rotate_in(keys, KeyState::Verify, used))
}

fn rotate_in(
    keys: &mut Vec<KeyEntry>,
    before: KeyState,
    used: Option<KeyId>,
) -> Result<(KeyId, KeyId), KeyStoreError> {
    // An ID is never used again for another secret.
    let id = keys
        .iter()
        .map(|key| key.id)
        .chain(used)
        .max()
        .unwrap_or(0)
        .checked_add(1)
        .ok_or_else(|| {
            KeyStoreError::Refused(
                "key ID 255 is in use; there is no ID left for a new key".to_owned(),
            )
        })?;
    let active = keys
        .iter_mut()
        .find(|key| key.state == KeyState::Active)
        .ok_or_else(|| KeyStoreError::Refused("no key is active".to_owned()))?;
    active.state = before;
    active.last_active = Some(now());
    let old = active.id;
    keys.push(new_entry(id, KeyState::Active));
    Ok((old, id))
}

/// Revokes a key; if it is the active one, a new one takes its place, whose ID is returned.
/// `used`: see [`rotate`].
///
/// # Errors
/// If there is no such key, or the file cannot be changed.
pub fn revoke(path: &Path, id: KeyId, used: Option<KeyId>) -> Result<Option<KeyId>, KeyStoreError> {
    change(path, |keys| {
        let key = find(keys, id)?;
        if key.state == KeyState::Active {
            return rotate_in(keys, KeyState::Revoked, used).map(|(_, new)| Some(new));
        }
        key.state = KeyState::Revoked;
        Ok(None)
    })
}

/// Takes out a key for good. Whether links still need it is the caller's to know.
///
/// # Errors
/// If there is no such key, it is active, or the file cannot be changed.
pub fn retire(path: &Path, id: KeyId) -> Result<(), KeyStoreError> {
    change(path, |keys| {
        if find(keys, id)?.state == KeyState::Active {
            return Err(KeyStoreError::Refused(format!(
                "key {id} is active; `medialink keys rotate` makes another one active"
            )));
        }
        keys.retain(|key| key.id != id);
        Ok(())
    })
}

fn find(keys: &mut [KeyEntry], id: KeyId) -> Result<&mut KeyEntry, KeyStoreError> {
    let known = keys
        .iter()
        .map(|key| key.id.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    keys.iter_mut()
        .find(|key| key.id == id)
        .ok_or_else(|| KeyStoreError::Refused(format!("there is no key {id}; there are {known}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn store() -> (tempfile::TempDir, PathBuf, KeyStore) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data/keys.yaml");
        let store = KeyStore::open(&path, vec!["irc".to_owned()]).expect("opens");
        (folder, path, store)
    }

    #[test]
    fn a_first_key_is_made_for_its_owner_alone() {
        let (_folder, path, store) = store();
        assert_eq!(
            std::fs::metadata(&path).expect("there").mode() & 0o777,
            0o600
        );
        assert_eq!(store.ring().active().id(), 1);
        assert!(!store.refresh().expect("reads"));
    }

    #[test]
    fn an_exposed_file_is_refused() {
        let (_folder, path, _store) = store();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("chmod");
        let error = KeyStore::open(&path, vec![])
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains("0644") && error.contains("chmod 600"),
            "{error}"
        );
    }

    #[test]
    fn rotated_revoked_and_retired_keys_are_noticed() {
        let (_folder, path, store) = store();
        assert_eq!(rotate(&path, None).expect("rotates"), (1, 2));
        assert!(store.refresh().expect("reads"));
        assert_eq!(store.ring().active().id(), 2);
        assert_eq!(
            store.ring().get(1).expect("there").state(),
            KeyState::Verify
        );
        assert_eq!(
            revoke(&path, 2, None).expect("revokes"),
            Some(3),
            "the active key is replaced"
        );
        assert_eq!(revoke(&path, 1, None).expect("revokes"), None);
        assert!(store.refresh().expect("reads"));
        assert_eq!(
            store.ring().get(2).expect("there").state(),
            KeyState::Revoked
        );
        assert!(retire(&path, 3).is_err(), "active");
        assert!(
            retire(&path, 9)
                .expect_err("unknown")
                .to_string()
                .contains("1, 2, 3")
        );
        retire(&path, 1).expect("retires");
        assert!(store.refresh().expect("reads"));
        assert!(store.ring().get(1).is_none());
        assert_eq!(
            rotate(&path, Some(9)).expect("rotates"),
            (3, 10),
            "above every ID ever used"
        );
    }

    #[test]
    fn a_bad_file_is_told_without_its_secrets_and_changes_nothing() {
        let (_folder, path, store) = store();
        let text = std::fs::read_to_string(&path).expect("reads");
        let secret = text.split('"').nth(1).expect("a secret").to_owned();
        for bad in [
            text.replace("state: active", "state: resting"),
            text.replace("state: active", "state: verify"),
            text.replace(
                "    state: active\n",
                "    state: active\n    bridge: sms\n",
            ),
            text.replace("id: 1", "id: 256"),
            text.replace(&secret, &secret[1..]),
            format!("{text}: ["),
        ] {
            std::fs::write(&path, bad).expect("writes");
            let error = store.refresh().expect_err("refused").to_string();
            assert!(!error.contains(&secret[1..20]), "{error}");
            assert_eq!(store.ring().active().id(), 1);
        }
    }
}
