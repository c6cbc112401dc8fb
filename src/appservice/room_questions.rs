//! Questions to the homeserver about the events of one room.

use std::collections::BTreeSet;

use crate::{
    config::BridgeConfig,
    homeserver::{Homeserver, HomeserverError},
};
use medialink_event::media_of;
use medialink_link::matrix::{EventId, MxcUri, RoomId, UserId};

/// Where the redactions of a room name the event that they redact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the top level: up to room version 10.
    TopLevel,
    /// In the content: since room version 11.
    Content,
    /// The bridge's user may not know the room's version.
    Unreadable,
}

/// An edited event as it was at first.
pub(super) struct Original {
    sender: Option<String>,
    /// The media that it had.
    pub(super) media: BTreeSet<MxcUri>,
}

impl Original {
    /// Whether somebody is its sender: only the sender can edit it (Client-Server API, "Validity of
    /// replacement events"). Homeservers pass invalid edits on as events.
    pub(super) fn is_by(&self, sender: &UserId) -> bool {
        self.sender.as_deref() == Some(sender.as_str())
    }
}

/// Asks about one room as a bridge's user; its version only once.
pub(super) struct RoomQuestions<'a> {
    homeserver: &'a Homeserver,
    bridge: &'a BridgeConfig,
    room_id: &'a RoomId,
    place: Option<Place>,
}

impl<'a> RoomQuestions<'a> {
    pub(super) fn new(
        homeserver: &'a Homeserver,
        bridge: &'a BridgeConfig,
        room_id: &'a RoomId,
    ) -> Self {
        Self {
            homeserver,
            bridge,
            room_id,
            // Since room version 12, room IDs have no server name.
            place: (!room_id.as_str().contains(':')).then_some(Place::Content),
        }
    }

    /// Whether nobody has to be asked where redactions name their event.
    pub(super) fn knows_place(&self) -> bool {
        self.place.is_some()
    }

    /// The events that a redaction means. The place that does not count may hold anything; of a room
    /// whose version the bridge's user may not know, both count.
    ///
    /// # Errors
    /// If the homeserver does not answer.
    pub(super) async fn redacted(
        &mut self,
        top_level: Option<&EventId>,
        in_content: Option<&EventId>,
    ) -> Result<Vec<EventId>, HomeserverError> {
        let (top_level, in_content) = match self.place().await? {
            Place::TopLevel => (top_level, None),
            Place::Content => (None, in_content),
            Place::Unreadable => (top_level, in_content),
        };
        Ok(top_level.into_iter().chain(in_content).cloned().collect())
    }

    async fn place(&mut self) -> Result<Place, HomeserverError> {
        if let Some(known) = self.place {
            return Ok(known);
        }
        let room_id = self.room_id.as_str();
        let create = self
            .homeserver
            .optional(
                self.homeserver
                    .room_state(self.bridge, room_id, "m.room.create"),
            )
            .await;
        let place = match create {
            Ok(Some(content)) => {
                let version = content.get("room_version");
                let version = version.and_then(|version| version.as_str()).unwrap_or("1");
                match version.parse::<u32>() {
                    Ok(..=10) => Place::TopLevel,
                    _ => Place::Content,
                }
            }
            Ok(None) => Place::Unreadable,
            Err(error) if is_refusal(&error) => Place::Unreadable,
            Err(error) => return Err(error),
        };
        self.place = Some(place);
        Ok(place)
    }

    /// An edited event as it was at first; `None`: the bridge's user may not see it, and it stays as
    /// it is.
    ///
    /// # Errors
    /// If the homeserver does not answer.
    pub(super) async fn original(
        &self,
        event_id: &EventId,
    ) -> Result<Option<Original>, HomeserverError> {
        let asked = self
            .homeserver
            .event(self.bridge, self.room_id.as_str(), event_id.as_str());
        match self.homeserver.optional(asked).await {
            Ok(event) => {
                let is_state = event.get("state_key").is_some();
                let sender = event.get("sender").and_then(|sender| sender.as_str());
                Ok(Some(Original {
                    sender: sender.filter(|_| !is_state).map(str::to_owned),
                    media: event.get("content").map(media_of).unwrap_or_default(),
                }))
            }
            Err(error) if is_refusal(&error) => {
                tracing::warn!(
                    bridge = self.bridge.id,
                    room_id = self.room_id.as_str(),
                    %error,
                    "an edit could not be checked, so the links of its event stay as they are"
                );
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether the homeserver does not show something to the bridge's user. A proxy before it may say the
/// same without a word of Matrix, while it is down.
fn is_refusal(error: &HomeserverError) -> bool {
    matches!(error.status(), 403 | 404) && !error.errcode().is_empty()
}
