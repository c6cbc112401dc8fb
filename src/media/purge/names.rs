//! The names of media in caches.

use std::sync::Arc;

use crate::{
    config::ThumbnailSize,
    homeserver::MediaVariant,
    media::{ObjectKeys, ThumbnailMethod, object_key::ObjectKey},
    storage::links::LinkRow,
};

/// What a medium is called in caches: as itself, and as each of its thumbnails. Clones are the same.
#[derive(Clone)]
pub struct PurgeNames {
    keys: ObjectKeys,
    thumbnails: Arc<[ThumbnailSize]>,
}

impl PurgeNames {
    /// Names under these keys. `thumbnails`: the sizes that may be in a cache.
    #[must_use]
    pub fn new(keys: ObjectKeys, thumbnails: &[ThumbnailSize]) -> Self {
        Self {
            keys,
            thumbnails: thumbnails.into(),
        }
    }

    pub(super) fn fingerprint(&self) -> String {
        self.keys.fingerprint()
    }

    /// What the log says of the media of links.
    pub(super) fn of(&self, links: &[LinkRow]) -> Vec<u8> {
        let mut names = Vec::with_capacity(links.len() * 2 * ObjectKey::LENGTH);
        for link in links {
            // Under its bridge's name, if it came while media was linked to events.
            for bridge in [None, Some(link.bridge.as_str())] {
                names.extend(self.keys.original(&link.claims, bridge).as_bytes());
            }
        }
        names
    }

    /// The keys of the objects that an entry of the log is about.
    pub(super) fn read(&self, names: &[u8]) -> impl Iterator<Item = ObjectKey> {
        let (originals, _) = names.as_chunks();
        originals.iter().flat_map(move |name| {
            let original = ObjectKey::from_bytes(*name);
            let thumbnails = self.variants();
            let thumbnails = thumbnails.map(move |variant| self.keys.thumbnail(&original, variant));
            std::iter::once(original).chain(thumbnails)
        })
    }

    fn variants(&self) -> impl Iterator<Item = MediaVariant> {
        let (crop, scale) = (ThumbnailMethod::Crop, ThumbnailMethod::Scale);
        let kinds = [(crop, false), (crop, true), (scale, false), (scale, true)];
        self.thumbnails.iter().flat_map(move |size| {
            kinds.map(|(method, animated)| MediaVariant::Thumbnail {
                width: size.width,
                height: size.height,
                method: method.as_str(),
                animated,
            })
        })
    }
}
