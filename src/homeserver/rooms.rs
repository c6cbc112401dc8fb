//! Rooms and their events, as a bridge's user sees them (Client-Server API, "Getting events for a
//! room", "Room membership").

use reqwest::Method;
use serde_json::{Value, json};

use crate::config::BridgeConfig;

use super::{Homeserver, HomeserverError};

impl Homeserver {
    /// Joins a room.
    ///
    /// # Errors
    /// If the homeserver refuses or fails.
    pub async fn join(&self, bridge: &BridgeConfig, room_id: &str) -> Result<(), HomeserverError> {
        let segments = ["_matrix", "client", "v3", "rooms", room_id, "join"];
        self.answer(
            self.request_as(bridge, Method::POST, &segments)
                .json(&json!({})),
        )
        .await
        .map(drop)
    }

    /// An event of a room (Client-Server API, `GET /rooms/{roomId}/event/{eventId}`): an object
    /// with the ID that was asked for, of that room, with a type and a content.
    ///
    /// # Errors
    /// If the homeserver refuses or fails; 403 or 404 if the user may not see it, or it does not exist.
    pub async fn event(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        event_id: &str,
    ) -> Result<Value, HomeserverError> {
        let segments = [
            "_matrix", "client", "v3", "rooms", room_id, "event", event_id,
        ];
        let event = self
            .answer(self.request_as(bridge, Method::GET, &segments))
            .await?;
        let text = |name| event.get(name).and_then(Value::as_str);
        let is_of_room = match event.get("room_id") {
            None => true,
            Some(room) => room.as_str() == Some(room_id),
        };
        if text("event_id") != Some(event_id) || !is_of_room {
            return Err(HomeserverError::InvalidResponse(
                "event_id or room_id is not the requested one",
            ));
        }
        if text("type").is_none() || !event.get("content").is_some_and(Value::is_object) {
            return Err(HomeserverError::InvalidResponse(
                "event has no type, or its content is not an object",
            ));
        }
        Ok(event)
    }

    /// A state event with an empty state key: its ID, if the homeserver gives it, and its content;
    /// `None`: there is none.
    ///
    /// # Errors
    /// If the homeserver refuses or fails.
    pub async fn room_state_event(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        event_type: &str,
    ) -> Result<Option<(Option<String>, Value)>, HomeserverError> {
        let segments = [
            "_matrix", "client", "v3", "rooms", room_id, "state", event_type, "",
        ];
        let request = self
            .request_as(bridge, Method::GET, &segments)
            .query(&[("format", "event")]);
        let mut answer = match self.answer(request).await {
            Ok(answer) if answer.is_object() => answer,
            Ok(_) => {
                return Err(HomeserverError::InvalidResponse(
                    "state event is not an object",
                ));
            }
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let text = |name| answer.get(name).and_then(Value::as_str);
        // A homeserver that does not know the format answers with the content alone.
        let id = text("event_id").filter(|_| text("type") == Some(event_type));
        let id = id.map(str::to_owned);
        if id.is_some() && answer.get("content").is_some_and(Value::is_object) {
            return Ok(Some((id, answer["content"].take())));
        }
        Ok(Some((None, answer)))
    }

    /// The content of a state event with an empty state key; `None`: there is none.
    ///
    /// # Errors
    /// If the homeserver refuses or fails.
    pub async fn room_state(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        event_type: &str,
    ) -> Result<Option<Value>, HomeserverError> {
        let segments = [
            "_matrix", "client", "v3", "rooms", room_id, "state", event_type, "",
        ];
        match self
            .answer(self.request_as(bridge, Method::GET, &segments))
            .await
        {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The membership of the bridge's user in a room; `None`: it has none.
    ///
    /// # Errors
    /// If the homeserver refuses or fails.
    pub async fn membership(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
    ) -> Result<Option<String>, HomeserverError> {
        let user_id = bridge.user_id.as_str();
        let segments = [
            "_matrix",
            "client",
            "v3",
            "rooms",
            room_id,
            "state",
            "m.room.member",
            user_id,
        ];
        match self
            .answer(self.request_as(bridge, Method::GET, &segments))
            .await
        {
            Ok(content) => Ok(content
                .get("membership")
                .and_then(Value::as_str)
                .map(str::to_owned)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
