//! The door to links, and the parts that it is made of.

use std::{fmt, sync::Arc};

use crate::{
    clock::Clock,
    config::Settings,
    denials::Denials,
    homeserver::{Features, Homeserver},
    key_store::KeyStore,
    limits::Limits,
    storage::{Database, StorageError, ending::Decided, links::LinkRow},
};
use medialink_link::{KeyId, NotALink, VerifiedLink};

use super::{
    event_lookup::EventLookup,
    found::FoundLink,
    gather::Gatherer,
    handed_on::HandedOnNotes,
    policy::PolicyReader,
    recorder::Recorder,
    revoke::{Revoked, Revoker},
    view::{AnyLinkView, LinkView, LinkViews},
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
    pub(super) policies: PolicyReader,
    pub(super) handed_on: HandedOnNotes,
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
        config: Settings,
        clock: Clock,
        features: Features,
        homeserver: Arc<Homeserver>,
        limits: Limits,
    ) -> Self {
        Self {
            revoker: Revoker::new(database.clone(), &config, clock.clone()),
            views: LinkViews::new(keys.clone(), &config, clock.clone()),
            events: EventLookup::new(Arc::clone(&homeserver)),
            gatherer: Gatherer::default(),
            policies: PolicyReader::new(database.clone()),
            handed_on: HandedOnNotes::new(database.clone(), clock.clone()),
            homeserver,
            recorder: Recorder {
                denials: Denials::new(&config.abuse.deny),
                config,
                keys,
                clock,
                features,
                limits,
            },
            database,
        }
    }

    /// The same, with the list of what is denied that others look at too.
    #[must_use]
    pub fn with_denials(mut self, denials: Denials) -> Self {
        self.recorder.denials = denials;
        self
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

    /// The token of a link, and the paths of the answers about it; `None`: it is not known any more.
    #[must_use]
    pub fn paths(&self, link: &LinkRow) -> Option<(String, Vec<String>)> {
        self.views
            .paths(link, &self.recorder.config.media.thumbnails)
    }

    /// A link as the API shows it.
    #[must_use]
    pub fn view(&self, row: &LinkRow) -> LinkView {
        self.views.view(row)
    }

    /// A link that was asked for by its ID, as the API shows it.
    #[must_use]
    pub fn view_found(&self, link_id: &str, found: &FoundLink) -> AnyLinkView {
        self.views.view_found(link_id, found)
    }

    /// The URL of a link's media, also where the room wants people to be led to the page.
    #[must_use]
    pub fn media_url(&self, row: &LinkRow) -> Option<String> {
        self.views.media_url(row)
    }

    /// The URL of the form by which a link is reported.
    #[must_use]
    pub fn report_url(&self, row: &LinkRow) -> Option<String> {
        self.views.report_url(row)
    }

    /// The URL of a link's page: see [`LinkViews::short_page_url`].
    #[must_use]
    pub fn short_page_url(&self, row: &LinkRow) -> Option<String> {
        self.views.short_page_url(row)
    }

    /// The URL of what oEmbed says of a link.
    #[must_use]
    pub fn oembed_url(&self, row: &LinkRow) -> Option<String> {
        self.views.oembed_url(row)
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
    ) -> Result<Option<FoundLink>, StorageError> {
        self.revoker.revoke_one(bridge, link_id).await
    }

    /// Revokes the links of a key: see [`Revoker::decide_key`].
    pub async fn revoke_key(&self, key_id: KeyId) -> Result<Decided, StorageError> {
        self.revoker.decide_key(key_id).await
    }

    /// Carries decisions out: see [`Revoker::go_on`].
    pub async fn go_on_ending(&self) -> Result<bool, StorageError> {
        self.revoker.go_on().await
    }
}
