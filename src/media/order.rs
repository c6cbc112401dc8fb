//! Which media to open, and on whose behalf the homeserver is asked for it.

use std::sync::Arc;

use medialink_link::{
    LinkClaims,
    matrix::{FileKeys, MxcUri},
};

use crate::{
    config::BridgeConfig, homeserver::MediaVariant, links::MediumRef, storage::links::LinkRow,
};

use super::{decrypt::derived_keys, object_key::ObjectKey};

/// Which media to open, and on whose behalf.
#[derive(Debug, Clone)]
pub struct Order {
    /// The bridge whose user asks the homeserver.
    pub bridge: Arc<BridgeConfig>,
    /// The claims of the link to the media.
    pub claims: Arc<LinkClaims>,
    /// The copy that is asked for in place of the media (MSC3911).
    pub copy: Option<MxcUri>,
    /// Whether the database may know that the homeserver did not have the media.
    pub may_be_missing: bool,
    /// The user who shared the media.
    pub sender: Option<String>,
    /// The media itself, or a thumbnail.
    pub variant: MediaVariant,
    /// How long it may be, in bytes, by the policy of its room.
    pub max_bytes: Option<u64>,
    /// Whether no ranges of it are served: a link with a limited number of follows counts answers
    /// that carry the whole.
    pub whole_only: bool,
}

impl Order {
    /// The order for the media of a link.
    #[must_use]
    pub fn of(link: &LinkRow, bridge: &Arc<BridgeConfig>, variant: MediaVariant) -> Self {
        Self {
            bridge: Arc::clone(bridge),
            claims: Arc::clone(&link.claims),
            copy: link.copy.clone(),
            may_be_missing: link.may_be_missing,
            sender: link.sender.clone(),
            variant,
            // The policy bounds originals; thumbnails are small.
            max_bytes: match variant {
                MediaVariant::Original => link.max_size.and_then(|max| u64::try_from(max).ok()),
                MediaVariant::Thumbnail { .. } => None,
            },
            whole_only: variant == MediaVariant::Original && link.max_follows.is_some(),
        }
    }

    /// The order for the media that a thumbnail is made of.
    pub(super) fn for_original(&self) -> Self {
        Self {
            variant: MediaVariant::Original,
            max_bytes: None,
            ..self.clone()
        }
    }

    /// The medium, as the homeserver is asked for it.
    pub(super) fn medium(&self) -> MediumRef<'_> {
        MediumRef {
            bridge: &self.bridge.id,
            mxc: &self.claims.mxc,
            content_token: self.claims.content_token.as_ref(),
            copy: self.copy.as_ref(),
            may_be_missing: self.may_be_missing,
        }
    }

    /// Whether the service makes the bytes itself: the homeserver cannot read what is encrypted.
    pub(super) fn is_made_here(&self) -> bool {
        self.claims.file.is_some() && self.variant != MediaVariant::Original
    }

    /// The keys that decrypt the bytes in the cache.
    pub(super) fn cache_keys(&self) -> Option<FileKeys> {
        let file = self.claims.file.as_ref()?;
        Some(match self.variant {
            MediaVariant::Original => file.clone(),
            // Another version may make other bytes, which must not be encrypted alike.
            MediaVariant::Thumbnail {
                width,
                height,
                method,
                ..
            } => derived_keys(
                file,
                &format!(
                    "thumbnail {width}x{height} {method} {}",
                    env!("CARGO_PKG_VERSION")
                ),
            ),
        })
    }

    /// The key of the plain bytes, in memory.
    pub(super) fn plain_key(&self, key: &ObjectKey) -> ObjectKey {
        let file = self.claims.file.as_ref();
        file.map_or(*key, |file| key.decrypted_with(file))
    }

    /// The digest that the homeserver's bytes must have.
    pub(super) fn sha256(&self) -> Option<[u8; 32]> {
        let file = self.claims.file.as_ref();
        file.filter(|_| self.variant == MediaVariant::Original)
            .map(|file| file.sha256)
    }
}
