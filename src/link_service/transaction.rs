//! What a transaction of the homeserver does to links: in one commit, once.

use std::collections::BTreeSet;

use futures_util::FutureExt;
use sqlx::SqliteConnection;

use crate::{
    config::OnLeave,
    link::LinkState,
    matrix::{EventId, RoomId},
    storage::{
        StorageError,
        links::{self, Criteria},
        media_references::{self, Death},
        memory, meta_events,
        room_successors::{self, Succession},
    },
};

use super::LinkService;

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
        /// The mxc URIs of the media that it has now.
        media: BTreeSet<String>,
    },
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
        consequences: Vec<Consequence>,
    ) -> Result<bool, StorageError> {
        let now = self.clock.now_ms();
        let (service, bridge, txn_id) = (self.clone(), bridge.to_owned(), txn_id.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    if !memory::note_transaction(connection, &bridge, &txn_id, now).await? {
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
                self.redact_event(connection, room_id.into(), event_id.into(), now)
                    .await
            }
            Consequence::Edited {
                room_id,
                event_id,
                media,
            } => {
                self.end_dropped(connection, &room_id, &event_id, &media, now)
                    .await
            }
            Consequence::Left { room_id } => match self.config.links.on_leave {
                OnLeave::Keep => Ok(()),
                OnLeave::Revoke => {
                    let of_room = Criteria {
                        room_id: Some(room_id.into()),
                        ..Criteria::default()
                    };
                    memory::note_revocation(connection, bridge, &of_room, now).await?;
                    self.end(connection, Some(bridge), &of_room, LinkState::Revoked, now)
                        .await
                }
            },
            Consequence::Joined { room_id } => {
                let room_id = room_id.as_str();
                meta_events::try_now(connection, bridge, room_id, now).await?;
                for room in room_successors::counted_here(connection, bridge, room_id).await? {
                    media_references::retry_failed(connection, Some((bridge, &room)), now).await?;
                }
                room_successors::joined(connection, bridge, room_id, now).await
            }
            Consequence::Succeeded(succession) => {
                room_successors::note(connection, &succession, now).await
            }
        }
    }

    /// Ends all links of a redacted event, and remembers it for those not seen yet.
    async fn redact_event(
        &self,
        connection: &mut SqliteConnection,
        room_id: String,
        event_id: String,
        now: i64,
    ) -> Result<(), StorageError> {
        memory::note_redaction(connection, &room_id, &event_id, now).await?;
        let of_event = Criteria {
            room_id: Some(room_id),
            event_id: Some(event_id),
            ..Criteria::default()
        };
        self.end(connection, None, &of_event, LinkState::Redacted, now)
            .await
    }

    /// Ends the links of an edited event to media that it no longer has, and remembers them for
    /// those not seen yet.
    async fn end_dropped(
        &self,
        connection: &mut SqliteConnection,
        room_id: &RoomId,
        event_id: &EventId,
        media: &BTreeSet<String>,
        now: i64,
    ) -> Result<(), StorageError> {
        let linked = links::of_event(&mut *connection, room_id.as_str(), event_id.as_str()).await?;
        for link in linked {
            let mxc = link.claims.mxc.to_string();
            if media.contains(&mxc) {
                continue;
            }
            let dropped = Criteria {
                room_id: Some(room_id.to_string()),
                event_id: Some(event_id.to_string()),
                mxc: Some(mxc),
                ..Criteria::default()
            };
            memory::note_revocation(connection, &link.bridge, &dropped, now).await?;
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
