//! Decisions about links inside a write, by the configuration, the keys and the database. Nobody is
//! asked here.

use crate::{
    clock::{Clock, millis},
    config::{Config, Lifetime, Settings, UsageMode},
    denials::Denials,
    homeserver::Features,
    key_store::KeyStore,
    limits::Limits,
    storage::media_references::ReleaseDelays,
};
use medialink_link::LinkClaims;

/// Records links, and ends them. Each of its steps is in the file of its purpose.
#[derive(Clone)]
pub(super) struct Recorder {
    pub(super) config: Settings,
    pub(super) keys: KeyStore,
    pub(super) clock: Clock,
    pub(super) features: Features,
    pub(super) limits: Limits,
    pub(super) denials: Denials,
}

/// How soon usages are released, as configured.
pub(super) fn release_delays(config: &Config) -> ReleaseDelays {
    ReleaseDelays {
        batch_window_ms: millis(config.usage.batch_window),
        release_after_ms: millis(config.usage.release_after),
    }
}

impl Recorder {
    pub(super) fn release_delays(&self) -> ReleaseDelays {
        release_delays(&self.config)
    }

    /// Whether this media is to be counted by a meta event. A homeserver can only count media
    /// that has a content token, or whose copy is linked to the event.
    pub(super) fn is_counted(&self, claims: &LinkClaims) -> bool {
        match self.config.usage.mode {
            UsageMode::Always => true,
            UsageMode::Never => false,
            UsageMode::Auto => claims.content_token.is_some() || self.features.links_media(),
        }
    }

    /// Whether media can be touched, and is worth it: the homeserver's own, unless it is kept by
    /// the events that it is attached to.
    pub(super) fn is_touched(&self, claims: &LinkClaims) -> bool {
        self.config.usage.touch != Lifetime::Never
            && !self.features.links_media()
            && claims.mxc.is_of(&self.config.homeserver.server_name)
    }
}
