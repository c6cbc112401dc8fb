//! Whether a link may be followed.

use std::sync::Arc;

use crate::{
    config::BridgeConfig,
    denials::{Denied, Subject},
    limits::Limited,
    storage::{StorageError, links::LinkRow},
};
use medialink_link::{LinkRefusal, LinkState};

use super::recorder::Recorder;

/// A link that may be followed now.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The link as it is recorded.
    pub link: Arc<LinkRow>,
    /// The bridge as whose user its media is fetched.
    pub bridge: Arc<BridgeConfig>,
}

/// Why a link may not be followed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nobody here has issued it.
    #[error("not a link of this service")]
    NotALink,
    /// The key that signed it was revoked.
    #[error("the key of this link was revoked")]
    KeyRevoked,
    /// It has ended in this state.
    #[error("the link is {}", .0.as_str())]
    Ended(LinkState),
    /// Its bridge is not configured any more.
    #[error("the bridge {0:?} of this link is not configured any more")]
    BridgeGone(String),
    /// Its event could not be looked up; the reason, for the operator.
    #[error("the homeserver could not be asked for the link's event: {0}")]
    EventLookup(String),
    /// It is followed for the first time, and its bridge or its room has had too many links.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The operator denies what it leads to.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<LinkRefusal> for Refusal {
    fn from(dead: LinkRefusal) -> Self {
        match dead {
            LinkRefusal::Contradicted => Self::NotALink,
            LinkRefusal::KeyRevoked => Self::KeyRevoked,
            LinkRefusal::Ended(state) => Self::Ended(state),
        }
    }
}

impl Recorder {
    /// A recorded link, if it is live.
    pub(super) fn grant(&self, row: Arc<LinkRow>, now: i64) -> Result<Grant, Refusal> {
        match row.state_at(now) {
            LinkState::Live => {}
            state => return Err(Refusal::Ended(state)),
        }
        self.denials
            .allow(Subject::of(&row.claims, row.sender.as_deref()))?;
        let bridge = self
            .config
            .bridge(&row.bridge)
            .cloned()
            .ok_or_else(|| Refusal::BridgeGone(row.bridge.clone()))?;
        Ok(Grant { link: row, bridge })
    }
}
