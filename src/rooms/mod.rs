//! What rooms say of links: their events (were they redacted, do they share the media?) and their
//! policies, asked of the homeserver where that is not known yet.

mod events;
mod policies;
mod provenance;

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::{
    config::{BridgeConfig, CheckEvent, Provenance},
    homeserver::Homeserver,
    link_service::{Grant, IssueError, IssueRequest, Issued, LinkService, Refusal},
    storage::StorageError,
};
use medialink_link::{
    LinkState, SelfContainedLink, VerifiedLink,
    matrix::{EventId, RoomId},
};

use self::events::{Events, LookupError};

/// How many requests for links wait for the homeserver at once, of one batch.
const AT_ONCE: usize = 16;
/// How long the lookups of all requests of a batch may take together.
const BATCH_WITHIN: Duration = Duration::from_secs(30);

/// Issues and resolves links by what their rooms say.
#[derive(Clone)]
pub struct Rooms {
    links: LinkService,
    homeserver: Arc<Homeserver>,
    events: Events,
}

impl Rooms {
    /// The rooms of a homeserver.
    #[must_use]
    pub fn new(links: LinkService, homeserver: Arc<Homeserver>) -> Self {
        Self {
            events: Events::new(Arc::clone(&homeserver)),
            links,
            homeserver,
        }
    }

    /// Issues links for a bridge, in one commit, after asking the homeserver for what is needed:
    /// policies of rooms, and with `links.provenance` the events. What is returned is durable.
    ///
    /// # Errors
    /// If the database fails: then none was issued. What is wrong with one request is told in its
    /// place.
    pub async fn issue(
        &self,
        bridge: &Arc<BridgeConfig>,
        requests: Vec<IssueRequest>,
    ) -> Result<Vec<Result<Issued, IssueError>>, StorageError> {
        let rooms = requests.iter().map(|request| &request.claims.room_id);
        self.learn(bridge, rooms).await?;
        let deadline = Instant::now() + BATCH_WITHIN;
        let examined: Vec<Result<IssueRequest, IssueError>> = stream::iter(requests)
            .map(|request| async move {
                tokio::time::timeout_at(deadline, self.examined(bridge, request))
                    .await
                    .unwrap_or_else(|_| {
                        let slow = "all events of the batch together took too long";
                        Err(IssueError::EventLookup(slow.to_owned()))
                    })
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut good = Vec::with_capacity(examined.len());
        let mut refused = Vec::with_capacity(examined.len());
        for outcome in examined {
            match outcome {
                Ok(request) => {
                    good.push(request);
                    refused.push(None);
                }
                Err(IssueError::Storage(error)) => return Err(error),
                Err(error) => refused.push(Some(error)),
            }
        }
        let mut issued = self.links.issue(&bridge.id, good).await?.into_iter();
        Ok(refused
            .into_iter()
            .filter_map(|error| error.map(Err).or_else(|| issued.next()))
            .collect())
    }

    /// Decides whether a verified link may be followed now. One that was signed elsewhere passes
    /// the rules of an issue first; with `check_event: follow`, the event is looked at.
    ///
    /// # Errors
    /// [`Refusal`], if it may not.
    pub async fn resolve(&self, link: &VerifiedLink) -> Result<Grant, Refusal> {
        if let VerifiedLink::SelfContained(link) = link
            && let Some(bridge) = self.links.newcomer(link).await?
        {
            self.examine_newcomer(bridge, link).await?;
        }
        let grant = self.links.resolve(link).await?;
        if self.links.config.links.check_event == CheckEvent::Follow
            && let Some(event_id) = &grant.link.claims.event_id
        {
            let room_id = &grant.link.claims.room_id;
            let event = self.events.get(&grant.bridge, room_id, event_id).await;
            if event.map_err(lookup_failed)?.is_redacted() {
                self.note_redaction(room_id, event_id).await?;
                return Err(Refusal::Ended(LinkState::Redacted));
            }
        }
        Ok(grant)
    }

    async fn examine_newcomer(
        &self,
        bridge: &Arc<BridgeConfig>,
        link: &SelfContainedLink,
    ) -> Result<(), Refusal> {
        let claims = link.claims();
        self.learn(bridge, [&claims.room_id]).await?;
        if self.links.config.links.provenance == Provenance::Off {
            return Ok(());
        }
        let link_id = link.link_id();
        match self.prove(bridge, claims, None).await {
            Ok(_) => Ok(()),
            Err(IssueError::Redacted) => Err(Refusal::Ended(LinkState::Redacted)),
            Err(IssueError::EventLookup(why)) => Err(Refusal::EventLookup(why)),
            Err(IssueError::Storage(error)) => Err(error.into()),
            Err(why) => {
                tracing::warn!(%link_id, %why, "a link that was signed elsewhere does not prove its media");
                Err(Refusal::NotALink)
            }
        }
    }

    /// The homeserver shows an event as redacted: the same as if it had pushed the redaction.
    async fn note_redaction(
        &self,
        room_id: &RoomId,
        event_id: &EventId,
    ) -> Result<(), StorageError> {
        let redacted = (room_id.to_string(), event_id.to_string());
        self.links.redact(vec![redacted]).await
    }
}

fn lookup_failed(error: LookupError) -> Refusal {
    Refusal::EventLookup(error.to_string())
}
