//! Links that nobody revokes: their events are redacted, or their time is over.

use futures_util::FutureExt;

use crate::storage::{
    Connection, Lock, StorageError,
    ending::{self, Ending},
    history, seen_media,
};
use medialink_link::matrix::{EventId, RoomId};

use super::{recorder::Recorder, service::Links};

/// How many links are noted as expired in one write.
const EXPIRED_AT_ONCE: i64 = 500;

impl Links {
    /// Ends all links, of every bridge, of events that were found to be redacted, each of a room,
    /// and remembers the redactions.
    pub async fn redact(&self, redactions: Vec<(String, String)>) -> Result<(), StorageError> {
        let (now, recorder) = (self.now(), self.recorder.clone());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let rooms = redactions.iter().map(|(room_id, _)| Lock::Room(room_id));
                    connection.lock(&rooms.collect::<Vec<_>>()).await?;
                    for (room_id, event_id) in &redactions {
                        recorder
                            .redact_event(connection, room_id, event_id, now)
                            .await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// The homeserver shows an event as redacted: the same as if it had pushed the redaction.
    pub(super) async fn note_redaction(
        &self,
        room_id: &RoomId,
        event_id: &EventId,
    ) -> Result<(), StorageError> {
        let redacted = (room_id.to_string(), event_id.to_string());
        self.redact(vec![redacted]).await
    }

    /// Notes some of the links whose time is over as expired; `true`: there may be more. None, while
    /// there is doubt about the time: it cannot be undone.
    pub async fn expire(&self) -> Result<bool, StorageError> {
        if !self.recorder.clock.is_sure() {
            return Ok(false);
        }
        let (now, delays) = (self.now(), self.recorder.release_delays());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let expired = Ending::Expired(EXPIRED_AT_ONCE);
                    let ended = ending::end(connection, expired, delays, now).await?;
                    Ok(i64::try_from(ended).is_ok_and(|n| n == EXPIRED_AT_ONCE))
                }
                .boxed()
            })
            .await
    }
}

impl Recorder {
    /// Ends all links of a redacted event, and remembers the redaction.
    pub(super) async fn redact_event(
        &self,
        connection: &mut Connection,
        room_id: &str,
        event_id: &str,
        now: i64,
    ) -> Result<(), StorageError> {
        history::note_redaction(connection, room_id, event_id, now).await?;
        let hidden = seen_media::end_of_event(connection, room_id, event_id, now).await?;
        self.update_legacy(connection, &hidden, now).await?;
        let of_event = Ending::OfRedactedEvent { room_id, event_id };
        ending::end(connection, of_event, self.release_delays(), now).await?;
        Ok(())
    }
}
