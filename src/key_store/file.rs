//! The key file, read and written whole.

use std::{
    fmt::Write as _,
    io::Write as _,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use zeroize::Zeroizing;

use crate::random;
use medialink_link::{KeyEntry, KeyFile, KeyId, KeyState};

use super::error::{KeyStoreError, file_error};

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
    parse(&path.display().to_string(), &text)
}

/// The text of a file as YAML. The reader's message may repeat a part of the text, so it is not shown.
fn yaml(text: &str) -> Option<serde_json::Value> {
    config::Config::builder()
        .add_source(config::File::from_str(text, config::FileFormat::Yaml))
        .build()
        .and_then(config::Config::try_deserialize)
        .ok()
}

/// Whether this is the text of a key file, whatever its keys are.
#[must_use]
pub fn is_key_file(text: &str) -> bool {
    yaml(text).is_some_and(|value| value.get("keys").is_some_and(serde_json::Value::is_array))
}

/// The keys of the text of a key file; `place`: what errors call it.
///
/// # Errors
/// If it is malformed.
pub fn parse(place: &str, text: &str) -> Result<Vec<KeyEntry>, KeyStoreError> {
    let malformed = |problem: String| KeyStoreError::Malformed {
        path: place.to_owned(),
        problem,
    };
    let value = yaml(text).ok_or_else(|| malformed("it is not readable as YAML".to_owned()))?;
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

/// The text of a key file with a first key.
#[must_use]
pub fn new_text() -> Zeroizing<String> {
    text_of(&[new_entry(1, KeyState::Active, now())])
}

/// A new key with a secret of its own.
pub(super) fn new_entry(id: KeyId, state: KeyState, created: OffsetDateTime) -> KeyEntry {
    let secret = Zeroizing::new(random::bytes::<32>());
    KeyEntry {
        id,
        secret: Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_slice())),
        state,
        created: created.replace_nanosecond(0).unwrap_or(created),
        last_active: None,
        bridge: None,
    }
}

pub(super) fn now() -> OffsetDateTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "the key file is made before there is a service with a clock"
    )]
    OffsetDateTime::now_utc()
}

/// Writes a key file: a new file beside it, made durable, then put in its place.
pub(super) fn write(path: &Path, entries: &[KeyEntry]) -> Result<(), KeyStoreError> {
    let beside = Beside::write(path, &text_of(entries))?;
    std::fs::rename(&beside.path, path).map_err(|error| file_error(path, error))?;
    sync_folder(path)
}

/// Writes a key file where there is none, for its owner alone; `false`: there is one, which stays as it is.
///
/// # Errors
/// If it cannot be written.
pub fn write_new(path: &Path, entries: &[KeyEntry]) -> Result<bool, KeyStoreError> {
    let text = text_of(entries);
    let beside = Beside::write(path, &text)?;
    // Unlike a rename, a link replaces nothing. Not every file system has links.
    let made = match std::fs::hard_link(&beside.path, path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => write_whole(path, &text),
        made => made,
    };
    drop(beside);
    match made {
        Ok(()) => sync_folder(path).map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(file_error(path, error)),
    }
}

/// A whole key file under another name, which goes away with this.
struct Beside {
    path: PathBuf,
}

impl Beside {
    fn write(path: &Path, text: &str) -> Result<Self, KeyStoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}", random::id()));
        let beside = Self { path: name.into() };
        write_whole(&beside.path, text).map_err(|error| file_error(path, error))?;
        Ok(beside)
    }
}

/// Writes a file that is not there yet, for its owner alone.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It is gone already if it was put in its place.
        drop(std::fs::remove_file(&self.path));
    }
}

fn sync_folder(path: &Path) -> Result<(), KeyStoreError> {
    let folder = path
        .parent()
        .filter(|f| !f.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| file_error(path, error))
}

/// Keys as a key file holds them.
#[must_use]
pub fn text_of(entries: &[KeyEntry]) -> Zeroizing<String> {
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
    text
}
