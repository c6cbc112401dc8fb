//! What follows from a transaction: questions to the homeserver first, then one commit.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::{
    config::{BridgeConfig, CheckEvent},
    homeserver::{Homeserver, HomeserverError},
    link_service::{Consequence, LinkService},
    matrix::{EventId, MxcUri, RoomId, UserId, glob, media_of},
    storage::{
        StorageError, links,
        memory::{self, Transaction as Seen},
        room_successors::Succession,
    },
};

use super::occurrence::{Membership, Occurrence, Transaction};

/// How long a join may take before the homeserver is answered.
const JOIN_WITHIN: Duration = Duration::from_secs(10);

/// Acts on what the homeserver tells.
#[derive(Debug, Clone)]
pub struct Incoming {
    links: LinkService,
    homeserver: Arc<Homeserver>,
}

/// The questions of one transaction, each asked once.
struct Questions<'a> {
    incoming: &'a Incoming,
    bridge: &'a BridgeConfig,
    /// Whether redactions of a room name their target in the content.
    in_content: HashMap<RoomId, bool>,
}

impl Incoming {
    /// For the links of a service.
    #[must_use]
    pub fn new(links: LinkService, homeserver: Arc<Homeserver>) -> Self {
        Self { links, homeserver }
    }

    /// What is known of a transaction.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn seen(&self, bridge: &BridgeConfig, txn_id: &str) -> Result<Seen, StorageError> {
        memory::transaction(self.links.database.reader(), &bridge.id, txn_id).await
    }

    /// Acts on a transaction that was not seen before. It is durable when this returns.
    ///
    /// # Errors
    /// If the database fails: then it was not acted on.
    pub async fn act(
        &self,
        bridge: &BridgeConfig,
        txn_id: &str,
        transaction: Transaction,
    ) -> Result<(), StorageError> {
        let mut questions = Questions {
            incoming: self,
            bridge,
            in_content: HashMap::new(),
        };
        let mut consequences = Vec::new();
        for occurrence in transaction.occurrences {
            consequences.extend(questions.consequence(occurrence).await?);
        }
        self.links
            .take_transaction(&bridge.id, txn_id, consequences)
            .await?;
        Ok(())
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
    async fn consequence(
        &mut self,
        occurrence: Occurrence,
    ) -> Result<Option<Consequence>, StorageError> {
        let pushes = self.incoming.links.config.links.check_event == CheckEvent::Push;
        Ok(match occurrence {
            Occurrence::Redaction {
                room_id,
                outside,
                inside,
            } if pushes => self
                .redacted(&room_id, outside, inside)
                .await
                .map(|event_id| Consequence::Redacted { room_id, event_id }),
            Occurrence::Edit {
                room_id,
                event_id,
                sender,
                new_content,
            } if pushes => {
                let media = media_of(&new_content);
                let linked = self.linked_elsewhere(&room_id, &event_id, &media).await?;
                let is_edit = linked && self.is_author(&room_id, &event_id, &sender).await?;
                is_edit.then_some(Consequence::Edited {
                    room_id,
                    event_id,
                    media,
                })
            }
            Occurrence::Redaction { .. } | Occurrence::Edit { .. } => None,
            Occurrence::Membership {
                room_id,
                user_id,
                sender,
                membership,
            } => {
                if user_id != self.bridge.user_id.as_str() {
                    return Ok(None);
                }
                match membership {
                    Membership::Invite => {
                        self.invited(&room_id, &sender).await;
                        None
                    }
                    Membership::Join => Some(Consequence::Joined { room_id }),
                    Membership::Out => Some(Consequence::Left { room_id }),
                }
            }
            Occurrence::Policy {
                room_id,
                event_id,
                content,
            } => Some(Consequence::Policy {
                room_id,
                event_id,
                content,
            }),
            Occurrence::Tombstone { room_id, successor } => {
                Some(Consequence::Succeeded(Succession {
                    bridge: self.bridge.id.clone(),
                    room_id: room_id.into(),
                    successor: successor.into(),
                }))
            }
        })
    }

    /// The event that a redaction means: where its two places differ, the room's version decides.
    async fn redacted(
        &mut self,
        room_id: &RoomId,
        outside: Option<EventId>,
        inside: Option<EventId>,
    ) -> Option<EventId> {
        match (outside, inside) {
            (Some(outside), Some(inside)) if outside != inside => {
                let is_inside = self.redacts_in_content(room_id).await;
                Some(if is_inside { inside } else { outside })
            }
            (outside, inside) => outside.or(inside),
        }
    }

    /// Whether redactions of a room tell their target in the content: since room version 11.
    async fn redacts_in_content(&mut self, room_id: &RoomId) -> bool {
        // Since room version 12, room IDs have no server name.
        if !room_id.as_str().contains(':') {
            return true;
        }
        if let Some(known) = self.in_content.get(room_id) {
            return *known;
        }
        let create = self
            .incoming
            .homeserver
            .room_state(self.bridge, room_id.as_str(), "m.room.create")
            .await;
        let is_inside = match &create {
            Ok(Some(content)) => {
                let version = content.get("room_version");
                let version = version.and_then(|version| version.as_str()).unwrap_or("1");
                version.parse::<u32>().map_or(true, |version| version >= 11)
            }
            _ => true,
        };
        self.in_content.insert(room_id.clone(), is_inside);
        is_inside
    }

    /// Whether an event has live links to media that an edit of it no longer has.
    async fn linked_elsewhere(
        &self,
        room_id: &RoomId,
        event_id: &EventId,
        media: &BTreeSet<MxcUri>,
    ) -> Result<bool, StorageError> {
        let reader = self.incoming.links.database.reader();
        let links = links::of_event(reader, room_id.as_str(), event_id.as_str()).await?;
        let is_dropped = |link: &links::LinkRow| !media.contains(&link.claims.mxc);
        Ok(links.iter().any(is_dropped))
    }

    /// Whether somebody has sent an event: only its sender can edit it (Client-Server API,
    /// "Validity of replacement events"). Homeservers pass invalid edits on as events.
    async fn is_author(
        &self,
        room_id: &RoomId,
        event_id: &EventId,
        sender: &UserId,
    ) -> Result<bool, StorageError> {
        let asked =
            self.incoming
                .homeserver
                .event(self.bridge, room_id.as_str(), event_id.as_str());
        match asked.await {
            Ok(event) => {
                let is_state = event.get("state_key").is_some();
                let author = event.get("sender").and_then(|sender| sender.as_str());
                Ok(!is_state && author == Some(sender.as_str()))
            }
            Err(error) => {
                self.cannot_check_edit(room_id, &error);
                Ok(false)
            }
        }
    }

    fn cannot_check_edit(&self, room_id: &RoomId, error: &HomeserverError) {
        tracing::warn!(
            bridge = self.bridge.id,
            room_id = room_id.as_str(),
            %error,
            "an edit could not be checked, so the links of its event stay as they are"
        );
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
