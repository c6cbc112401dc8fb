use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use medialink_link::{KeyId, KeyState};

use super::*;

fn rotate(path: &Path, used: Option<KeyId>) -> Result<(KeyId, KeyId), KeyStoreError> {
    change_file(path, |keys| super::rotate(keys, used))
}

fn revoke(path: &Path, id: KeyId, used: Option<KeyId>) -> Result<Option<KeyId>, KeyStoreError> {
    change_file(path, |keys| super::revoke(keys, id, used))
}

fn retire(path: &Path, id: KeyId) -> Result<(), KeyStoreError> {
    change_file(path, |keys| super::retire(keys, id))
}

fn store() -> (tempfile::TempDir, PathBuf, KeyStore) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("data/keys.yaml");
    let store = KeyStore::make(&path, vec!["irc".to_owned()]).expect("makes");
    (folder, path, store)
}

/// Takes over the changes of the file; `true` if there were any.
fn refresh(store: &KeyStore) -> Result<bool, KeyStoreError> {
    let changed = store.changed()?;
    let has_changed = changed.is_some();
    changed.into_iter().for_each(|keys| store.take_over(keys));
    Ok(has_changed)
}

#[test]
fn a_file_that_is_missing_is_not_made_by_opening_it() {
    let (folder, path, store) = store();
    let before = store.facts();
    std::fs::rename(&path, folder.path().join("away")).expect("moved");
    for error in [
        KeyStore::open(&path, vec![]).expect_err("missing"),
        store.changed().expect_err("missing"),
        rotate(&path, None).expect_err("missing"),
    ] {
        assert!(matches!(error, KeyStoreError::Missing { .. }), "{error}");
    }
    assert!(!path.exists());
    assert_eq!(store.ring().active().id(), 1);
    std::fs::rename(folder.path().join("away"), &path).expect("moved back");
    refresh(&store).expect("it is there again");
    assert_eq!(store.facts(), before);
}

#[test]
fn a_file_that_cannot_be_looked_at_is_not_missing() {
    let (_folder, path, _store) = store();
    let below = path.join("keys.yaml");
    let error = KeyStore::open(&below, vec![]).expect_err("not a folder");
    assert!(matches!(error, KeyStoreError::File { .. }), "{error}");
}

#[test]
fn of_many_that_make_a_file_one_does_and_the_others_use_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.yaml");
    let makers: Vec<_> = std::iter::repeat_with(|| {
        let path = path.clone();
        std::thread::spawn(move || KeyStore::make(&path, vec![]).expect("makes").facts())
    })
    .take(16)
    .collect();
    let made: Vec<_> = makers
        .into_iter()
        .map(|maker| maker.join().expect("no panic"))
        .collect();
    assert!(made.iter().all(|facts| *facts == made[0]), "{made:?}");
    let left = std::fs::read_dir(folder.path()).expect("reads").count();
    assert_eq!(left, 1, "nothing is left beside it");
}

#[test]
fn a_first_key_is_made_for_its_owner_alone() {
    let (_folder, path, store) = store();
    assert_eq!(
        std::fs::metadata(&path).expect("there").mode() & 0o777,
        0o600
    );
    assert_eq!(store.ring().active().id(), 1);
    assert!(!refresh(&store).expect("reads"));
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
    assert!(refresh(&store).expect("reads"));
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
    assert!(refresh(&store).expect("reads"));
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
    assert!(refresh(&store).expect("reads"));
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
        let error = refresh(&store).expect_err("refused").to_string();
        assert!(!error.contains(&secret[1..20]), "{error}");
        assert_eq!(store.ring().active().id(), 1);
    }
}
