//! Following a link that a bridge has made by itself.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    clock::millis,
    legacy::LegacyLink,
    storage::{
        Lock, StorageError,
        links::{self, LinkRow},
        seen_media::{self, Visibility},
    },
};
use medialink_link::LinkState;

use super::super::{
    grant::{Grant, Refusal},
    service::Links,
};
use super::record::still_ended;

impl Links {
    /// Decides whether such a link may be followed now.
    ///
    /// # Errors
    /// [`Refusal`], if it may not.
    pub async fn resolve_legacy(&self, link: &LegacyLink) -> Result<Grant, Refusal> {
        let now = self.now();
        if link.expires_at_ms().is_some_and(|end| end <= now) {
            return Err(Refusal::Ended(LinkState::Expired));
        }
        let link_id = link.link_id().to_string();
        let row = match self.database.link(&link_id).await? {
            Some(row) if link.is_signed() => row,
            Some(row) => self.with_present_end(row, link).await?,
            None => {
                // A guess costs no more than reads.
                let visibility = self.visibility(link).await?;
                let tombstone = self.tombstone(&[link.bridge()], &link_id).await?;
                let ended = tombstone.and_then(|it| still_ended(&it, visibility.as_ref()));
                if let Some(state) = ended {
                    return Err(Refusal::Ended(state));
                }
                self.recorder.legacy_worth(visibility, link, now)?;
                self.record_legacy(link.clone(), link_id, now).await?
            }
        };
        self.recorder.grant(row, now)
    }

    /// Whether an event was seen to show the media of such a link.
    pub async fn is_seen(&self, link: &LegacyLink) -> Result<bool, StorageError> {
        Ok(self.visibility(link).await?.is_some())
    }

    async fn visibility(&self, link: &LegacyLink) -> Result<Option<Visibility>, StorageError> {
        seen_media::find(self.database.reader(), link.bridge(), link.mxc()).await
    }

    /// A recorded link that nobody signed, with the end that the configuration gives it now.
    async fn with_present_end(
        &self,
        row: Arc<LinkRow>,
        link: &LegacyLink,
    ) -> Result<Arc<LinkRow>, StorageError> {
        let Some(Visibility::Shown { seen_at, .. }) = self.visibility(link).await? else {
            return Ok(row);
        };
        let is_present = row.expires_at == self.recorder.unsigned_end(link.bridge(), seen_at);
        if is_present || row.state == LinkState::Revoked {
            return Ok(row);
        }
        let (recorder, link, now) = (self.recorder.clone(), link.clone(), self.now());
        let link_id = row.link_id.clone();
        let present = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    let medium = (link.bridge(), link.mxc());
                    recorder
                        .update_legacy_of(connection, &[medium], now)
                        .await?;
                    links::find_in(connection, &link_id).await
                }
                .boxed()
            })
            .await?;
        // It may be a tombstone by now: then it had ended.
        Ok(present.map_or(row, Arc::new))
    }

    async fn record_legacy(
        &self,
        link: LegacyLink,
        link_id: String,
        now: i64,
    ) -> Result<Arc<LinkRow>, Refusal> {
        let recorder = self.recorder.clone();
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let (bridge, mxc) = (link.bridge(), link.mxc().to_string());
                    let revocations = Lock::KnownRevocations(bridge);
                    connection
                        .lock(&[Lock::Shown(bridge, &mxc), revocations])
                        .await?;
                    recorder
                        .record_legacy(connection, &link, &link_id, now)
                        .await
                }
                .boxed()
            })
            .await
            .map(Arc::new)
    }

    /// Forgets media that was shown so long ago that its links have ended, and stay so for as long
    /// as redactions are remembered, up to `limit` of each kind; returns how many of the kind of which it
    /// were most. Links that are signed have no such end.
    pub async fn forget_shown(&self, limit: i64) -> Result<u64, StorageError> {
        let config = self.recorder.config.clone();
        let gone_before = self.now() - millis(config.links.remember);
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let mut most = 0;
                    for bridge in seen_media::bridges(connection).await? {
                        if config.legacy_links.has_signed(&bridge) {
                            continue;
                        }
                        // Of a bridge for which nothing is served any more, nothing is kept.
                        let seen_before = match config.legacy_links.unsigned_lifetime_ms(&bridge) {
                            None => Some(gone_before),
                            Some(lifetime_ms) => lifetime_ms.map(|ms| gone_before - ms),
                        };
                        let (seen, gone) = (seen_before, gone_before);
                        let forgotten = seen_media::forget(connection, &bridge, seen, gone, limit);
                        most = most.max(forgotten.await?);
                    }
                    Ok(most)
                }
                .boxed()
            })
            .await
    }
}
