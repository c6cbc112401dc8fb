//! What follows from a transaction: questions to the homeserver first, then one commit.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt, stream};

use crate::{
    config::{BridgeConfig, CheckEvent},
    homeserver::{Homeserver, HomeserverError},
    links::{Effect, Links},
    storage::{StorageError, history, room_successors::Succession},
};
use medialink_event::media_of;
use medialink_link::matrix::{EventId, MxcUri, RoomId, UserId};

use super::occurrence::{Membership, Occurrence, Transaction};

/// How long a join may take before the homeserver is answered.
const JOIN_WITHIN: Duration = Duration::from_secs(10);
/// How many rooms are joined at once.
const JOINS_AT_ONCE: usize = 8;
/// How long all questions about a transaction may take. Homeservers wait about a minute.
const ASK_WITHIN: Duration = Duration::from_secs(40);

/// Acts on what the homeserver tells.
#[derive(Debug, Clone)]
pub struct Incoming {
    links: Links,
    homeserver: Arc<Homeserver>,
    check_event: CheckEvent,
}

/// Why a transaction was not acted on.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The homeserver did not tell what it takes to understand the transaction.
    #[error("the homeserver did not tell what a transaction means: {0}")]
    Unsure(HomeserverError),
}

/// What follows from an occurrence.
enum Decided {
    Certain(Effect),
    /// Somebody has to be asked.
    Open(Occurrence),
    Nothing,
}

/// The questions of one transaction, each asked once.
struct Questions<'a> {
    incoming: &'a Incoming,
    bridge: &'a BridgeConfig,
    /// Whether redactions of a room name their target in the content.
    in_content: HashMap<RoomId, Option<bool>>,
}

impl Incoming {
    /// Acts on these links; `check_event`: how redactions and edits are heard of.
    #[must_use]
    pub fn new(links: Links, homeserver: Arc<Homeserver>, check_event: CheckEvent) -> Self {
        Self {
            links,
            homeserver,
            check_event,
        }
    }

    /// What is known of a transaction.
    pub async fn seen(
        &self,
        bridge: &BridgeConfig,
        txn_id: &str,
        transaction: &Transaction,
    ) -> Result<history::Transaction, StorageError> {
        let digest = &transaction.digest;
        self.links.transaction(&bridge.id, txn_id, digest).await
    }

    /// Acts on a transaction that was not seen before. It is durable when this returns. What is
    /// certain is acted on before anybody is asked about the rest.
    ///
    /// # Errors
    /// If the database fails, or the homeserver does not tell what it takes to understand the
    /// transaction: then it is to be repeated.
    pub async fn act(
        &self,
        bridge: &BridgeConfig,
        txn_id: &str,
        transaction: Transaction,
    ) -> Result<(), ActError> {
        let (mut certain, mut open) = (Vec::new(), Vec::new());
        for occurrence in transaction.occurrences {
            match self.decided(bridge, occurrence) {
                Decided::Certain(effect) => certain.push(effect),
                Decided::Open(occurrence) => open.push(occurrence),
                Decided::Nothing => {}
            }
        }
        let effects = if open.is_empty() {
            certain
        } else {
            self.links.take_certain(&bridge.id, certain).await?;
            let mut questions = Questions {
                incoming: self,
                bridge,
                in_content: HashMap::new(),
            };
            tokio::time::timeout(ASK_WITHIN, questions.effects(open))
                .await
                .unwrap_or(Err(ActError::Unsure(HomeserverError::Slow)))?
        };
        self.links
            .take_transaction(&bridge.id, txn_id, transaction.digest, effects)
            .await?;
        Ok(())
    }

    /// What follows, as far as nobody has to be asked.
    fn decided(&self, bridge: &BridgeConfig, occurrence: Occurrence) -> Decided {
        let pushes = self.check_event == CheckEvent::Push;
        let certain = match occurrence {
            Occurrence::Redaction { .. } | Occurrence::Edit { .. } if !pushes => {
                return Decided::Nothing;
            }
            Occurrence::Redaction {
                room_id,
                outside: Some(outside),
                inside: Some(inside),
            } if outside == inside => Effect::Redacted {
                room_id,
                event_id: inside,
            },
            Occurrence::Membership { ref user_id, .. } if *user_id != bridge.user_id.as_str() => {
                return Decided::Nothing;
            }
            Occurrence::Membership {
                room_id,
                membership: Membership::Join,
                ..
            } => Effect::Joined { room_id },
            Occurrence::Membership {
                room_id,
                membership: Membership::Out,
                ..
            } => Effect::Left { room_id },
            Occurrence::Tombstone { room_id, successor } => Effect::Succeeded(Succession {
                bridge: bridge.id.clone(),
                room_id: room_id.into(),
                successor: successor.into(),
            }),
            // What an edit shows is noted in its turn: the edits before it take media away.
            Occurrence::Shown(shown) if shown.event_id == shown.shown_by => Effect::Shown(shown),
            Occurrence::Policy {
                room_id,
                event_id,
                content,
            } => Effect::Policy {
                room_id,
                event_id,
                content,
            },
            open => return Decided::Open(open),
        };
        Decided::Certain(certain)
    }

    /// Notes that the bridge behind us has taken a transaction. If this is lost, the bridge gets
    /// it once more should the homeserver repeat it, and knows it by its ID.
    pub fn note_handed_on(&self, bridge: &BridgeConfig, txn_id: &str) {
        let (links, bridge, txn_id) = (self.links.clone(), bridge.id.clone(), txn_id.to_owned());
        tokio::spawn(async move {
            if let Err(error) = links.note_handed_on(&bridge, &txn_id).await {
                tracing::warn!(%error, bridge, "it could not be noted that the bridge has a transaction");
            }
        });
    }
}

