//! Transactions of the homeserver, acted on once, in one commit.

use std::collections::BTreeSet;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    config::OnLeave,
    storage::{
        Connection, Lock, StorageError, ending,
        history::{self, TransactionStatus},
        links::{self, Criteria},
        media_references, meta_events, open_questions, room_policies, room_successors, seen_media,
    },
};
use medialink_link::{
    LinkState,
    matrix::{EventId, MxcUri, RoomId},
};

use super::{effect::Effect, recorder::Recorder, service::Links};

impl Links {
    /// How far a transaction of the homeserver has come.
    pub async fn transaction_status(
        &self,
        bridge: &str,
        txn_id: &str,
        digest: &[u8; 32],
    ) -> Result<TransactionStatus, StorageError> {
        if self.handed_on.contains(bridge, txn_id, digest) {
            return Ok(TransactionStatus::HandedOn);
        }
        history::transaction_status(self.database.reader(), bridge, txn_id, Some(digest)).await
    }

    /// Whether it matters to links which media an event has now: one of them is to other media, the
    /// event has shown other media, or some of this media was gone.
    pub async fn is_changed_by_edit(
        &self,
        room_id: &RoomId,
        event_id: &EventId,
        media: &BTreeSet<MxcUri>,
    ) -> Result<bool, StorageError> {
        let (room_id, event_id) = (room_id.as_str(), event_id.as_str());
        let mut connection = self.database.reader().acquire().await?;
        let links = links::of_event(&mut connection, room_id, event_id).await?;
        if links.iter().any(|link| !media.contains(&link.claims.mxc)) {
            return Ok(true);
        }
        let shown = seen_media::of_event(&mut connection, room_id, event_id).await?;
        if shown.iter().any(|(_, mxc)| !media.contains(mxc)) {
            return Ok(true);
        }
        for mxc in media {
            if history::is_dropped(&mut connection, room_id, event_id, mxc).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Acts on a transaction of the homeserver, once. `false`: it was seen before.
    ///
    /// # Errors
    /// If the database fails: then it was not acted on.
    pub async fn take_transaction(
        &self,
        bridge: &str,
        txn_id: &str,
        digest: [u8; 32],
        effects: Vec<Effect>,
    ) -> Result<bool, StorageError> {
        let now = self.now();
        let (recorder, bridge, txn_id) =
            (self.recorder.clone(), bridge.to_owned(), txn_id.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let is_new =
                        history::note_transaction(connection, &bridge, &txn_id, &digest, now)
                            .await?;
                    if is_new {
                        recorder.apply(connection, &bridge, effects, now).await?;
                    }
                    Ok(is_new)
                }
                .boxed()
            })
            .await
    }

    /// Acts on the certain effects of a transaction while the others are still asked about. They
    /// may be acted on again with the whole.
    ///
    /// # Errors
    /// If the database fails: then nothing was acted on.
    pub async fn take_certain(
        &self,
        bridge: &str,
        effects: Vec<Effect>,
    ) -> Result<(), StorageError> {
        let now = self.now();
        let (recorder, bridge) = (self.recorder.clone(), bridge.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move { recorder.apply(connection, &bridge, effects, now).await }.boxed()
            })
            .await
    }

    /// Notes that the bridge behind us has taken a transaction, soon.
    pub fn note_handed_on(&self, bridge: &str, txn_id: &str, digest: [u8; 32]) {
        self.handed_on.add(bridge, txn_id, digest);
    }

    /// Notes which transactions the bridges behind us have taken, until it is cancelled.
    pub async fn note_handed_on_transactions(&self, stop: CancellationToken) {
        self.handed_on.work(stop).await;
    }

    /// Notes those that were not noted yet. What cannot be noted is forgotten.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn flush_handed_on(&self) -> Result<(), StorageError> {
        self.handed_on.flush().await
    }
}

impl Recorder {
    pub(super) async fn apply(
        &self,
        connection: &mut Connection,
        bridge: &str,
        effects: Vec<Effect>,
        now: i64,
    ) -> Result<(), StorageError> {
        let rooms = effects.iter().map(|effect| Lock::Room(effect.room_id()));
        connection.lock(&rooms.collect::<Vec<_>>()).await?;
        // Redactions that follow each other are one set.
        let mut redacted = Vec::new();
        for effect in effects {
            if let Effect::Redacted { room_id, event_id } = effect {
                redacted.push((room_id.to_string(), event_id.to_string()));
                continue;
            }
            let before = std::mem::take(&mut redacted);
            self.redacted(connection, bridge, &before, now).await?;
            self.apply_one(connection, bridge, effect, now).await?;
        }
        self.redacted(connection, bridge, &redacted, now).await
    }

    async fn apply_one(
        &self,
        connection: &mut Connection,
        bridge: &str,
        effect: Effect,
        now: i64,
    ) -> Result<(), StorageError> {
        match effect {
            Effect::Redacted { room_id, event_id } => {
                let event = (room_id.to_string(), event_id.to_string());
                self.redacted(connection, bridge, &[event], now).await
            }
            Effect::Edited {
                room_id,
                event_id,
                media,
                before,
            } => {
                let event = (room_id.as_str(), event_id.as_str());
                self.edited(connection, bridge, event, (&media, &before), now)
                    .await
            }
            Effect::Unsure { room_id, question } => {
                self.note_question(connection, bridge, &room_id, question, now)
                    .await
            }
            Effect::Shown(shown) => self.note_shown(connection, bridge, shown, now).await,
            Effect::Left { room_id } => match self.config.links.on_leave {
                OnLeave::Keep => Ok(()),
                OnLeave::Revoke => {
                    self.revoke_room(connection, bridge, room_id.as_str(), now)
                        .await
                }
            },
            Effect::Joined { room_id } => joined(connection, bridge, room_id.as_str(), now).await,
            Effect::Succeeded(succession) => {
                room_successors::note(connection, &succession, now).await
            }
            Effect::Policy {
                room_id,
                event_id,
                content,
            } => {
                let event_id = Some(event_id.as_str());
                self.note_policy(connection, bridge, room_id.as_str(), event_id, &content)
                    .await
            }
        }
    }

