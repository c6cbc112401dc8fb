//! The keys of a service: one signs, several verify, some are revoked.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    key::LinkKey,
    key_file::{KeyEntry, KeyId, KeyState},
};

/// Why a list of keys is refused. The message names keys by their ID, never by their secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// A secret is not 43 characters of canonical base64url.
    #[error("key {0}: the secret has to be 32 bytes as 43 characters of unpadded base64url")]
    Secret(KeyId),
    /// Two keys have one ID.
    #[error("key ID {0} is there twice")]
    DuplicateId(KeyId),
    /// Two keys have one secret.
    #[error("keys {0} and {1} have the same secret")]
    DuplicateSecret(KeyId, KeyId),
    /// Not exactly one key is active.
    #[error("{0} keys are active; exactly one has to be")]
    Active(usize),
    /// The active key is bound to one bridge.
    #[error(
        "key {0} is active and bound to a bridge; a bound key has to be in state verify, since this service signs for every bridge"
    )]
    ActiveBound(KeyId),
}

/// All keys of a service, found by the ID that a token carries.
#[derive(Debug, Clone)]
pub struct KeyRing {
    by_id: Vec<Option<Box<LinkKey>>>,
    active: Box<LinkKey>,
}

impl KeyRing {
    /// Makes a ring of the entries of a key file.
    ///
    /// # Errors
    /// If a secret is malformed, an ID or a secret occurs twice, the active key is bound to a
    /// bridge, or not exactly one key is active.
    pub fn from_entries(entries: Vec<KeyEntry>) -> Result<Self, KeyRingError> {
        let mut by_id: Vec<Option<Box<LinkKey>>> = vec![None; 256];
        let mut secrets: Vec<(KeyId, Zeroizing<[u8; 32]>)> = Vec::with_capacity(entries.len());
        let mut seen = HashSet::new();
        for entry in entries {
            if !seen.insert(entry.id) {
                return Err(KeyRingError::DuplicateId(entry.id));
            }
            let bytes = Zeroizing::new(
                URL_SAFE_NO_PAD
                    .decode(entry.secret.as_bytes())
                    .map_err(|_| KeyRingError::Secret(entry.id))?,
            );
            let secret: Zeroizing<[u8; 32]> = Zeroizing::new(
                bytes
                    .as_slice()
                    .try_into()
                    .map_err(|_| KeyRingError::Secret(entry.id))?,
            );
            if let Some((twin, _)) = secrets.iter().find(|(_, s)| bool::from(s.ct_eq(&*secret))) {
                return Err(KeyRingError::DuplicateSecret(*twin, entry.id));
            }
            if entry.state == KeyState::Active && entry.bridge.is_some() {
                return Err(KeyRingError::ActiveBound(entry.id));
            }
            let key = LinkKey::derive(entry.id, &secret, entry.state, entry.bridge);
            by_id[usize::from(entry.id)] = Some(Box::new(key));
            secrets.push((entry.id, secret));
        }
        let mut active: Vec<_> = by_id
            .iter()
            .flatten()
            .filter(|key| key.state() == KeyState::Active)
            .cloned()
            .collect();
        match (active.pop(), active.len()) {
            (Some(active), 0) => Ok(Self { by_id, active }),
            (None, _) => Err(KeyRingError::Active(0)),
            (Some(_), more) => Err(KeyRingError::Active(more + 1)),
        }
    }

    /// The key that signs.
    #[must_use]
    pub fn active(&self) -> &LinkKey {
        &self.active
    }

    /// The key with this ID.
    #[must_use]
    pub fn get(&self, id: KeyId) -> Option<&LinkKey> {
        self.by_id[usize::from(id)].as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u8, byte: u8, state: &str) -> serde_json::Value {
        serde_json::json!({"id": id, "secret": URL_SAFE_NO_PAD.encode([byte; 32]),
            "state": state, "created": "2026-01-01T00:00:00Z"})
    }

    fn ring(entries: serde_json::Value) -> Result<KeyRing, KeyRingError> {
        KeyRing::from_entries(serde_json::from_value(entries).expect("entries"))
    }

    #[test]
    fn a_ring_needs_one_active_key_and_distinct_ids_and_secrets() {
        use serde_json::json;
        assert!(ring(json!([entry(1, 1, "active"), entry(2, 2, "verify")])).is_ok());
        let refused = |entries| ring(entries).expect_err("refused");
        assert_eq!(refused(json!([])), KeyRingError::Active(0));
        assert_eq!(
            refused(json!([entry(1, 1, "active"), entry(2, 2, "active")])),
            KeyRingError::Active(2)
        );
        assert_eq!(
            refused(json!([entry(1, 1, "active"), entry(1, 2, "verify")])),
            KeyRingError::DuplicateId(1)
        );
        assert_eq!(
            refused(json!([entry(1, 1, "active"), entry(2, 1, "verify")])),
            KeyRingError::DuplicateSecret(1, 2)
        );
        let mut short = entry(3, 3, "active");
        short["secret"] = json!("AAAA");
        assert_eq!(refused(json!([short])), KeyRingError::Secret(3));
    }

    #[test]
    fn nothing_secret_is_shown_by_debug() {
        let secret = URL_SAFE_NO_PAD.encode([7; 32]);
        let entries: Vec<KeyEntry> =
            serde_json::from_value(serde_json::json!([entry(1, 7, "active")])).expect("entries");
        let shown = format!("{entries:?} {:?}", KeyRing::from_entries(entries.clone()));
        assert!(
            !shown.contains(&secret) && !shown.contains("7, 7"),
            "{shown}"
        );
    }
}
