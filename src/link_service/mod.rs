//! Links: issued, resolved, revoked, expired.

mod issue;
mod legacy;
mod paste;
mod policy;
mod resolve;
mod revoke;
mod transaction;
mod view;

use std::sync::Arc;

use crate::{
    clock::Clock,
    config::{Config, Lifetime, UsageMode},
    homeserver::Features,
    key_store::KeyStore,
    storage::{Database, media_references::Pace},
};
use medialink_link::LinkClaims;

pub use issue::{GivenEvent, IssueError, IssueRequest, Issued};
pub use paste::{PasteRequest, Placed};
pub use policy::POLICY_EVENT_TYPE;
pub use resolve::{Grant, Refusal};
pub use revoke::Revoked;
pub use transaction::{Consequence, Shown};
pub use view::LinkView;

/// Everything that can be done with links.
#[derive(Debug, Clone)]
pub struct LinkService {
    /// Where links are kept.
    pub database: Database,
    /// What signs and verifies them.
    pub keys: KeyStore,
    /// What is allowed.
    pub config: Arc<Config>,
    /// What time it is.
    pub clock: Clock,
    /// What the homeserver can do.
    pub features: Features,
}

/// Milliseconds as the database keeps them.
pub(crate) fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

impl LinkService {
    /// How soon deaths are acted on.
    #[must_use]
    pub fn pace(&self) -> Pace {
        Pace {
            batch_window_ms: millis(self.config.usage.batch_window),
            release_after_ms: millis(self.config.usage.release_after),
        }
    }

    /// Whether this media is to be counted by a meta event. A homeserver can only count media
    /// that has a content token, or whose copy is linked to the event.
    fn is_counted(&self, claims: &LinkClaims) -> bool {
        match self.config.usage.mode {
            UsageMode::Always => true,
            UsageMode::Never => false,
            UsageMode::Auto => claims.content_token.is_some() || self.features.links_media(),
        }
    }

    /// Whether media can be touched, and is worth it: the homeserver's own, unless it is kept by
    /// the events that it is attached to.
    fn is_touched(&self, claims: &LinkClaims) -> bool {
        self.config.usage.touch != Lifetime::Never
            && !self.features.links_media()
            && claims.mxc.is_of(&self.config.homeserver.server_name)
    }
}
