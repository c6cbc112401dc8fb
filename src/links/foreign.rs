//! Self-contained links that a bridge has signed by itself: examined and recorded by the rules of
//! an issue when they are followed first.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    config::{BridgeConfig, Lifetime, Provenance},
    denials::Subject,
    limits::{Recorded, Sharer},
    storage::{
        Connection, Lock, StorageError, history,
        links::{self, LinkRow, NewLink},
        media_references, open_questions,
        room_policies::{self, RoomPolicy},
        tombstones, touches,
    },
};
use medialink_event::Appearance;
use medialink_link::{
    LinkForm, LinkState, SelfContainedLink, decide_self_contained, matrix::EventId,
};

use super::{
    grant::Refusal, lifetime::expiry, recorder::Recorder, request::IssueError, service::Links,
};

impl Links {
    pub(super) async fn resolve_self_contained(
        &self,
        link: &SelfContainedLink,
        now: i64,
    ) -> Result<Arc<LinkRow>, Refusal> {
        decide_self_contained(link, now)?;
        let link_id = link.link_id().to_string();
        if let Some(row) = self.database.link(&link_id).await? {
            return Ok(row);
        }
        let bridge = self.recorder.signer(link)?.id.as_str();
        if let Some(tombstone) = self.tombstone(&[bridge], &link_id).await? {
            return Err(Refusal::Ended(tombstone.state));
        }
        let (recorder, link) = (self.recorder.clone(), link.clone());
        let written = self.database.writer().write(move |connection| {
            async move {
                let room = Lock::KnownRoom(link.claims().room_id.as_str());
                let bridge = recorder.signer(&link)?;
                let revocations = Lock::KnownRevocations(&bridge.id);
                connection.lock(&[room, revocations]).await?;
                recorder
                    .record_foreign(connection, &link_id, &link, now)
                    .await
            }
            .boxed()
        });
        Ok(Arc::new(written.await?.kept()))
    }

    /// The bridge as whose user the media of a link is fetched that is not recorded yet. `None`:
    /// the link is recorded, or known to have ended.
    pub(super) async fn bridge_of_unrecorded(
        &self,
        link: &SelfContainedLink,
    ) -> Result<Option<&Arc<BridgeConfig>>, Refusal> {
        if decide_self_contained(link, self.now()).is_err()
            || self
                .database
                .link(&link.link_id().to_string())
                .await?
                .is_some()
        {
            return Ok(None);
        }
        let bridge = self.recorder.signer(link)?;
        let reader = self.database.reader();
        let mut connection = reader.acquire().await?;
        let ended = remembered_end(&mut connection, &bridge.id, link).await?;
        let link_id = link.link_id().to_string();
        let buried = tombstones::find(&mut connection, &[&bridge.id], &link_id).await?;
        Ok((ended.is_none() && buried.is_none()).then_some(bridge))
    }

    /// Asks the homeserver as at an issue.
    pub(super) async fn examine_unrecorded(
        &self,
        bridge: &Arc<BridgeConfig>,
        link: &SelfContainedLink,
    ) -> Result<(), Refusal> {
        let claims = link.claims();
        self.recorder.denials.allow(Subject::of(claims, None))?;
        self.learn_policies(bridge, [&claims.room_id]).await?;
        if self.recorder.config.links.provenance == Provenance::Off {
            return Ok(());
        }
        let link_id = link.link_id();
        match self.prove(bridge, claims, None).await {
            Ok(_) => Ok(()),
            Err(IssueError::Redacted | IssueError::Doubted) => {
                Err(Refusal::Ended(LinkState::Redacted))
            }
            Err(IssueError::EventLookup(why)) => Err(Refusal::EventLookup(why)),
            Err(IssueError::Storage(error)) => Err(error.into()),
            Err(why) => {
                tracing::warn!(%link_id, %why, "a link that was signed elsewhere does not prove its media");
                Err(Refusal::NotALink)
            }
        }
    }
}

/// How a link that was not seen before has ended, by remembered facts.
async fn remembered_end(
    connection: &mut Connection,
    bridge: &str,
    link: &SelfContainedLink,
) -> Result<Option<LinkState>, StorageError> {
    let claims = link.claims();
    let issued_at = issued_at_ms(link);
    let event_id = claims.event_id.as_ref().map_or("", EventId::as_str);
    let (room_id, mxc) = (claims.room_id.as_str(), claims.mxc.to_string());
    if history::is_revoked(connection, bridge, room_id, event_id, &mxc, issued_at).await? {
        return Ok(Some(LinkState::Revoked));
    }
    let is_gone = history::is_gone(connection, room_id, event_id, &claims.mxc).await?;
    let mxc = Some(&claims.mxc);
    let is_ended =
        is_gone || open_questions::is_doubted(connection, room_id, event_id, mxc).await?;
    Ok(is_ended.then_some(LinkState::Redacted))
}

