//! Links that nobody revokes: their events are redacted, or their time is over.

use futures_util::FutureExt;

use crate::storage::{
    Connection, Lock, StorageError,
    ending::{self, Ending},
    history, seen_media,
};
use medialink_link::matrix::{EventId, RoomId};

use super::{recorder::Recorder, service::Links};

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
                    recorder.redact_events(connection, &redactions, now).await
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
                    let ended = ending::end(connection, Ending::Expired, delays, now).await?;
                    Ok(ended == ending::AT_ONCE)
                }
                .boxed()
            })
            .await
    }
}

impl Recorder {
    /// Ends all links of redacted events, given by room and ID, and remembers the redactions.
    pub(super) async fn redact_events(
        &self,
        connection: &mut Connection,
        events: &[(String, String)],
        now: i64,
    ) -> Result<(), StorageError> {
        history::note_redactions(connection, events, now).await?;
        let hidden = seen_media::end_of_events(connection, events, now).await?;
        self.update_legacy(connection, &hidden, now).await?;
        ending::decide_redacted(connection, events, self.release_delays(), now).await
    }
}
