//! Resolving: from a verified token to what may be served, or why not. The cheapest checks come
//! first; what the token alone refutes reaches no database.

use std::sync::Arc;

use futures_util::FutureExt;
use sqlx::SqliteConnection;

use crate::{
    config::{BridgeConfig, Lifetime},
    storage::{
        StorageError,
        links::{self, LinkRow, NewLink, Taken},
        media_references::{self, Death},
        memory, room_policies, touches,
    },
};
use medialink_event::Appearance;
use medialink_link::{
    Form, LinkRefusal, LinkState, SelfContainedLink, ShortLink, StoredShortLink, VerifiedLink,
    decide_self_contained, decide_short, matrix::EventId,
};

use super::{LinkService, issue::expiry};

/// A link that may be followed now.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The link.
    pub link: Arc<LinkRow>,
    /// As whom its media is fetched.
    pub bridge: Arc<BridgeConfig>,
}

/// Why a link may not be followed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is none.
    #[error("not a link of this service")]
    NotALink,
    /// The key that signed it was revoked.
    #[error("the key of this link was revoked")]
    KeyRevoked,
    /// It is over.
    #[error("the link is {}", .0.as_str())]
    Ended(LinkState),
    /// Its bridge is not configured any more.
    #[error("the bridge {0:?} of this link is not configured any more")]
    BridgeGone(String),
    /// The homeserver did not tell what became of its event; why, for the operator.
    #[error("the homeserver could not be asked for the link's event: {0}")]
    EventLookup(String),
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

impl LinkService {
    /// Decides whether a verified link may be followed now, by what is known. Links come here by
    /// way of [`Rooms`](crate::rooms::Rooms), which asks the homeserver for what is not.
    ///
    /// # Errors
    /// [`Refusal`], if it may not.
    pub(crate) async fn resolve(&self, link: &VerifiedLink) -> Result<Grant, Refusal> {
        let now = self.clock.now_ms();
        let row = match link {
            VerifiedLink::Short(link) => self.resolve_short(link, now).await?,
            VerifiedLink::SelfContained(link) => self.resolve_self_contained(link, now).await?,
        };
        self.grant(row, now)
    }

    /// A recorded link, if it is live.
    pub(super) fn grant(&self, row: Arc<LinkRow>, now: i64) -> Result<Grant, Refusal> {
        match row.state_at(now) {
            LinkState::Live => {}
            state => return Err(Refusal::Ended(state)),
        }
        let bridge = self
            .config
            .bridge(&row.bridge)
            .cloned()
            .ok_or_else(|| Refusal::BridgeGone(row.bridge.clone()))?;
        Ok(Grant { link: row, bridge })
    }

    async fn resolve_short(&self, link: &ShortLink, now: i64) -> Result<Arc<LinkRow>, Refusal> {
        link.decide_before_lookup(now)?;
        let row = self
            .database
            .link(&link.link_id().to_string())
            .await?
            .ok_or(Refusal::NotALink)?;
        let ring = self.keys.ring();
        let said = StoredShortLink {
            form: row.form,
            key_id: row.key_id.ok_or(Refusal::NotALink)?,
            issued_at_ms: row.issued_at,
            bridge: &row.bridge,
            room_id: &row.claims.room_id,
        };
        decide_short(link, &ring, now, &said)?;
        Ok(row)
    }

    async fn resolve_self_contained(
        &self,
        link: &SelfContainedLink,
        now: i64,
    ) -> Result<Arc<LinkRow>, Refusal> {
        decide_self_contained(link, now)?;
        let link_id = link.link_id().to_string();
        if let Some(row) = self.database.link(&link_id).await? {
            return Ok(row);
        }
        let (service, link) = (self.clone(), link.clone());
        self.database
            .writer()
            .write(move |connection| {
                async move { service.take_in(connection, &link_id, &link, now).await }.boxed()
            })
            .await
            .map(Arc::new)
    }

    /// As whom the media of a link is fetched that a bridge has signed by itself; `None`: it is
    /// recorded already, or known to be over.
    pub(crate) async fn newcomer(
        &self,
        link: &SelfContainedLink,
    ) -> Result<Option<&Arc<BridgeConfig>>, Refusal> {
        if decide_self_contained(link, self.clock.now_ms()).is_err()
            || self
                .database
                .link(&link.link_id().to_string())
                .await?
                .is_some()
        {
            return Ok(None);
        }
        let bridge = self.signer(link)?;
        let mut connection = self
            .database
            .reader()
            .acquire()
            .await
            .map_err(StorageError::from)?;
        let ended = self.remembered(&mut connection, &bridge.id, link).await?;
        Ok(ended.is_none().then_some(bridge))
    }

