//! Keys of bridges.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The key with which a bridge signs its links. Hidden from `Debug`; wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct LegacyKey(Zeroizing<Vec<u8>>);

impl fmt::Debug for LegacyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LegacyKey(…)")
    }
}

impl LegacyKey {
    /// A key of these bytes; `None`: there are none.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = Zeroizing::new(bytes.into());
        (!bytes.is_empty()).then_some(Self(bytes))
    }

    /// HMAC-SHA-256 (RFC 2104) over the pieces of a message.
    pub(super) fn hmac_sha256(&self, pieces: &[&[u8]]) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for piece in pieces {
            mac.update(piece);
        }
        mac.finalize().into_bytes().into()
    }

    /// The same with SHA-512.
    pub(super) fn hmac_sha512(&self, pieces: &[&[u8]]) -> [u8; 64] {
        let mut mac =
            Hmac::<Sha512>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for piece in pieces {
            mac.update(piece);
        }
        mac.finalize().into_bytes().into()
    }
}

/// Whether two tags are the same, in constant time for tags of the same length.
pub(super) fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && bool::from(a.ct_eq(b))
}
