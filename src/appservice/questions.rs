//! Questions to the homeserver about the events of a transaction.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use futures_util::{StreamExt, stream};

use crate::{
    config::BridgeConfig,
    homeserver::{Homeserver, HomeserverError},
    links::{Effect, Links},
    storage::StorageError,
};
use medialink_event::media_of;
use medialink_link::matrix::{EventId, MxcUri, RoomId, UserId};

use super::{glob, occurrence::Occurrence};

/// How long a join may take before the homeserver is answered.
const JOIN_WITHIN: Duration = Duration::from_secs(10);
/// How many rooms are joined at once.
const JOINS_AT_ONCE: usize = 8;
/// Why a transaction was not acted on.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The homeserver did not answer a question without which it cannot be understood.
    #[error("the homeserver did not tell what a transaction means: {0}")]
    Unsure(HomeserverError),
}

/// The questions of one transaction, each asked once.
pub(super) struct Questions<'a> {
    links: &'a Links,
    homeserver: &'a Homeserver,
    bridge: &'a BridgeConfig,
    /// Whether redactions of a room name their target in the content.
    in_content: HashMap<RoomId, Option<bool>>,
}

impl<'a> Questions<'a> {
    pub(super) fn new(
        links: &'a Links,
        homeserver: &'a Homeserver,
        bridge: &'a BridgeConfig,
    ) -> Self {
        Self {
            links,
            homeserver,
            bridge,
            in_content: HashMap::new(),
        }
    }

    /// The effects of occurrences about which the homeserver has to be asked.
    pub(super) async fn effects(&mut self, open: Vec<Occurrence>) -> Result<Vec<Effect>, ActError> {
        let mut effects = Vec::new();
        let mut invites = Vec::new();
        for occurrence in open {
            match occurrence {
                Occurrence::Redaction {
                    room_id,
                    redacts_top_level,
                    redacts_in_content,
                } => {
                    let redacted = self
                        .redacted(&room_id, redacts_top_level, redacts_in_content)
                        .await?;
                    effects.extend(redacted.map(|event_id| Effect::Redacted { room_id, event_id }));
                }
                Occurrence::Edit {
                    room_id,
                    event_id,
                    sender,
                    new_content,
                } => {
                    let media = media_of(&new_content.0);
                    if self
                        .links
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

    /// The event that a redaction means: up to room version 10 the one at the top level, since then
    /// the one in its content. The other place may hold anything.
    async fn redacted(
        &mut self,
        room_id: &RoomId,
        redacts_top_level: Option<EventId>,
        redacts_in_content: Option<EventId>,
    ) -> Result<Option<EventId>, ActError> {
        Ok(match self.redacts_in_content(room_id).await? {
            Some(true) => redacts_in_content,
            Some(false) => redacts_top_level,
            // A user who is not in the room cannot read its version.
            None => redacts_in_content.or(redacts_top_level),
        })
    }

    /// Whether redactions of a room name their target in the content: since room version 11.
    async fn redacts_in_content(&mut self, room_id: &RoomId) -> Result<Option<bool>, ActError> {
        // Since room version 12, room IDs have no server name.
        if !room_id.as_str().contains(':') {
            return Ok(Some(true));
        }
        if let Some(known) = self.in_content.get(room_id) {
            return Ok(*known);
        }
        let create = self
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
        let asked = self
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
            .any(|pattern| glob::matches(pattern, sender.as_str()))
        {
            return;
        }
        let join = self.homeserver.join(bridge, room_id);
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
