//! Verification: the only way from a text to a [`VerifiedLink`].

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::matrix::RoomId;

use super::{
    claims::LinkClaims,
    key::{KeyId, KeyRing, KeyState, LinkKey},
    sealed,
    token::{
        self, HEAD_BYTES, LinkId, MAC_BYTES, MAX_TOKEN_BYTES, MAX_TOKEN_CHARS,
        SELF_CONTAINED_HEAD_BYTES, SHORT_BYTES, SHORT_CHARS,
    },
};

/// The text is no link of ours. It does not say why: whoever guesses learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a link of this service")]
pub struct NotALink;

/// A token that one of our keys has signed. Nothing but [`KeyRing::verify`] makes one.
///
/// That it is genuine does not mean that it is alive: see [`super::decide_short`] and
/// [`super::decide_self_contained`].
#[derive(Debug, Clone)]
pub enum VerifiedLink {
    /// The database holds the rest.
    Short(Short),
    /// The token holds everything.
    SelfContained(Box<SelfContained>),
}

/// A verified short token.
#[derive(Debug, Clone)]
pub struct Short {
    pub(super) key_id: KeyId,
    pub(super) key_state: KeyState,
    pub(super) bridge: Option<String>,
    pub(super) issued_at_s: u32,
    pub(super) room_tag: [u8; 4],
    pub(super) link_id: LinkId,
}

/// A verified self-contained token.
#[derive(Debug, Clone)]
pub struct SelfContained {
    pub(super) key_id: KeyId,
    pub(super) key_state: KeyState,
    pub(super) bridge: Option<String>,
    pub(super) issued_at_s: u32,
    pub(super) lifetime_s: u32,
    pub(super) nonce: [u8; 12],
    pub(super) link_id: LinkId,
    pub(super) claims: LinkClaims,
}

impl VerifiedLink {
    /// Names the link in logs and in the API.
    #[must_use]
    pub fn link_id(&self) -> &LinkId {
        match self {
            Self::Short(link) => &link.link_id,
            Self::SelfContained(link) => &link.link_id,
        }
    }

    /// The key that signed it.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        match self {
            Self::Short(link) => link.key_id,
            Self::SelfContained(link) => link.key_id,
        }
    }

    /// What that key may do.
    #[must_use]
    pub fn key_state(&self) -> KeyState {
        match self {
            Self::Short(link) => link.key_state,
            Self::SelfContained(link) => link.key_state,
        }
    }

    /// When it was issued, in seconds since the epoch.
    #[must_use]
    pub fn issued_at_s(&self) -> u32 {
        match self {
            Self::Short(link) => link.issued_at_s,
            Self::SelfContained(link) => link.issued_at_s,
        }
    }
}

impl Short {
    /// Names the link.
    #[must_use]
    pub fn link_id(&self) -> &LinkId {
        &self.link_id
    }

    /// The 4 bytes that bind the link to its room.
    #[must_use]
    pub fn room_tag(&self) -> [u8; 4] {
        self.room_tag
    }

    /// Whether the tag is the one of this room.
    #[must_use]
    pub(super) fn is_of_room(&self, key: &LinkKey, room_id: &RoomId) -> bool {
        let head = token::head(token::SHORT, self.key_id, self.issued_at_s);
        key.room_tag(&head, &self.link_id, room_id) == self.room_tag
    }
}

impl SelfContained {
    /// Names the link.
    #[must_use]
    pub fn link_id(&self) -> &LinkId {
        &self.link_id
    }

    /// The key that signed it.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// When it was issued, in seconds since the epoch.
    #[must_use]
    pub fn issued_at_s(&self) -> u32 {
        self.issued_at_s
    }

    /// What it says of its media.
    #[must_use]
    pub fn claims(&self) -> &LinkClaims {
        &self.claims
    }

    /// Seconds from its issue to its end; 0: it never expires.
    #[must_use]
    pub fn lifetime_s(&self) -> u32 {
        self.lifetime_s
    }

    /// The nonce of its encryption: with the rest, the token can be made again.
    #[must_use]
    pub fn nonce(&self) -> [u8; 12] {
        self.nonce
    }

    /// The bridge that its key is bound to.
    #[must_use]
    pub fn key_bridge(&self) -> Option<&str> {
        self.bridge.as_deref()
    }

    /// When it ends, in milliseconds since the epoch.
    #[must_use]
    pub fn expires_at_ms(&self) -> Option<i64> {
        (self.lifetime_s != 0)
            .then(|| (i64::from(self.issued_at_s) + i64::from(self.lifetime_s)) * 1000)
    }
}

impl KeyRing {
    /// Verifies a token. Its MAC is checked, in constant time and without an allocation, before
    /// anything else in it is read.
    ///
    /// # Errors
    /// [`NotALink`], whatever is wrong with it.
    pub fn verify(&self, text: &str) -> Result<VerifiedLink, NotALink> {
        self.verified(text).ok_or(NotALink)
    }

    fn verified(&self, text: &str) -> Option<VerifiedLink> {
        if text.len() > MAX_TOKEN_CHARS {
            None
        } else if text.len() > SHORT_CHARS {
            self.decoded(text, &mut [0; MAX_TOKEN_BYTES])
        } else {
            // Most are short, and need not be read into room for a long one.
            self.decoded(text, &mut [0; SHORT_BYTES + 1])
        }
    }

    fn decoded(&self, text: &str, buffer: &mut [u8]) -> Option<VerifiedLink> {
        let len = URL_SAFE_NO_PAD.decode_slice(text, buffer).ok()?;
        let token = &buffer[..len];
        let (signed, mac) = token.split_at_checked(len.checked_sub(MAC_BYTES)?)?;
        let head = signed.first_chunk::<HEAD_BYTES>()?;
        let key = self.get(head[1])?;
        if !key.mac_matches(signed, mac) {
            return None;
        }
        let issued_at_s = u32::from_be_bytes([head[2], head[3], head[4], head[5]]);
        match head[0] {
            token::SHORT => Some(VerifiedLink::Short(short(key, issued_at_s, token)?)),
            token::SELF_CONTAINED => Some(VerifiedLink::SelfContained(Box::new(self_contained(
                key,
                issued_at_s,
                token,
            )?))),
            _ => None,
        }
    }
}

fn short(key: &LinkKey, issued_at_s: u32, token: &[u8]) -> Option<Short> {
    let token: &[u8; SHORT_BYTES] = token.try_into().ok()?;
    Some(Short {
        key_id: key.id(),
        key_state: key.state(),
        bridge: key.bridge().map(str::to_owned),
        issued_at_s,
        room_tag: token[6..10].try_into().ok()?,
        link_id: LinkId::short(token[10..16].try_into().ok()?),
    })
}

fn self_contained(key: &LinkKey, issued_at_s: u32, token: &[u8]) -> Option<SelfContained> {
    let signed = &token[..token.len() - MAC_BYTES];
    let head = signed.first_chunk::<SELF_CONTAINED_HEAD_BYTES>()?;
    let nonce: [u8; 12] = head[10..22].try_into().ok()?;
    let mut body = zeroize::Zeroizing::new(signed[SELF_CONTAINED_HEAD_BYTES..].to_vec());
    sealed::crypt(key.enc(), &nonce, &mut body);
    Some(SelfContained {
        key_id: key.id(),
        key_state: key.state(),
        bridge: key.bridge().map(str::to_owned),
        issued_at_s,
        lifetime_s: u32::from_be_bytes(head[6..10].try_into().ok()?),
        nonce,
        link_id: LinkId::of_bytes(token),
        claims: sealed::decode(&body)?,
    })
}
