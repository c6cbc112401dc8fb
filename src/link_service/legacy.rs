//! Links that bridges have made by themselves: recorded when they are followed first. They tell no
//! room and no time of issue, so no policy of a room bounds them, and whatever was revoked by media
//! holds for them whenever that was.
//!
//! What events do to media that they show is done to its recorded links in the same commit, so that
//! following them costs what any other link does: once no event shows it any more, they are dead.
//! Where no event was seen to show it, links that are signed are followed all the same, and those
//! that nobody signed are worth nothing.

use std::sync::Arc;

use futures_util::FutureExt;
use sqlx::SqliteConnection;

use crate::{
    legacy::{LegacyLink, unsigned_link_id},
    storage::{
        StorageError,
        links::{self, LinkRow, NewLink, Renewal},
        media_references::{self, Death},
        memory, room_policies,
        seen_media::{self, Ceased, Showing, Sight},
        touches,
    },
};
use medialink_event::Appearance;
use medialink_link::{
    Form, LinkClaims, LinkState,
    matrix::{ContentToken, MxcUri},
};

use super::{Grant, LinkService, Refusal, millis, transaction::Shown};

/// Whether the links of a bridge to a medium were revoked. Nobody knows when they were issued:
/// before every revocation.
async fn is_revoked(
    connection: &mut SqliteConnection,
    bridge: &str,
    mxc: &MxcUri,
) -> Result<bool, StorageError> {
    memory::is_revoked(connection, bridge, "", "", &mxc.to_string(), 0).await
}

impl LinkService {
    /// Decides whether such a link may be followed now.
    ///
    /// # Errors
    /// [`Refusal`], if it may not.
    pub async fn resolve_legacy(&self, link: &LegacyLink) -> Result<Grant, Refusal> {
        let now = self.clock.now_ms();
        if link.expires_at_ms().is_some_and(|end| end <= now) {
            return Err(Refusal::Ended(LinkState::Expired));
        }
        let link_id = link.link_id().to_string();
        let row = match self.database.link(&link_id).await? {
            Some(row) if link.is_signed() => row,
            Some(row) => self.with_present_end(row, link).await?,
            None => {
                // Whoever guesses gets no further than to a look.
                let reader = self.database.reader();
                let sight = seen_media::find(reader, link.bridge(), link.mxc()).await?;
                self.worth(sight, link, now)?;
                self.record(link.clone(), link_id, now).await?
            }
        };
        self.grant(row, now)
    }

