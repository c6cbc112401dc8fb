//! Tokens as text and as bytes: the framing that both forms share, in base64url (RFC 4648, section 5).

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The longest token that is read, in characters.
pub const MAX_TOKEN_CHARS: usize = 4096;
/// The longest token in bytes: 4,096 characters of base64url.
pub(super) const MAX_TOKEN_BYTES: usize = MAX_TOKEN_CHARS / 4 * 3;
/// Version, form, key ID and time of issue.
pub(super) const HEAD_BYTES: usize = 6;
/// The MAC at the end of a token.
pub(super) const MAC_BYTES: usize = 16;
/// A whole short token.
pub(super) const SHORT_BYTES: usize = 32;
/// A whole short token as text.
pub(super) const SHORT_CHARS: usize = 43;
/// The part before the body of a self-contained token: head, lifetime and nonce.
pub(super) const SELF_CONTAINED_HEAD_BYTES: usize = 22;
/// The first byte of a self-contained token: version 1, form 0.
pub(super) const SELF_CONTAINED: u8 = 0x10;
/// The first byte of a short token: version 1, form 1.
pub(super) const SHORT: u8 = 0x11;

/// The first six bytes of either form.
pub(super) fn head(form: u8, key_id: u8, issued_at_s: u32) -> [u8; HEAD_BYTES] {
    let [a, b, c, d] = issued_at_s.to_be_bytes();
    [form, key_id, a, b, c, d]
}

/// A token as text. It opens the media to anybody, so it is hidden from `Debug` and has no
/// `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkToken(Zeroizing<String>);

impl LinkToken {
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The token itself, for a URL.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken(…)")
    }
}

/// The name of a link in the API and in logs. It does not open the link.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LinkId {
    bytes: [u8; 16],
    len: u8,
}

impl LinkId {
    /// The longest one as text.
    const MAX_CHARS: usize = 22;

    /// Of a short link: six random bytes.
    #[must_use]
    pub fn short(bytes: [u8; 6]) -> Self {
        let mut all = [0; 16];
        all[..6].copy_from_slice(&bytes);
        Self { bytes: all, len: 6 }
    }

    /// Of a self-contained link: the first 16 bytes of the SHA-256 of its decoded token. Of a link
    /// that a bridge made in a format of its own: the same of its content.
    #[must_use]
    pub fn of_bytes(link: &[u8]) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&Sha256::digest(link)[..16]);
        Self { bytes, len: 16 }
    }

    /// Reads the 8 or 22 characters that the API shows.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !matches!(text.len(), 8 | 22) {
            return None;
        }
        let mut bytes = [0; 16];
        let len = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        matches!(len, 6 | 16).then_some(Self {
            bytes,
            len: u8::try_from(len).ok()?,
        })
    }

    /// The bytes: 6 of a short link, 16 of a self-contained one.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; Self::MAX_CHARS];
        let len = URL_SAFE_NO_PAD.encode_slice(self.as_bytes(), &mut text);
        let text = &text[..len.map_err(|_| fmt::Error)?];
        f.write_str(str::from_utf8(text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkId({self})")
    }
}