    /// The bridge that a link is of which says nothing of it.
    fn signer(&self, link: &SelfContainedLink) -> Result<&Arc<BridgeConfig>, Refusal> {
        match link.key_bridge() {
            None => self.config.bridges.first().ok_or(Refusal::NotALink),
            Some(id) => self
                .config
                .bridge(id)
                .ok_or_else(|| Refusal::BridgeGone(id.to_owned())),
        }
    }

    /// How a link is over that was not seen before, by what is remembered.
    async fn remembered(
        &self,
        connection: &mut SqliteConnection,
        bridge: &str,
        link: &SelfContainedLink,
    ) -> Result<Option<LinkState>, StorageError> {
        let claims = link.claims();
        let issued_at = i64::from(link.issued_at_s()) * 1000;
        let event_id = claims.event_id.as_ref().map_or("", EventId::as_str);
        let (room_id, mxc) = (claims.room_id.as_str(), claims.mxc.to_string());
        if memory::is_revoked(connection, bridge, room_id, event_id, &mxc, issued_at).await? {
            return Ok(Some(LinkState::Revoked));
        }
        let is_gone = memory::is_gone(connection, room_id, event_id, &claims.mxc).await?;
        Ok(is_gone.then_some(LinkState::Redacted))
    }

    /// Records a link that a bridge has signed by itself, by the rules of an issue.
    async fn take_in(
        &self,
        connection: &mut SqliteConnection,
        link_id: &str,
        link: &SelfContainedLink,
        now: i64,
    ) -> Result<LinkRow, Refusal> {
        if let Some(row) = links::find_in(connection, link_id).await? {
            return Ok(row);
        }
        let bridge = self.signer(link)?.id.as_str();
        if let Some(state) = self.remembered(connection, bridge, link).await? {
            return Err(Refusal::Ended(state));
        }
        let claims = link.claims().clone();
        let issued_at = i64::from(link.issued_at_s()) * 1000;
        let known = room_policies::find_in(connection, claims.room_id.as_str()).await?;
        let policy = known.unwrap_or_default().policy;
        if !policy.enabled {
            return Err(Refusal::Ended(LinkState::Revoked));
        }
        let bound = match self.config.links.max_lifetime {
            Lifetime::Never => None,
            max @ Lifetime::For(_) => expiry(issued_at, max),
        };
        let bound_of_room = policy
            .max_lifetime_s()
            .map(|seconds| issued_at + seconds * 1000);
        let expires_at = [link.expires_at_ms(), bound, bound_of_room]
            .into_iter()
            .flatten()
            .min();
        if expires_at.is_some_and(|end| end <= now) {
            return Err(Refusal::Ended(LinkState::Expired));
        }
        let counted = self.is_counted(&claims);
        let reference =
            media_references::reference(connection, bridge, &claims, counted, now).await?;
        if self.is_touched(&claims) {
            touches::schedule(connection, &claims.mxc.to_string(), now).await?;
        }
        let new = NewLink {
            link_id: link_id.to_owned(),
            form: Form::SelfContained,
            key_id: Some(link.key_id()),
            sealed: Some((link.nonce(), link.lifetime_s())),
            bridge: bridge.to_owned(),
            media_reference_id: reference,
            claims,
            sender: None,
            size: None,
            appearance: Appearance::default(),
            shown_by: None,
            issued_at,
            expires_at,
            max_follows: None,
            max_size: policy.max_size,
            pages_only: policy.pages_only,
            state: LinkState::Live,
            paste: None,
        };
        links::insert(connection, &new).await?;
        links::find_in(connection, link_id)
            .await?
            .ok_or_else(|| StorageError::Corrupt("link, gone as soon as it was stored").into())
    }

    /// Takes one of a limited number of follows, exactly; the last one ends the link.
    ///
    /// # Errors
    /// [`Refusal`], if none is left.
    pub async fn take_follow(&self, link: &LinkRow) -> Result<(), Refusal> {
        let (id, now, pace) = (link.id, self.clock.now_ms(), self.pace());
        let taken = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    let taken = links::take_follow(connection, id, now).await?;
                    if let Taken::Last(reference) = taken {
                        let left = vec![reference];
                        media_references::after_deaths(connection, left, Death::Wanted, pace, now)
                            .await?;
                    }
                    Ok(taken)
                }
                .boxed()
            })
            .await?;
        match taken {
            Taken::Granted | Taken::Last(_) => Ok(()),
            Taken::None => Err(Refusal::Ended(self.state_of(link, now).await?)),
        }
    }

    /// How a link ended that was live a moment ago.
    async fn state_of(&self, link: &LinkRow, now: i64) -> Result<LinkState, StorageError> {
        let row = links::find(self.database.reader(), &link.link_id).await?;
        Ok(match row.map(|row| row.state_at(now)) {
            None | Some(LinkState::Live) => LinkState::Spent,
            Some(state) => state,
        })
    }
}