impl Recorder {
    /// The bridge that has signed a link; the first one, if its key is bound to none.
    fn signer(&self, link: &SelfContainedLink) -> Result<&Arc<BridgeConfig>, Refusal> {
        match link.key_bridge() {
            None => self.config.bridges.first().ok_or(Refusal::NotALink),
            Some(id) => self
                .config
                .bridge(id)
                .ok_or_else(|| Refusal::BridgeGone(id.to_owned())),
        }
    }

    async fn record_foreign(
        &self,
        connection: &mut Connection,
        link_id: &str,
        link: &SelfContainedLink,
        now: i64,
    ) -> Result<Recorded<LinkRow>, Refusal> {
        if let Some(row) = links::find_in(connection, link_id).await? {
            return Ok(Recorded::new(row, Vec::new()));
        }
        let bridge = self.signer(link)?.id.as_str();
        if let Some(tombstone) = tombstones::find(&mut *connection, &[bridge], link_id).await? {
            return Err(Refusal::Ended(tombstone.state));
        }
        if let Some(state) = remembered_end(connection, bridge, link).await? {
            return Err(Refusal::Ended(state));
        }
        let claims = link.claims().clone();
        let known = room_policies::find_in(connection, claims.room_id.as_str()).await?;
        let policy = known.unwrap_or_default().policy;
        if !policy.enabled {
            return Err(Refusal::Ended(LinkState::Revoked));
        }
        let expires_at = self.bounded_end(link, &policy);
        if expires_at.is_some_and(|end| end <= now) {
            return Err(Refusal::Ended(LinkState::Expired));
        }
        let reserved = self.limits.reserve_link(Sharer {
            bridge,
            room_id: claims.room_id.as_str(),
            sender: None,
        })?;
        let is_counted = self.is_counted(&claims);
        let usage =
            media_references::note_usage(connection, bridge, &claims, is_counted, now).await?;
        if self.is_touched(&claims) {
            touches::schedule(connection, &claims.mxc.to_string(), now).await?;
        }
        let new = NewLink {
            media_reference_id: usage,
            claims,
            expires_at,
            max_size: policy.max_size,
            pages_only: policy.pages_only,
            ..new_link(link, link_id, bridge)
        };
        links::insert(connection, &new).await?;
        let row = links::stored(connection, link_id).await?;
        Ok(Recorded::new(row, vec![reserved]))
    }

    /// When a link ends: by its own word, by the configuration, or by the policy of its room,
    /// whichever comes first.
    fn bounded_end(&self, link: &SelfContainedLink, policy: &RoomPolicy) -> Option<i64> {
        let issued_at = issued_at_ms(link);
        let bound = match self.config.links.max_lifetime {
            Lifetime::Never => None,
            max @ Lifetime::For(_) => expiry(issued_at, max),
        };
        let bound_of_room = policy
            .max_lifetime_s()
            .map(|seconds| issued_at + seconds * 1000);
        let ends = [link.expires_at_ms(), bound, bound_of_room];
        ends.into_iter().flatten().min()
    }
}

/// What a link says of itself as a row, of no usage yet.
fn new_link(link: &SelfContainedLink, link_id: &str, bridge: &str) -> NewLink {
    NewLink {
        link_id: link_id.to_owned(),
        form: LinkForm::SelfContained,
        key_id: Some(link.key_id()),
        sealed: Some((link.nonce(), link.lifetime_s())),
        bridge: bridge.to_owned(),
        media_reference_id: 0,
        claims: link.claims().clone(),
        sender: None,
        size: None,
        appearance: Appearance::default(),
        shown_by: None,
        issued_at: issued_at_ms(link),
        expires_at: link.expires_at_ms(),
        max_follows: None,
        max_size: None,
        pages_only: false,
        state: LinkState::Live,
        paste: None,
    }
}

fn issued_at_ms(link: &SelfContainedLink) -> i64 {
    i64::from(link.issued_at_s()) * 1000
}
