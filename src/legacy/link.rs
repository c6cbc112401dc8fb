//! A link that a bridge has made by itself.

use medialink_link::{LinkId, matrix::MxcUri};

use super::format::UNSIGNED;

/// Names the link of a bridge to media that nobody signed.
#[must_use]
pub fn unsigned_link_id(bridge: &str, mxc: &MxcUri) -> LinkId {
    link_id(bridge, UNSIGNED, mxc, None)
}

/// Links that differ in their file names, or in how they are percent-encoded, are one link.
pub(super) fn link_id(
    bridge: &str,
    format: &str,
    mxc: &MxcUri,
    expires_at_ms: Option<i64>,
) -> LinkId {
    let end = expires_at_ms.map(|end| end.to_string()).unwrap_or_default();
    LinkId::of_bytes(format!("legacy\0{bridge}\0{format}\0{mxc}\0{end}").as_bytes())
}

/// A link that a bridge has made: genuine, or of the format that nobody signs. Whether it is alive
/// is another question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyLink {
    pub(super) link_id: LinkId,
    pub(super) bridge: String,
    pub(super) mxc: MxcUri,
    pub(super) expires_at_ms: Option<i64>,
    pub(super) is_signed: bool,
}

impl LegacyLink {
    /// Names it in logs and in the API.
    #[must_use]
    pub fn link_id(&self) -> &LinkId {
        &self.link_id
    }

    /// The bridge that fetches its media.
    #[must_use]
    pub fn bridge(&self) -> &str {
        &self.bridge
    }

    /// Its media.
    #[must_use]
    pub fn mxc(&self) -> &MxcUri {
        &self.mxc
    }

    /// When it ends by its own word, in milliseconds since the epoch.
    #[must_use]
    pub fn expires_at_ms(&self) -> Option<i64> {
        self.expires_at_ms
    }

    /// Whether its bridge has signed it. Otherwise it is followed only if its media was seen.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.is_signed
    }
}