    /// An event, given by room and ID, has this media now, and had that before, by what a bridge has
    /// received.
    pub(super) async fn edited(
        &self,
        connection: &mut Connection,
        bridge: &str,
        event: (&str, &str),
        (media, before): (&BTreeSet<MxcUri>, &BTreeSet<MxcUri>),
        now: i64,
    ) -> Result<(), StorageError> {
        for mxc in before.difference(media) {
            history::note_dropped(connection, event.0, event.1, mxc, now).await?;
        }
        for mxc in media {
            history::note_kept(connection, event.0, event.1, mxc).await?;
        }
        self.hide_dropped(connection, bridge, event, media, now)
            .await?;
        self.end_dropped(connection, event, media, now).await
    }

    /// Events, given by room and ID, were redacted.
    pub(super) async fn redacted(
        &self,
        connection: &mut Connection,
        bridge: &str,
        events: &[(String, String)],
        now: i64,
    ) -> Result<(), StorageError> {
        if events.is_empty() {
            return Ok(());
        }
        let rooms = events.iter().map(|(room_id, _)| room_id.as_str());
        let known = room_policies::find_all(&mut *connection, &rooms.collect()).await?;
        for (room_id, event_id) in events {
            let policy = known
                .get(room_id)
                .and_then(|known| known.event_id.as_deref());
            // Without its policy event, the room has another policy.
            if policy == Some(event_id.as_str()) {
                room_policies::doubt(connection, room_id, bridge, now).await?;
            }
        }
        self.redact_events(connection, events, now).await
    }

    /// An edited event, given by room and ID, does not show other media any more, by what a bridge
    /// has received.
    async fn hide_dropped(
        &self,
        connection: &mut Connection,
        bridge: &str,
        (room_id, event_id): (&str, &str),
        media: &BTreeSet<MxcUri>,
        now: i64,
    ) -> Result<(), StorageError> {
        let mut hidden = seen_media::of_event(&mut *connection, room_id, event_id).await?;
        hidden.retain(|(shown_to, mxc)| shown_to == bridge && !media.contains(mxc));
        for (_, mxc) in &hidden {
            seen_media::end_dropped(connection, bridge, room_id, event_id, mxc, now).await?;
        }
        self.update_legacy(connection, &hidden, now).await
    }

    /// Ends the links of an edited event, given by room and ID, to media that it no longer has, and
    /// remembers them for those not seen yet. Pastes stay: an event never has the media of a paste
    /// of it, and a paste of the new text may be older than the news of the edit.
    async fn end_dropped(
        &self,
        connection: &mut Connection,
        (room_id, event_id): (&str, &str),
        media: &BTreeSet<MxcUri>,
        now: i64,
    ) -> Result<(), StorageError> {
        let links = links::of_event(&mut *connection, room_id, event_id).await?;
        let dropped = links
            .into_iter()
            .filter(|link| link.paste.is_none() && !media.contains(&link.claims.mxc));
        let dropped: BTreeSet<_> = dropped
            .map(|link| (link.bridge, link.claims.mxc.clone()))
            .collect();
        for (bridge, mxc) in dropped {
            let criteria = Criteria {
                room_id: Some(room_id.to_owned()),
                event_id: Some(event_id.to_owned()),
                mxc: Some(mxc.to_string()),
                ..Criteria::default()
            };
            history::note_dropped(connection, room_id, event_id, &mxc, now).await?;
            let (state, delays) = (LinkState::Redacted, self.release_delays());
            ending::decide(connection, Some(&bridge), &criteria, state, delays, now).await?;
        }
        Ok(())
    }

    /// Revokes all links that a bridge has to media of a room.
    async fn revoke_room(
        &self,
        connection: &mut Connection,
        bridge: &str,
        room_id: &str,
        now: i64,
    ) -> Result<(), StorageError> {
        history::note_revocation_of_room(connection, bridge, room_id, now).await?;
        let hidden = seen_media::end_of_room(connection, Some(bridge), room_id, now).await?;
        self.update_legacy(connection, &hidden, now).await?;
        let of_room = Criteria {
            room_id: Some(room_id.to_owned()),
            ..Criteria::default()
        };
        let (state, delays) = (LinkState::Revoked, self.release_delays());
        ending::decide(connection, Some(bridge), &of_room, state, delays, now).await?;
        Ok(())
    }
}

/// The bridge's user is in a room again.
async fn joined(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    now: i64,
) -> Result<(), StorageError> {
    meta_events::make_due(connection, bridge, room_id, now).await?;
    open_questions::make_due(connection, bridge, room_id, now).await?;
    for room in room_successors::counted_here(connection, bridge, room_id).await? {
        media_references::retry_failed(connection, Some((bridge, &room)), now).await?;
    }
    // Its policy may have been closed to us when it was asked for.
    room_policies::doubt(connection, room_id, bridge, now).await?;
    room_successors::joined(connection, bridge, room_id, now).await
}
