//! Changes of the key file by commands.

use std::path::Path;

use medialink_link::{KeyEntry, KeyId, KeyRing, KeyState};
use time::OffsetDateTime;
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
    rotate_in(keys, KeyState::Verify, used, now())
}

/// The same, if the active key was made before `before`. `None`: it was not, so somebody else has made it.
///
/// # Errors
/// If all 256 IDs were used.
pub fn rotate_if_older(
    keys: &mut Vec<KeyEntry>,
    before: OffsetDateTime,
    used: Option<KeyId>,
    now: OffsetDateTime,
) -> Result<Option<(KeyId, KeyId)>, KeyStoreError> {
    let is_younger = |key: &KeyEntry| key.state == KeyState::Active && key.created >= before;
    if keys.iter().any(is_younger) {
        return Ok(None);
    }
    rotate_in(keys, KeyState::Verify, used, now).map(Some)
}

/// Makes a key that verifies the links of a bridge, and returns it. `used`: see [`rotate`].
///
/// # Errors
/// If all 256 IDs were used.
pub fn add(
    keys: &mut Vec<KeyEntry>,
    bridge: String,
    used: Option<KeyId>,
) -> Result<KeyEntry, KeyStoreError> {
    let mut key = new_entry(next_id(keys, used)?, KeyState::Verify, now());
    key.bridge = Some(bridge);
    keys.push(key.clone());
    Ok(key)
}

/// An ID is never used again for another secret.
fn next_id(keys: &[KeyEntry], used: Option<KeyId>) -> Result<KeyId, KeyStoreError> {
    let ids = keys.iter().map(|key| key.id).chain(used);
    ids.max().unwrap_or(0).checked_add(1).ok_or_else(|| {
        KeyStoreError::Refused("key ID 255 is in use; there is no ID left for a new key".to_owned())
    })
}

fn rotate_in(
    keys: &mut Vec<KeyEntry>,
    before: KeyState,
    used: Option<KeyId>,
    now: OffsetDateTime,
) -> Result<(KeyId, KeyId), KeyStoreError> {
    let id = next_id(keys, used)?;
    let active = keys
        .iter_mut()
        .find(|key| key.state == KeyState::Active)
        .ok_or_else(|| KeyStoreError::Refused("no key is active".to_owned()))?;
    active.state = before;
    active.last_active = Some(now.replace_nanosecond(0).unwrap_or(now));
    let old = active.id;
    keys.push(new_entry(id, KeyState::Active, now));
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
        return rotate_in(keys, KeyState::Revoked, used, now()).map(|(_, new)| Some(new));
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
        return Err(is_active(id));
    }
    keys.retain(|key| key.id != id);
    Ok(())
}

/// The refusal of a key that has to stay, since it signs.
#[must_use]
pub fn is_active(id: KeyId) -> KeyStoreError {
    KeyStoreError::Refused(format!(
        "key {id} is active; `medialink keys rotate` makes another one active"
    ))
}

/// The refusal of an ID that none of the keys has.
#[must_use]
pub fn no_such_key(keys: &[KeyEntry], id: KeyId) -> KeyStoreError {
    let known = keys.iter().map(|key| key.id.to_string());
    let known = known.collect::<Vec<_>>().join(", ");
    KeyStoreError::Refused(format!("there is no key {id}; there are {known}"))
}

fn find(keys: &mut [KeyEntry], id: KeyId) -> Result<&mut KeyEntry, KeyStoreError> {
    let place = keys.iter().position(|key| key.id == id);
    let place = place.ok_or_else(|| no_such_key(keys, id))?;
    Ok(&mut keys[place])
}
