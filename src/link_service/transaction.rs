//! What a transaction of the homeserver does to links: in one commit, once.

use std::collections::BTreeSet;

use futures_util::FutureExt;
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::{
    config::OnLeave,
    storage::{
        StorageError,
        links::{self, Criteria},
        media_references::{self, Death},
        memory, meta_events,
        room_successors::{self, Succession},
        seen_media,
    },
};
use medialink_link::{
    LinkState,
    matrix::{ContentToken, EventId, MxcUri, RoomId},
};

use super::LinkService;

/// Media that an event shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its room.
    pub room_id: RoomId,
    /// The event; of an edit, the one that it edits.
    pub event_id: EventId,
    /// The event itself, or its edit.
    pub shown_by: EventId,
    /// The media, with the content tokens that the event tells.
    pub media: Vec<(MxcUri, Option<ContentToken>)>,
}

/// What follows from an event that the homeserver has told, for links and for the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    /// An event was redacted: its links end, those of every bridge.
    Redacted {
        /// Its room.
        room_id: RoomId,
        /// The event.
        event_id: EventId,
    },
    /// An event was edited: its links to media that it no longer has end, those of every bridge.
    Edited {
        /// Its room.
        room_id: RoomId,
        /// The event.
        event_id: EventId,
        /// The media that it has now.
        media: BTreeSet<MxcUri>,
        /// The media that it had at first.
        before: BTreeSet<MxcUri>,
    },
    /// An event has shown media, which links that the bridge makes by itself may lead to.
    Shown(Shown),
    /// The bridge's user has left a room, or was removed from it.
    Left {
        /// The room.
        room_id: RoomId,
    },
    /// The bridge's user is in a room: what it could not do there while it was away is due.
    Joined {
        /// The room.
        room_id: RoomId,
    },
    /// A room was replaced by another one.
    Succeeded(Succession),
    /// A room has a policy for links.
    Policy {
        /// The room.
        room_id: RoomId,
        /// The state event that says so.
        event_id: EventId,
        /// What it says.
        content: Value,
    },
}

