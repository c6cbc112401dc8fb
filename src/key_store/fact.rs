//! A key as it may be written down outside of the key file.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use medialink_link::{KeyEntry, KeyId, KeyState};

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFact {
    /// Its ID.
    pub id: KeyId,
    /// Its state.
    pub state: KeyState,
    /// When it was made.
    pub created: OffsetDateTime,
    /// A hash of its secret, by which the secret is known again. It has 256 random bits, so that
    /// nobody finds it by the hash.
    pub fingerprint: [u8; 16],
}

impl KeyFact {
    /// The facts of a key.
    #[must_use]
    pub fn of(entry: &KeyEntry) -> Self {
        let hash = Sha256::new()
            .chain_update("medialink link key\0")
            .chain_update(entry.secret.as_bytes())
            .finalize();
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&hash[..16]);
        Self {
            id: entry.id,
            state: entry.state,
            created: entry.created,
            fingerprint,
        }
    }
}
