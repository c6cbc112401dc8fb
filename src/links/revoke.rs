//! Revocations: they need no homeserver, so that commands carry them out as well.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    config::Config,
    storage::{
        Database, StorageError,
        ending::{self, Ending},
        history,
        links::{self, Criteria, LinkRow},
        media_references::ReleaseDelays,
    },
};
use medialink_link::{KeyId, LinkForm, LinkState};

use super::recorder::release_delays;

/// Revokes links. If the database fails, nothing was revoked.
#[derive(Debug, Clone)]
pub struct Revoker {
    database: Database,
    clock: Clock,
    delays: ReleaseDelays,
    bridges: Arc<[String]>,
}

/// The outcome of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// How many live links it has ended.
    pub links: usize,
    /// Whether it holds for links not seen yet, too.
    pub remembered: bool,
}

impl Revoker {
    /// Revokes links of the bridges that are configured.
    #[must_use]
    pub fn new(database: Database, config: &Config, clock: Clock) -> Self {
        let bridges = config.bridges.iter().map(|bridge| bridge.id.clone());
        Self {
            database,
            clock,
            delays: release_delays(config),
            bridges: bridges.collect(),
        }
    }

    /// Revokes all live links of a bridge (of all bridges: `None`) that match, and remembers it
    /// for those that were signed elsewhere and not seen yet.
    pub async fn revoke(
        &self,
        bridge: Option<&str>,
        criteria: Criteria,
    ) -> Result<Revoked, StorageError> {
        let (now, delays) = (self.clock.now_ms(), self.delays);
        let bridge = bridge.map(str::to_owned);
        let all_bridges = Arc::clone(&self.bridges);
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let matching = Ending::Matching {
                        bridge: bridge.as_deref(),
                        criteria: &criteria,
                        state: LinkState::Revoked,
                    };
                    let links = ending::end(connection, matching, delays, now).await?;
                    // Links that were signed elsewhere do not say who shared their media.
                    let remembered = criteria.sender.is_none();
                    if remembered {
                        let one = bridge.as_slice();
                        for bridge in if one.is_empty() { &all_bridges } else { one } {
                            history::note_revocation(connection, bridge, &criteria, now).await?;
                        }
                    }
                    Ok(Revoked { links, remembered })
                }
                .boxed()
            })
            .await
    }

    /// Revokes one link of a bridge; one that has ended already stays as it is, unless an event
    /// could bring it back. `None`: the bridge has no such link.
    pub async fn revoke_one(
        &self,
        bridge: &str,
        link_id: &str,
    ) -> Result<Option<LinkRow>, StorageError> {
        let (now, delays) = (self.clock.now_ms(), self.delays);
        let (bridge, link_id) = (bridge.to_owned(), link_id.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let found = links::find_in(connection, &link_id).await?;
                    let Some(row) = found.filter(|row| row.bridge == bridge) else {
                        return Ok(None);
                    };
                    let this = [row.id];
                    let revoked = match row.form {
                        LinkForm::Legacy => Ending::LegacyRevoked(&this),
                        LinkForm::Short | LinkForm::SelfContained => Ending::Revoked(row.id),
                    };
                    ending::end(connection, revoked, delays, now).await?;
                    links::find_in(connection, &link_id).await
                }
                .boxed()
            })
            .await
    }

    /// Ends all links that a key has signed; returns how many.
    pub async fn revoke_key(&self, key_id: KeyId) -> Result<usize, StorageError> {
        let (now, delays) = (self.clock.now_ms(), self.delays);
        self.database
            .writer()
            .write(move |connection| {
                async move { ending::end(connection, Ending::OfKey(key_id), delays, now).await }
                    .boxed()
            })
            .await
    }
}
