//! Link keys as a key file holds them.

use std::fmt;

use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// The number of a key inside tokens: 0 to 255, never used again for another secret.
pub type KeyId = u8;

/// The rights of a key.
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
    /// The number that its tokens carry.
    pub id: KeyId,
    /// 43 characters of unpadded base64url: 32 random bytes.
    #[serde(deserialize_with = "secret")]
    pub secret: Zeroizing<String>,
    /// Whether it signs, verifies or is revoked.
    pub state: KeyState,
    /// When the key was made.
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
