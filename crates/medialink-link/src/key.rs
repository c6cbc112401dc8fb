//! Link keys: one signs, several verify, some are revoked.

use std::{collections::HashSet, fmt};

use aes::Aes256;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::matrix::RoomId;

use super::token::{LinkId, MAC_BYTES};

/// Names a key inside tokens: 0 to 255, never used again for another secret.
pub type KeyId = u8;

type HmacSha256 = Hmac<Sha256>;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Signs and verifies. Exactly one key of a ring is active.
    Active,
    /// Verifies links signed earlier, or elsewhere.
    Verify,
    /// Its links answer 410.
    Revoked,
}

impl KeyState {
    /// The word used in the key file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Verify => "verify",
            Self::Revoked => "revoked",
        }
    }
}

/// The content of a key file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// The keys, oldest first.
    pub keys: Vec<KeyEntry>,
}

/// One key as the key file holds it. `Debug` does not show the secret.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// 0 to 255.
    pub id: KeyId,
    /// 43 characters of unpadded base64url: 32 random bytes.
    #[serde(deserialize_with = "secret")]
    pub secret: Zeroizing<String>,
    /// What the key may do.
    pub state: KeyState,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// When it stopped being the active key, where that is known. A key without it may still
    /// sign elsewhere, so it is not retired without force.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub last_active: Option<OffsetDateTime>,
    /// The bridge that the key is bound to: self-contained links are fetched as that bridge.
    #[serde(default)]
    pub bridge: Option<String>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

impl fmt::Debug for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyEntry")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("bridge", &self.bridge)
            .finish_non_exhaustive()
    }
}

/// Why keys make no ring. Names keys by their ID, never by their secret.
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
    /// The active key belongs to one bridge.
    #[error(
        "key {0} is active and bound to a bridge; a bound key has to be in state verify, since this service signs for every bridge"
    )]
    ActiveBound(KeyId),
}

/// A link key: its ID and the three keys that HKDF derives from its secret.
/// Hidden from `Debug`; wiped when dropped.
#[derive(Clone)]
pub struct LinkKey {
    id: KeyId,
    state: KeyState,
    bridge: Option<String>,
    mac: HmacSha256,
    room: HmacSha256,
    enc: Aes256,
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkKey")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl LinkKey {
    /// Derives a key from its 32 secret bytes: HKDF-SHA-256 (RFC 5869), salt `medialink/v1`,
    /// info `mac`, `enc` and `room`.
    #[must_use]
    pub fn derive(id: KeyId, secret: &[u8; 32], state: KeyState, bridge: Option<String>) -> Self {
        let hkdf = Hkdf::<Sha256>::new(Some(b"medialink/v1"), secret);
        let expand = |info: &[u8]| {
            let mut okm = Zeroizing::new([0; 32]);
            hkdf.expand(info, okm.as_mut_slice())
                .expect("32 bytes are within HKDF's bound");
            okm
        };
        let hmac = |key: &[u8; 32]| HmacSha256::new_from_slice(key).expect("any length is a key");
        Self {
            id,
            state,
            bridge,
            mac: hmac(&expand(b"mac")),
            room: hmac(&expand(b"room")),
            enc: Aes256::new((&*expand(b"enc")).into()),
        }
    }

    /// The ID that tokens carry.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What the key may do.
    #[must_use]
    pub fn state(&self) -> KeyState {
        self.state
    }

    /// The bridge it is bound to.
    #[must_use]
    pub fn bridge(&self) -> Option<&str> {
        self.bridge.as_deref()
    }

    pub(super) fn enc(&self) -> &Aes256 {
        &self.enc
    }

    /// The MAC that ends a token: 16 bytes of HMAC-SHA-256 over all bytes before it.
    pub(super) fn mac(&self, bytes: &[u8]) -> [u8; MAC_BYTES] {
        let full = self.mac.clone().chain_update(bytes).finalize().into_bytes();
        let mut mac = [0; MAC_BYTES];
        mac.copy_from_slice(&full[..MAC_BYTES]);
        mac
    }

    /// Whether `mac` ends a token that begins with `bytes`. Constant time.
    pub(super) fn mac_matches(&self, bytes: &[u8], mac: &[u8]) -> bool {
        mac.len() == MAC_BYTES && self.mac(bytes).ct_eq(mac).into()
    }

    /// Binds a short link to its room: 4 bytes of HMAC over head, link ID and room ID.
    pub(super) fn room_tag(&self, head: &[u8; 6], link_id: &LinkId, room_id: &RoomId) -> [u8; 4] {
        let full = self
            .room
            .clone()
            .chain_update(head)
            .chain_update(link_id.as_bytes())
            .chain_update(room_id.as_str().as_bytes())
            .finalize()
            .into_bytes();
        [full[0], full[1], full[2], full[3]]
    }
}

/// All keys of a service. Looked up by the ID that a token carries.
#[derive(Debug, Clone)]
pub struct KeyRing {
    by_id: Vec<Option<Box<LinkKey>>>,
    active: Box<LinkKey>,
}

impl KeyRing {
    /// Makes a ring of the entries of a key file.
    ///
    /// # Errors
    /// If a secret is malformed, an ID or a secret is there twice, or not exactly one key is
    /// active.
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
            .filter(|key| key.state == KeyState::Active)
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
