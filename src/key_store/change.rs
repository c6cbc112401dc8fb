//! Changes of the key file by commands.

use std::path::Path;

use medialink_link::{KeyEntry, KeyId, KeyRing, KeyState};
use zeroize::Zeroizing;

use super::{
    error::{KeyStoreError, file_error},
    file::{entries, new_entry, now, parse, text_of, write},
};

/// Changes a key file while nobody else does.
///
/// # Errors
/// If the file cannot be changed, or the change is refused.
pub fn change_file<T>(
    path: &Path,
    change: impl FnOnce(&mut Vec<KeyEntry>) -> Result<T, KeyStoreError>,
) -> Result<T, KeyStoreError> {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock = std::fs::File::create(&lock_path).map_err(|error| file_error(path, error))?;
    lock.lock().map_err(|error| file_error(path, error))?;
    let (keys, result) = changed(&path.display().to_string(), entries(path)?, change)?;
    write(path, &keys)?;
    Ok(result)
}

/// Changes the text of a key file that is elsewhere; `place`: what errors call it.
///
/// # Errors
/// If the text is malformed, or the change is refused.
pub fn change_text<T>(
    place: &str,
    text: &str,
    change: impl FnOnce(&mut Vec<KeyEntry>) -> Result<T, KeyStoreError>,
) -> Result<(Zeroizing<String>, T), KeyStoreError> {
    let (keys, result) = changed(place, parse(place, text)?, change)?;
    Ok((text_of(&keys), result))
}

fn changed<T>(
    place: &str,
    mut keys: Vec<KeyEntry>,
    change: impl FnOnce(&mut Vec<KeyEntry>) -> Result<T, KeyStoreError>,
) -> Result<(Vec<KeyEntry>, T), KeyStoreError> {
    let result = change(&mut keys)?;
    KeyRing::from_entries(keys.clone()).map_err(|error| KeyStoreError::Ring {
        path: place.to_owned(),
        error,
    })?;
    Ok((keys, result))
}

/// Makes a new active key; the one before it verifies from now on. Returns both IDs. `used`: the
/// highest ID that a link was ever signed with, since the key may be gone from the file.
///
/// # Errors
/// If all 256 IDs were used.
pub fn rotate(
    keys: &mut Vec<KeyEntry>,
    used: Option<KeyId>,
) -> Result<(KeyId, KeyId), KeyStoreError> {
    rotate_in(keys, KeyState::Verify, used)
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
/// If there is no such key, or no ID is left for a new one.
pub fn revoke(
    keys: &mut Vec<KeyEntry>,
    id: KeyId,
    used: Option<KeyId>,
) -> Result<Option<KeyId>, KeyStoreError> {
    let key = find(keys, id)?;
    if key.state == KeyState::Active {
        return rotate_in(keys, KeyState::Revoked, used).map(|(_, new)| Some(new));
    }
    key.state = KeyState::Revoked;
    Ok(None)
}

/// Takes out a key for good. The caller makes sure that no link needs it.
///
/// # Errors
/// If there is no such key, or it is active.
pub fn retire(keys: &mut Vec<KeyEntry>, id: KeyId) -> Result<(), KeyStoreError> {
    if find(keys, id)?.state == KeyState::Active {
        return Err(KeyStoreError::Refused(format!(
            "key {id} is active; `medialink keys rotate` makes another one active"
        )));
    }
    keys.retain(|key| key.id != id);
    Ok(())
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