    /// Whether an event was seen to show the media of such a link.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn is_seen(&self, link: &LegacyLink) -> Result<bool, StorageError> {
        let reader = self.database.reader();
        let sight = seen_media::find(reader, link.bridge(), link.mxc()).await?;
        Ok(sight.is_some())
    }

    /// A recorded link that nobody signed, with the end that the configuration gives it now.
    async fn with_present_end(
        &self,
        row: Arc<LinkRow>,
        link: &LegacyLink,
    ) -> Result<Arc<LinkRow>, StorageError> {
        let reader = self.database.reader();
        let sight = seen_media::find(reader, link.bridge(), link.mxc()).await?;
        let Some(Sight::Shown { seen_at, .. }) = sight else {
            return Ok(row);
        };
        let is_present = row.expires_at == self.unsigned_end(link.bridge(), seen_at);
        if is_present || row.state == LinkState::Revoked {
            return Ok(row);
        }
        let (service, link, now) = (self.clone(), link.clone(), self.clock.now_ms());
        self.database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    let (bridge, mxc) = (link.bridge(), link.mxc());
                    service.look_again(connection, bridge, mxc, now).await?;
                    links::find_in(connection, &row.link_id)
                        .await?
                        .ok_or(StorageError::Corrupt("link, gone while it was followed"))
                }
                .boxed()
            })
            .await
            .map(Arc::new)
    }

    async fn record(
        &self,
        link: LegacyLink,
        link_id: String,
        now: i64,
    ) -> Result<Arc<LinkRow>, Refusal> {
        let service = self.clone();
        self.database
            .writer()
            .write(move |connection| {
                async move { service.record_in(connection, &link, &link_id, now).await }.boxed()
            })
            .await
            .map(Arc::new)
    }

    async fn record_in(
        &self,
        connection: &mut SqliteConnection,
        link: &LegacyLink,
        link_id: &str,
        now: i64,
    ) -> Result<LinkRow, Refusal> {
        if let Some(row) = links::find_in(connection, link_id).await? {
            return Ok(row);
        }
        let bridge = link.bridge();
        if is_revoked(connection, bridge, link.mxc()).await? {
            return Err(Refusal::Ended(LinkState::Revoked));
        }
        let mut claims = LinkClaims::without_room(link.mxc().clone());
        let sight = seen_media::find(&mut *connection, bridge, link.mxc()).await?;
        let expires_at;
        (claims.content_token, expires_at) = self.worth(sight, link, now)?;
        let reference =
            media_references::reference(connection, bridge, &claims, false, now).await?;
        if self.is_touched(&claims) {
            touches::schedule(connection, &claims.mxc.to_string(), now).await?;
        }
        let new = NewLink {
            link_id: link_id.to_owned(),
            form: Form::Legacy,
            key_id: None,
            sealed: None,
            bridge: bridge.to_owned(),
            media_reference_id: reference,
            claims,
            appearance: Appearance::default(),
            shown_by: None,
            paste: None,
            sender: None,
            size: None,
            issued_at: now,
            expires_at,
            max_follows: None,
            max_size: None,
            pages_only: false,
            state: LinkState::Live,
        };
        links::insert(connection, &new).await?;
        links::find_in(connection, link_id)
            .await?
            .ok_or_else(|| StorageError::Corrupt("link, gone as soon as it was stored").into())
    }

    /// What a link is worth by what was seen: the content token of its media, and when it ends.
    fn worth(
        &self,
        sight: Option<Sight>,
        link: &LegacyLink,
        now: i64,
    ) -> Result<(Option<ContentToken>, Option<i64>), Refusal> {
        match sight {
            None if link.is_signed() => Ok((None, link.expires_at_ms())),
            None => Err(Refusal::NotALink),
            Some(Sight::Gone) => Err(Refusal::Ended(LinkState::Redacted)),
            Some(Sight::Shown {
                seen_at,
                content_token,
            }) => {
                let expires_at = if link.is_signed() {
                    link.expires_at_ms()
                } else {
                    self.unsigned_end(link.bridge(), seen_at)
                };
                if expires_at.is_some_and(|end| end <= now) {
                    return Err(Refusal::Ended(LinkState::Expired));
                }
                Ok((content_token, expires_at))
            }
        }
    }

    /// When a link that nobody signed ends; `None`: never.
    fn unsigned_end(&self, bridge: &str, seen_at: i64) -> Option<i64> {
        let lifetime_ms = self.config.legacy_links.unsigned_lifetime_ms(bridge);
        lifetime_ms
            .flatten()
            .map(|lifetime| seen_at.saturating_add(lifetime))
    }

    /// An event has shown media; inside a write.
    pub(super) async fn note_shown(
        &self,
        connection: &mut SqliteConnection,
        bridge: &str,
        shown: Shown,
        now: i64,
    ) -> Result<(), StorageError> {
        let (room_id, event_id) = (shown.room_id.as_str(), shown.event_id.as_str());
        let shown_by = shown.shown_by.as_str();
        let known = room_policies::find_in(connection, room_id).await?;
        if known.is_none() {
            // It may have forbidden links before we knew it.
            room_policies::note_unanswered(connection, room_id, bridge).await?;
        }
        let is_allowed = known.unwrap_or_default().policy.enabled;
        let is_withdrawn =
            !is_allowed || memory::is_redacted(connection, room_id, event_id).await?;
        let is_undone = memory::is_redacted(connection, room_id, shown_by).await?;
        if (is_withdrawn || is_undone) && !self.config.legacy_links.has_signed(bridge) {
            // Links that nobody signed are worth nothing unless it was shown.
            return Ok(());
        }
        for (mxc, content_token) in &shown.media {
            let showing = Showing {
                bridge,
                room_id,
                event_id,
                shown_by,
                mxc,
                content_token: content_token.as_ref(),
            };
            seen_media::note(connection, &showing, now).await?;
            // An edit may bring back what another one has dropped.
            if event_id == shown_by
                && memory::is_dropped(connection, room_id, event_id, mxc).await?
            {
                seen_media::end_dropped(connection, bridge, room_id, event_id, mxc, now).await?;
            }
        }
        // That it was shown is noted all the same: signed links to it, which may be around, are dead.
        for (ended, is_ended) in [(event_id, is_withdrawn), (shown_by, is_undone)] {
            if is_ended {
                seen_media::end_of_event(connection, room_id, ended, now).await?;
            }
        }
        for (mxc, _) in &shown.media {
            self.look_again(connection, bridge, mxc, now).await?;
        }
        Ok(())
    }

    /// Events have ceased to show media; inside a write.
    pub(super) async fn note_ceased(
        &self,
        connection: &mut SqliteConnection,
        ceased: Vec<Ceased>,
        now: i64,
    ) -> Result<(), StorageError> {
        for (bridge, mxc) in ceased {
            self.look_again(connection, &bridge, &mxc, now).await?;
        }
        Ok(())
    }

    /// What was seen of a medium has changed: so do the links that were recorded for it.
    async fn look_again(
        &self,
        connection: &mut SqliteConnection,
        bridge: &str,
        mxc: &MxcUri,
        now: i64,
    ) -> Result<(), StorageError> {
        let mut rows = links::legacy_in(connection, bridge, mxc).await?;
        rows.retain(|row| row.state != LinkState::Revoked);
        if rows.is_empty() {
            return Ok(());
        }
        let is_revoked = is_revoked(connection, bridge, mxc).await?;
        let sight = seen_media::find(&mut *connection, bridge, mxc).await?;
        let Some(Sight::Shown {
            seen_at,
            content_token,
        }) = sight.filter(|_| !is_revoked)
        else {
            let mut left = Vec::new();
            for row in rows {
                left.extend(if is_revoked {
                    // When that was done, it may have been over, and stayed as it was.
                    links::revoke_legacy(connection, row.id, now).await?
                } else {
                    links::end_one(connection, row.id, LinkState::Redacted, now).await?
                });
            }
            let pace = self.pace();
            return media_references::after_deaths(connection, left, Death::Wanted, pace, now)
                .await;
        };
        let mut claims = LinkClaims::without_room(mxc.clone());
        claims.content_token = content_token;
        let reference =
            media_references::reference(connection, bridge, &claims, false, now).await?;
        let unsigned = unsigned_link_id(bridge, mxc).to_string();
        let legacy = &self.config.legacy_links;
        let serves_unsigned = legacy.unsigned_lifetime_ms(bridge).is_some();
        for row in rows {
            let renewal = Renewal {
                claims: &claims,
                appearance: &row.appearance,
                shown_by: None,
                media_reference_id: reference,
                expires_at: if row.link_id == unsigned && serves_unsigned {
                    self.unsigned_end(bridge, seen_at)
                } else {
                    row.expires_at
                },
                renewed_at: None,
            };
            links::update(connection, row.id, &renewal).await?;
            links::revive(connection, row.id).await?;
        }
        if self.is_touched(&claims) {
            touches::schedule(connection, &mxc.to_string(), now).await?;
        }
        Ok(())
    }

    /// Forgets media that was shown so long ago that its links have ended, and stay so for as long
    /// as redactions are remembered. Links that are signed have no such end.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn forget_shown(&self) -> Result<(), StorageError> {
        let (service, now) = (self.clone(), self.clock.now_ms());
        let gone_before = now - millis(self.config.links.remember);
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    for bridge in seen_media::bridges(connection).await? {
                        if service.config.legacy_links.has_signed(&bridge) {
                            continue;
                        }
                        // Of a bridge for which nothing is served any more, nothing is kept.
                        let seen_before =
                            match service.config.legacy_links.unsigned_lifetime_ms(&bridge) {
                                None => Some(gone_before),
                                Some(lifetime_ms) => lifetime_ms.map(|ms| gone_before - ms),
                            };
                        seen_media::forget(connection, &bridge, seen_before, gone_before).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}
