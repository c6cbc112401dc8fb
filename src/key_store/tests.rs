use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
};

use medialink_link::KeyState;

use super::*;

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
