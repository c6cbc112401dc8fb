//! Verification: the only way from a text to a [`VerifiedLink`].

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    key_ring::KeyRing,
    token::{
        self, HEAD_BYTES, MAC_BYTES, MAX_TOKEN_BYTES, MAX_TOKEN_CHARS, SHORT_BYTES, SHORT_CHARS,
    },
    verified::{SelfContainedLink, ShortLink, VerifiedLink},
};

/// The text is no link of this service. The error has no reason, so that nobody learns from a
/// guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a link of this service")]
pub struct NotALink;

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
            // Most links are short and fit into a small buffer, which is cheaper to clear.
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
            token::SHORT => ShortLink::read(key, issued_at_s, token).map(VerifiedLink::Short),
            token::SELF_CONTAINED => {
                let link = SelfContainedLink::read(key, issued_at_s, token)?;
                Some(VerifiedLink::SelfContained(Box::new(link)))
            }
            _ => None,
        }
    }
}