impl LinkService {
    /// Acts on a transaction of the homeserver, once. `false`: it was seen before.
    ///
    /// # Errors
    /// If the database fails: then it was not acted on.
    pub async fn take_transaction(
        &self,
        bridge: &str,
        txn_id: &str,
        digest: [u8; 32],
        consequences: Vec<Consequence>,
    ) -> Result<bool, StorageError> {
        let now = self.clock.now_ms();
        let (service, bridge, txn_id) = (self.clone(), bridge.to_owned(), txn_id.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    if !memory::note_transaction(connection, &bridge, &txn_id, &digest, now).await?
                    {
                        return Ok(false);
                    }
                    for consequence in consequences {
                        service
                            .carry_out(connection, &bridge, consequence, now)
                            .await?;
                    }
                    Ok(true)
                }
                .boxed()
            })
            .await
    }

    /// Acts on what is certain of a transaction whose rest is still asked about. It may be acted
    /// on again with the whole.
    ///
    /// # Errors
    /// If the database fails: then it was not acted on.
    pub async fn take_certain(
        &self,
        bridge: &str,
        consequences: Vec<Consequence>,
    ) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        let (service, bridge) = (self.clone(), bridge.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    for consequence in consequences {
                        service
                            .carry_out(connection, &bridge, consequence, now)
                            .await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// Notes that the bridge behind us has taken a transaction.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn note_handed_on(&self, bridge: &str, txn_id: &str) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        let (bridge, txn_id) = (bridge.to_owned(), txn_id.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move { memory::note_handed_on(connection, &bridge, &txn_id, now).await }
                    .boxed()
            })
            .await
    }

    async fn carry_out(
        &self,
        connection: &mut SqliteConnection,
        bridge: &str,
        consequence: Consequence,
        now: i64,
    ) -> Result<(), StorageError> {
        match consequence {
            Consequence::Redacted { room_id, event_id } => {
                let (room_id, event_id) = (room_id.to_string(), event_id.to_string());
                if self
                    .is_policy_event(connection, &room_id, &event_id)
                    .await?
                {
                    self.doubt_policy(connection, &room_id, bridge).await?;
                }
                self.redact_events(connection, vec![(room_id, event_id)], now)
                    .await
            }
            Consequence::Edited {
                room_id,
                event_id,
                media,
                before,
            } => {
                let (room, event) = (room_id.as_str(), event_id.as_str());
                for mxc in before.difference(&media) {
                    memory::note_dropped(connection, room, event, mxc, now).await?;
                }
                for mxc in &media {
                    memory::note_kept(connection, room, event, mxc).await?;
                }
                let shown = seen_media::of_event(&mut *connection, room, event).await?;
                let ceased: Vec<_> = shown
                    .into_iter()
                    .filter(|(told, mxc)| told == bridge && !media.contains(mxc))
                    .collect();
                for (_, mxc) in &ceased {
                    seen_media::end_dropped(connection, bridge, room, event, mxc, now).await?;
                }
                self.note_ceased(connection, ceased, now).await?;
                self.end_dropped(connection, &room_id, &event_id, &media, now)
                    .await
            }
            Consequence::Shown(shown) => self.note_shown(connection, bridge, shown, now).await,
            Consequence::Left { room_id } => match self.config.links.on_leave {
                OnLeave::Keep => Ok(()),
                OnLeave::Revoke => {
                    let of_room = Criteria {
                        room_id: Some(room_id.into()),
                        ..Criteria::default()
                    };
                    let room_id = of_room.room_id.as_deref().unwrap_or_default();
                    memory::note_revocation_of_room(connection, bridge, room_id, now).await?;
                    let ceased =
                        seen_media::end_of_room(connection, Some(bridge), room_id, now).await?;
                    self.note_ceased(connection, ceased, now).await?;
                    self.end(connection, Some(bridge), &of_room, LinkState::Revoked, now)
                        .await
                }
            },
            Consequence::Joined { room_id } => {
                let room_id = room_id.as_str();
                meta_events::make_due(connection, bridge, room_id, now).await?;
                for room in room_successors::counted_here(connection, bridge, room_id).await? {
                    media_references::retry_failed(connection, Some((bridge, &room)), now).await?;
                }
                // It may have been closed to us when it was asked.
                self.doubt_policy(connection, room_id, bridge).await?;
                room_successors::joined(connection, bridge, room_id, now).await
            }
            Consequence::Succeeded(succession) => {
                room_successors::note(connection, &succession, now).await
            }
            Consequence::Policy {
                room_id,
                event_id,
                content,
            } => {
                let event_id = Some(event_id.as_str());
                self.note_policy_in(connection, bridge, room_id.as_str(), event_id, &content)
                    .await
            }
        }
    }

    /// Ends the links of an edited event to media that it no longer has, and remembers them for
    /// those not seen yet. Pastes stay: an event never has the media of a paste of it, and a paste
    /// of the new text may be older than the news of the edit.
    async fn end_dropped(
        &self,
        connection: &mut SqliteConnection,
        room_id: &RoomId,
        event_id: &EventId,
        media: &BTreeSet<MxcUri>,
        now: i64,
    ) -> Result<(), StorageError> {
        let linked = links::of_event(&mut *connection, room_id.as_str(), event_id.as_str()).await?;
        for link in linked {
            if link.paste.is_some() || media.contains(&link.claims.mxc) {
                continue;
            }
            let dropped = Criteria {
                room_id: Some(room_id.to_string()),
                event_id: Some(event_id.to_string()),
                mxc: Some(link.claims.mxc.to_string()),
                ..Criteria::default()
            };
            let (room, event) = (room_id.as_str(), event_id.as_str());
            memory::note_dropped(connection, room, event, &link.claims.mxc, now).await?;
            self.end(
                connection,
                Some(&link.bridge),
                &dropped,
                LinkState::Redacted,
                now,
            )
            .await?;
        }
        Ok(())
    }

    async fn end(
        &self,
        connection: &mut SqliteConnection,
        bridge: Option<&str>,
        criteria: &Criteria,
        state: LinkState,
        now: i64,
    ) -> Result<(), StorageError> {
        let ended = links::end(connection, bridge, criteria, state, now).await?;
        media_references::after_deaths(connection, ended, Death::Wanted, self.pace(), now).await
    }
}