impl Questions<'_> {
    async fn effects(&mut self, open: Vec<Occurrence>) -> Result<Vec<Effect>, ActError> {
        let mut effects = Vec::new();
        let mut invites = Vec::new();
        for occurrence in open {
            match occurrence {
                Occurrence::Redaction {
                    room_id,
                    outside,
                    inside,
                } => {
                    let redacted = self.redacted(&room_id, outside, inside).await?;
                    effects.extend(redacted.map(|event_id| Effect::Redacted { room_id, event_id }));
                }
                Occurrence::Edit {
                    room_id,
                    event_id,
                    sender,
                    new_content,
                } => {
                    let media = media_of(&new_content.0);
                    let links = &self.incoming.links;
                    if links
                        .is_changed_by_edit(&room_id, &event_id, &media)
                        .await?
                        && let Some(before) =
                            self.media_of_author(&room_id, &event_id, &sender).await?
                    {
                        effects.push(Effect::Edited {
                            room_id,
                            event_id,
                            media,
                            before,
                        });
                    }
                }
                Occurrence::Membership {
                    room_id, sender, ..
                } => invites.push((room_id, sender)),
                Occurrence::Shown(shown) => effects.push(Effect::Shown(shown)),
                Occurrence::Tombstone { .. } | Occurrence::Policy { .. } => {}
            }
        }
        let asking = &*self;
        stream::iter(invites)
            .for_each_concurrent(JOINS_AT_ONCE, |(room_id, sender)| async move {
                asking.invited(&room_id, &sender).await;
            })
            .await;
        Ok(effects)
    }

    /// The event that a redaction means: up to room version 10 the one that it names outside of
    /// its content, since then the one that it names inside. The other place may hold anything.
    async fn redacted(
        &mut self,
        room_id: &RoomId,
        outside: Option<EventId>,
        inside: Option<EventId>,
    ) -> Result<Option<EventId>, ActError> {
        Ok(match self.redacts_in_content(room_id).await? {
            Some(true) => inside,
            Some(false) => outside,
            // Who is not in the room is not told its version.
            None => inside.or(outside),
        })
    }

    /// Whether redactions of a room tell their target in the content: since room version 11.
    async fn redacts_in_content(&mut self, room_id: &RoomId) -> Result<Option<bool>, ActError> {
        // Since room version 12, room IDs have no server name.
        if !room_id.as_str().contains(':') {
            return Ok(Some(true));
        }
        if let Some(known) = self.in_content.get(room_id) {
            return Ok(*known);
        }
        let create = self
            .incoming
            .homeserver
            .room_state(self.bridge, room_id.as_str(), "m.room.create")
            .await;
        let known = match create {
            Ok(Some(content)) => {
                let version = content.get("room_version");
                let version = version.and_then(|version| version.as_str()).unwrap_or("1");
                Some(version.parse::<u32>().map_or(true, |version| version >= 11))
            }
            Ok(None) => None,
            Err(error) if matches!(error.status(), 403 | 404) => None,
            Err(error) => return Err(ActError::Unsure(error)),
        };
        self.in_content.insert(room_id.clone(), known);
        Ok(known)
    }

    /// The media that an event had at first, if somebody is its sender: only the sender can edit
    /// it (Client-Server API, "Validity of replacement events"). Homeservers pass invalid edits on
    /// as events.
    async fn media_of_author(
        &self,
        room_id: &RoomId,
        event_id: &EventId,
        sender: &UserId,
    ) -> Result<Option<BTreeSet<MxcUri>>, ActError> {
        let asked =
            self.incoming
                .homeserver
                .event(self.bridge, room_id.as_str(), event_id.as_str());
        match asked.await {
            Ok(event) => {
                let is_state = event.get("state_key").is_some();
                let author = event.get("sender").and_then(|sender| sender.as_str());
                let is_edit = !is_state && author == Some(sender.as_str());
                Ok(is_edit.then(|| event.get("content").map(media_of).unwrap_or_default()))
            }
            Err(error) if matches!(error.status(), 403 | 404) => {
                tracing::warn!(
                    bridge = self.bridge.id,
                    room_id = room_id.as_str(),
                    %error,
                    "an edit could not be checked, so the links of its event stay as they are"
                );
                Ok(None)
            }
            Err(error) => Err(ActError::Unsure(error)),
        }
    }

    /// Accepts an invite of the bridge's user, if it is from somebody whose invites it accepts.
    async fn invited(&self, room_id: &RoomId, sender: &UserId) {
        let (bridge, room_id) = (self.bridge, room_id.as_str());
        let patterns = &bridge.accept_invites;
        if !patterns
            .iter()
            .any(|pattern| super::glob::matches(pattern, sender.as_str()))
        {
            return;
        }
        let join = self.incoming.homeserver.join(bridge, room_id);
        match tokio::time::timeout(JOIN_WITHIN, join).await {
            Ok(Ok(())) => tracing::info!(bridge = bridge.id, room_id, "invite accepted"),
            Ok(Err(error)) => {
                tracing::warn!(bridge = bridge.id, room_id, %error, "an invite could not be accepted");
            }
            Err(_) => tracing::warn!(
                bridge = bridge.id,
                room_id,
                "an invite could not be accepted in time"
            ),
        }
    }
}
