//! Keys of cached objects, which name their files and make their ETags: neither may reveal the mxc
//! URI or its hash.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::homeserver::MediaVariant;
use medialink_link::{LinkClaims, matrix::FileKeys};

/// Identifies one sequence of bytes: a keyed digest of everything that decides about it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectKey([u8; 32]);

impl ObjectKey {
    /// How many bytes it has.
    pub(super) const LENGTH: usize = 32;

    /// The bytes by which the log of purges names it.
    pub(super) fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// Reads the bytes of [`Self::as_bytes`].
    pub(super) fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// 64 lower-case hexadecimal digits.
    pub(super) fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// Reads the text of [`Self::to_hex`].
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::LENGTH];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let key = Self(bytes);
        (key.to_hex() == text).then_some(key)
    }

    /// The key of what comes out of these bytes under the keys of a file: who names other ones gets
    /// nothing of it, and spoils nothing.
    pub(super) fn decrypted_with(&self, file: &FileKeys) -> Self {
        let mut digest = Sha256::new();
        digest.update(self.0);
        digest.update(file.key);
        digest.update(file.iv);
        Self(digest.finalize().into())
    }

    /// The strong entity tag, quoted (RFC 9110, section 8.8.3). Media behind an mxc URI never
    /// changes; another length under the same URI means other bytes.
    pub(super) fn etag(&self, length: Option<u64>) -> String {
        let mut digest = Sha256::new();
        digest.update(self.0);
        digest.update(length.map_or([0xff; 8], u64::to_be_bytes));
        format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest.finalize()[..16]))
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectKey({})", &self.to_hex()[..8])
    }
}

/// Derives the keys of objects from a secret of this service.
#[derive(Clone)]
pub struct ObjectKeys(Hmac<Sha256>);

impl ObjectKeys {
    /// Keys under this secret.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes keys of any length"))
    }

    /// The key of a link's media. Links with different content tokens have different keys, so that
    /// bytes which the homeserver gave for one are not served for another; so have links that expect
    /// a different digest. `bridge`: the only one that it is for.
    pub(super) fn key(
        &self,
        claims: &LinkClaims,
        variant: MediaVariant,
        bridge: Option<&str>,
    ) -> ObjectKey {
        let original = self.original(claims, bridge);
        match variant {
            MediaVariant::Original => original,
            thumbnail => self.thumbnail(&original, thumbnail),
        }
    }

    /// The key of a link's media itself, by which the log of purges names it.
    pub(super) fn original(&self, claims: &LinkClaims, bridge: Option<&str>) -> ObjectKey {
        let mut fields = Fields(self.0.clone());
        fields.add(claims.mxc.server_name().as_bytes());
        fields.add(claims.mxc.media_id().as_bytes());
        match &claims.content_token {
            Some(token) => fields.add(token.expose().as_bytes()),
            None => fields.add(b""),
        }
        match &claims.file {
            Some(file) => fields.add(&file.sha256),
            None => fields.add(b""),
        }
        if let Some(bridge) = bridge {
            fields.add(b"bridge");
            fields.add(bridge.as_bytes());
        }
        fields.key()
    }

    /// The key of a variant of the media with this key, by which all variants are found.
    pub(super) fn thumbnail(&self, original: &ObjectKey, variant: MediaVariant) -> ObjectKey {
        let mut fields = Fields(self.0.clone());
        fields.add(&original.0);
        if let MediaVariant::Thumbnail {
            width,
            height,
            method,
            animated,
        } = variant
        {
            fields.add(method.as_bytes());
            fields.add(&width.to_be_bytes());
            fields.add(&height.to_be_bytes());
            fields.add(&[animated.into()]);
        }
        fields.key()
    }

    /// The digest behind a block of an object in the store that all replicas share.
    pub(super) fn digest(&self, key: &ObjectKey, block: u64, bytes: &[u8]) -> [u8; 16] {
        let mut fields = Fields(self.0.clone());
        fields.add(b"block");
        fields.add(&key.0);
        fields.add(&block.to_be_bytes());
        fields.add(bytes);
        let ObjectKey(whole) = fields.key();
        std::array::from_fn(|at| whole[at])
    }

    /// Tells the secrets of two databases apart, and nothing about them.
    pub(super) fn fingerprint(&self) -> String {
        let mut fields = Fields(self.0.clone());
        fields.add(b"fingerprint");
        fields.key().to_hex()[..16].to_owned()
    }
}

/// A digest of fields, each of which is told apart from the next one.
struct Fields(Hmac<Sha256>);

impl Fields {
    fn add(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn key(self) -> ObjectKey {
        ObjectKey(self.0.finalize().into_bytes().into())
    }
}

impl fmt::Debug for ObjectKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObjectKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use medialink_link::matrix::{ContentToken, MxcUri, RoomId};

    #[test]
    fn everything_that_decides_about_the_bytes_is_in_the_key() {
        let claims = |mxc: &str| {
            LinkClaims::new(
                RoomId::parse("!r:example.org").expect("a room"),
                MxcUri::parse(mxc).expect("an mxc URI"),
            )
        };
        let of = ObjectKeys::new(&[1; 32]);
        let plain = claims("mxc://example.org/abc");
        let mut token = plain.clone();
        token.content_token = ContentToken::parse("t").ok();
        let mut file = plain.clone();
        file.file = Some(FileKeys {
            key: [0; 32],
            iv: [0; 16],
            sha256: [7; 32],
        });
        let small = MediaVariant::Thumbnail {
            width: 96,
            height: 96,
            method: "crop",
            animated: false,
        };
        let keys = [
            of.key(&plain, MediaVariant::Original, None),
            of.key(
                &claims("mxc://example.or/gabc"),
                MediaVariant::Original,
                None,
            ),
            of.key(&token, MediaVariant::Original, None),
            of.key(&file, MediaVariant::Original, None),
            of.key(&plain, small, None),
            of.key(&plain, small.moving(), None),
            of.key(&plain, MediaVariant::Original, Some("irc")),
            of.key(&plain, MediaVariant::Original, Some("xmpp")),
            of.key(&plain, small, Some("irc")),
            ObjectKeys::new(&[2; 32]).key(&plain, MediaVariant::Original, None),
        ];
        for (i, a) in keys.iter().enumerate() {
            assert_eq!(ObjectKey::from_hex(&a.to_hex()), Some(*a));
            assert_eq!(keys.iter().filter(|b| *b == a).count(), 1, "{i}");
        }
        let file = file.file.expect("keys");
        let other = FileKeys {
            key: [1; 32],
            ..file.clone()
        };
        assert_ne!(
            keys[3].decrypted_with(&file),
            keys[3].decrypted_with(&other)
        );
        let mut room = plain.clone();
        room.room_id = RoomId::parse("!other:example.org").expect("a room");
        assert_eq!(of.key(&room, MediaVariant::Original, None), keys[0]);
        assert_ne!(keys[0].etag(Some(1)), keys[0].etag(None));
        assert_eq!(ObjectKey::from_hex("zz"), None);
        assert_eq!(ObjectKey::from_hex(&"G".repeat(64)), None);
    }
}
