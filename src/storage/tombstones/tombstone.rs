//! A tombstone, and the name by which it is found.

use medialink_link::LinkState;
use sha2::{Digest, Sha256};

/// What is left of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// How it ended.
    pub state: LinkState,
    /// Whether a bridge has made it by itself.
    pub is_legacy: bool,
    /// When it ended, in whole seconds since the epoch.
    pub ended_at_s: i64,
}

/// By what a tombstone is found. Of other links of the bridge, and of links of other bridges, it tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(pub(super) i64);

impl Name {
    /// Of a link of a bridge.
    #[must_use]
    pub fn of(bridge: &str, link_id: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(bridge)
            .chain_update([0])
            .chain_update(link_id)
            .finalize();
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest[..8]);
        // Both databases compare whole numbers with a sign.
        Self(i64::from_be_bytes(bytes) & i64::MAX)
    }
}
