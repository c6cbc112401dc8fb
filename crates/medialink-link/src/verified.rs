//! Links that one of the keys has signed. Only [`super::KeyRing::verify`] makes them.

use crate::matrix::RoomId;

use super::{
    claims::LinkClaims,
    key::LinkKey,
    key_file::{KeyId, KeyState},
    sealed,
    token::{self, LinkId, MAC_BYTES, SELF_CONTAINED_HEAD_BYTES, SHORT_BYTES},
};

/// A token that one of our keys has signed. Nothing but [`super::KeyRing::verify`] makes one.
///
/// A genuine link may still have ended: see [`super::decide_short`] and
/// [`super::decide_self_contained`].
#[derive(Debug, Clone)]
pub enum VerifiedLink {
    /// The database holds the rest.
    Short(ShortLink),
    /// The token holds everything.
    SelfContained(Box<SelfContainedLink>),
}

/// The part that both forms carry in the clear, and the key that signed it.
#[derive(Debug, Clone)]
struct Origin {
    key_id: KeyId,
    key_state: KeyState,
    key_bridge: Option<String>,
    issued_at_s: u32,
    link_id: LinkId,
}

impl Origin {
    fn new(key: &LinkKey, issued_at_s: u32, link_id: LinkId) -> Self {
        Self {
            key_id: key.id(),
            key_state: key.state(),
            key_bridge: key.bridge().map(str::to_owned),
            issued_at_s,
            link_id,
        }
    }
}

/// A verified short token.
#[derive(Debug, Clone)]
pub struct ShortLink {
    origin: Origin,
    room_tag: [u8; 4],
}

/// A verified self-contained token.
#[derive(Debug, Clone)]
pub struct SelfContainedLink {
    origin: Origin,
    lifetime_s: u32,
    nonce: [u8; 12],
    claims: LinkClaims,
}

impl VerifiedLink {
    fn origin(&self) -> &Origin {
        match self {
            Self::Short(link) => &link.origin,
            Self::SelfContained(link) => &link.origin,
        }
    }

    /// Names the link in logs and in the API.
    #[must_use]
    pub fn link_id(&self) -> &LinkId {
        &self.origin().link_id
    }

    /// The key that signed it.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.origin().key_id
    }

    /// The present state of that key.
    #[must_use]
    pub fn key_state(&self) -> KeyState {
        self.origin().key_state
    }

    /// When it was issued, in seconds since the epoch.
    #[must_use]
    pub fn issued_at_s(&self) -> u32 {
        self.origin().issued_at_s
    }
}

impl ShortLink {
    /// Reads a whole short token whose MAC is right.
    pub(super) fn read(key: &LinkKey, issued_at_s: u32, token: &[u8]) -> Option<Self> {
        let token: &[u8; SHORT_BYTES] = token.try_into().ok()?;
        let link_id = LinkId::short(token[10..16].try_into().ok()?);
        Some(Self {
            origin: Origin::new(key, issued_at_s, link_id),
            room_tag: token[6..10].try_into().ok()?,
        })
    }

    /// Names the link.
    #[must_use]
    pub fn link_id(&self) -> &LinkId {
        &self.origin.link_id
    }

    /// The 4 bytes that bind the link to its room.
    #[must_use]
    pub fn room_tag(&self) -> [u8; 4] {
        self.room_tag
    }

    pub(super) fn key_id(&self) -> KeyId {
        self.origin.key_id
    }

    pub(super) fn key_state(&self) -> KeyState {
        self.origin.key_state
    }

    /// The bridge that its key is bound to.
    #[must_use]
    pub fn key_bridge(&self) -> Option<&str> {
        self.origin.key_bridge.as_deref()
    }

    pub(super) fn issued_at_s(&self) -> u32 {
        self.origin.issued_at_s
    }

    /// Whether the tag is the one of this room.
    pub(super) fn is_of_room(&self, key: &LinkKey, room_id: &RoomId) -> bool {
        let head = token::head(token::SHORT, self.key_id(), self.issued_at_s());
        key.room_tag(&head, self.link_id(), room_id) == self.room_tag
    }
}

impl SelfContainedLink {
    /// Reads a whole self-contained token whose MAC is right.
    pub(super) fn read(key: &LinkKey, issued_at_s: u32, token: &[u8]) -> Option<Self> {
        let signed = &token[..token.len() - MAC_BYTES];
        let head = signed.first_chunk::<SELF_CONTAINED_HEAD_BYTES>()?;
        let nonce: [u8; 12] = head[10..22].try_into().ok()?;
        let mut body = zeroize::Zeroizing::new(signed[SELF_CONTAINED_HEAD_BYTES..].to_vec());
        sealed::crypt(key.enc(), &nonce, &mut body);
        Some(Self {
            origin: Origin::new(key, issued_at_s, LinkId::of_bytes(token)),
            lifetime_s: u32::from_be_bytes(head[6..10].try_into().ok()?),
            nonce,
            claims: sealed::decode(&body)?,
        })
    }

    /// Names the link.
    #[must_use]
    pub fn link_id(&self) -> &LinkId {
        &self.origin.link_id
    }

    /// The key that signed it.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.origin.key_id
    }

    pub(super) fn key_state(&self) -> KeyState {
        self.origin.key_state
    }

    /// When it was issued, in seconds since the epoch.
    #[must_use]
    pub fn issued_at_s(&self) -> u32 {
        self.origin.issued_at_s
    }

    /// The media, its room and its event.
    #[must_use]
    pub fn claims(&self) -> &LinkClaims {
        &self.claims
    }

    /// Seconds from its issue to its end; 0: it never expires.
    #[must_use]
    pub fn lifetime_s(&self) -> u32 {
        self.lifetime_s
    }

    /// The nonce of its encryption: with it, signing the same claims gives the same token.
    #[must_use]
    pub fn nonce(&self) -> [u8; 12] {
        self.nonce
    }

    /// The bridge that its key is bound to.
    #[must_use]
    pub fn key_bridge(&self) -> Option<&str> {
        self.origin.key_bridge.as_deref()
    }

    /// When it ends, in milliseconds since the epoch; `None`: never.
    #[must_use]
    pub fn expires_at_ms(&self) -> Option<i64> {
        (self.lifetime_s != 0)
            .then(|| (i64::from(self.issued_at_s()) + i64::from(self.lifetime_s)) * 1000)
    }
}
