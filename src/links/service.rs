//! The door to links, and the parts that it is made of.

use std::{fmt, sync::Arc};

use crate::{
    clock::Clock,
    config::Config,
    homeserver::{Features, Homeserver},
    key_store::KeyStore,
    storage::{Database, StorageError, links::LinkRow},
};
use medialink_link::{KeyId, NotALink, VerifiedLink};

use super::{
    event_lookup::EventLookup,
    gather::Gatherer,
    recorder::Recorder,
    revoke::{Revoked, Revoker},
    view::{LinkView, LinkViews},
};
use crate::storage::links::Criteria;

/// Everything that can be done with links. Clones share their caches.
#[derive(Clone)]
pub struct Links {
    pub(super) database: Database,
    pub(super) recorder: Recorder,
    pub(super) homeserver: Arc<Homeserver>,
    pub(super) events: EventLookup,
    pub(super) gatherer: Gatherer,
    revoker: Revoker,
    views: LinkViews,
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Links(…)")
    }
}

impl Links {
    /// The links of a database, signed by these keys, to the media of a homeserver.
    #[must_use]
    pub fn new(
        database: Database,
        keys: KeyStore,
        config: Arc<Config>,
        clock: Clock,
        features: Features,
        homeserver: Arc<Homeserver>,
    ) -> Self {
        Self {
            revoker: Revoker::new(database.clone(), &config, clock.clone()),
            views: LinkViews::new(keys.clone(), &config, clock.clone()),
            events: EventLookup::new(Arc::clone(&homeserver)),
            gatherer: Gatherer::default(),
            homeserver,
            recorder: Recorder {
                config,
                keys,
                clock,
                features,
            },
            database,
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.recorder.clock.now_ms()
    }

    /// Checks the token of a link.
    ///
    /// # Errors
    /// If none of our keys has signed it.
    pub fn verify(&self, token: &str) -> Result<VerifiedLink, NotALink> {
        self.recorder.keys.ring().verify(token)
    }

    /// A link as the API shows it.
    #[must_use]
    pub fn view(&self, row: &LinkRow) -> LinkView {
        self.views.view(row)
    }

    /// The URL of a link's media, also where the room wants people to be led to the page.
    #[must_use]
    pub fn media_url(&self, row: &LinkRow) -> Option<String> {
        self.views.media_url(row)
    }

    /// The URL of a thumbnail of a link's media: see [`LinkViews::thumbnail_url`].
    #[must_use]
    pub fn thumbnail_url(&self, row: &LinkRow, sides: (u32, u32)) -> Option<String> {
        self.views.thumbnail_url(row, sides)
    }

    /// Revokes links: see [`Revoker::revoke`].
    pub async fn revoke(
        &self,
        bridge: Option<&str>,
        criteria: Criteria,
    ) -> Result<Revoked, StorageError> {
        self.revoker.revoke(bridge, criteria).await
    }

    /// Revokes one link: see [`Revoker::revoke_one`].
    pub async fn revoke_one(
        &self,
        bridge: &str,
        link_id: &str,
    ) -> Result<Option<LinkRow>, StorageError> {
        self.revoker.revoke_one(bridge, link_id).await
    }

    /// Revokes the links of a key: see [`Revoker::revoke_key`].
    pub async fn revoke_key(&self, key_id: KeyId) -> Result<usize, StorageError> {
        self.revoker.revoke_key(key_id).await
    }
}
