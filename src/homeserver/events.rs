//! Events and rooms, as a bridge's user (Client-Server API, "Events", "Rooms").

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::config::BridgeConfig;

use super::{Homeserver, HomeserverError, client::answer};

/// As which device events are sent; empty: none. With a device, transaction IDs survive a restart
/// of the homeserver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device(pub String);

/// What is sent into a room.
#[derive(Debug, Clone, Copy)]
pub struct EventToSend<'a> {
    /// Its type.
    pub event_type: &'a str,
    /// Names the sending, so that it can be repeated.
    pub txn_id: &'a str,
    /// Its content, as JSON.
    pub content: &'a str,
}

impl Homeserver {
    /// Makes the device as which events are sent, if it is not there yet.
    ///
    /// # Errors
    /// If the homeserver refuses or fails; `M_UNRECOGNIZED` where appservices have no devices.
    pub async fn ensure_device(
        &self,
        bridge: &BridgeConfig,
        device_id: &str,
    ) -> Result<(), HomeserverError> {
        let segments = ["_matrix", "client", "v3", "devices", device_id];
        let request = self
            .request_as(bridge, Method::PUT, &segments)
            .json(&json!({"display_name": "Medialink"}));
        answer(request).await.map(drop)
    }

    /// Sends an event; returns its ID. The same transaction ID and attachment give the same URL
    /// to the byte. `attached`: the URI of media that becomes part of the event (MSC3911).
    ///
    /// # Errors
    /// If the homeserver refuses or fails; 400 `M_INVALID_PARAM` if the media is not there, or
    /// attached already.
    pub async fn send_event(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        event: EventToSend<'_>,
        device: &Device,
        attached: Option<&str>,
    ) -> Result<String, HomeserverError> {
        let EventToSend {
            event_type,
            txn_id,
            content,
        } = event;
        let segments = [
            "_matrix", "client", "v3", "rooms", room_id, "send", event_type, txn_id,
        ];
        self.put_event(bridge, &segments, device, attached, content.to_owned())
            .await
    }

    /// Redacts an event; returns the ID of the redaction.
    ///
    /// # Errors
    /// If the homeserver refuses or fails.
    pub async fn redact(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        event_id: &str,
        txn_id: &str,
        device: &Device,
    ) -> Result<String, HomeserverError> {
        let segments = [
            "_matrix", "client", "v3", "rooms", room_id, "redact", event_id, txn_id,
        ];
        self.put_event(bridge, &segments, device, None, "{}".to_owned())
            .await
    }

    async fn put_event(
        &self,
        bridge: &BridgeConfig,
        segments: &[&str],
        device: &Device,
        attached: Option<&str>,
        body: String,
    ) -> Result<String, HomeserverError> {
        let mut request = self.request_as(bridge, Method::PUT, segments);
        if !device.0.is_empty() {
            request = request.query(&[("device_id", &device.0)]);
        }
        if let Some(mxc) = attached {
            // Homeservers know the parameter under its prefix, as long as it is a proposal.
            request = request.query(&[
                ("attach_media", mxc),
                ("org.matrix.msc3911.attach_media", mxc),
            ]);
        }
        let request = request
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        let value = answer(request).await?;
        match value.get("event_id").and_then(Value::as_str) {
            Some(id) if id.starts_with('$') && id.len() <= 255 => Ok(id.to_owned()),
            _ => Err(HomeserverError::Nonsense("it has no event ID")),
        }
    }

    /// Joins a room.
    ///
    /// # Errors
    /// If the homeserver refuses or fails.
    pub async fn join(&self, bridge: &BridgeConfig, room_id: &str) -> Result<(), HomeserverError> {
        let segments = ["_matrix", "client", "v3", "rooms", room_id, "join"];
        answer(
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
    /// If the homeserver refuses or fails; 403 or 404 if the user may not see it, or it is none.
    pub async fn event(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        event_id: &str,
    ) -> Result<Value, HomeserverError> {
        let segments = [
            "_matrix", "client", "v3", "rooms", room_id, "event", event_id,
        ];
        let event = answer(self.request_as(bridge, Method::GET, &segments)).await?;
        let text = |name| event.get(name).and_then(Value::as_str);
        let is_of_room = match event.get("room_id") {
            None => true,
            Some(room) => room.as_str() == Some(room_id),
        };
        if text("event_id") != Some(event_id) || !is_of_room {
            return Err(HomeserverError::Nonsense("it is not the event asked for"));
        }
        if text("type").is_none() || !event.get("content").is_some_and(Value::is_object) {
            return Err(HomeserverError::Nonsense("it is no event"));
        }
        Ok(event)
    }

    /// A state event with an empty state key: its ID, where the homeserver tells it, and its
    /// content; `None`: there is none.
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
        let mut answer = match answer(request).await {
            Ok(answer) if answer.is_object() => answer,
            Ok(_) => return Err(HomeserverError::Nonsense("it is no event")),
            Err(error) if error.status() == 404 && error.errcode() == "M_NOT_FOUND" => {
                return Ok(None);
            }
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
        match answer(self.request_as(bridge, Method::GET, &segments)).await {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.status() == 404 && error.errcode() == "M_NOT_FOUND" => Ok(None),
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
        match answer(self.request_as(bridge, Method::GET, &segments)).await {
            Ok(content) => Ok(content
                .get("membership")
                .and_then(Value::as_str)
                .map(str::to_owned)),
            Err(error) if error.status() == 404 && error.errcode() == "M_NOT_FOUND" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks the homeserver to ping us as an appservice (Client-Server API,
    /// `POST /_matrix/client/v1/appservice/{appserviceId}/ping`); returns how long it took, in
    /// milliseconds.
    ///
    /// # Errors
    /// If the homeserver refuses, or does not reach us.
    pub async fn ping(
        &self,
        bridge: &BridgeConfig,
        transaction_id: &str,
    ) -> Result<u64, HomeserverError> {
        let id = bridge.appservice_id.as_str();
        let segments = ["_matrix", "client", "v1", "appservice", id, "ping"];
        let request = self
            .request_as(bridge, Method::POST, &segments)
            .json(&json!({"transaction_id": transaction_id}));
        let told = answer(request).await?;
        Ok(told
            .get("duration_ms")
            .and_then(Value::as_u64)
            .unwrap_or_default())
    }
}
