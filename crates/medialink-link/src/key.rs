//! A link key: the three keys that one secret stands for.

use std::fmt;

use aes::Aes256;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::matrix::RoomId;

use super::{
    key_file::{KeyId, KeyState},
    token::{LinkId, MAC_BYTES},
};

type HmacSha256 = Hmac<Sha256>;

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

    /// Whether it signs, verifies or is revoked.
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
