//! Sending and redacting events, as a bridge's user (Client-Server API, "Sending events to a room").

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::config::BridgeConfig;

use super::{Homeserver, HomeserverError};

/// The parameter that attaches media, under the prefix of the proposal.
const UNSTABLE_ATTACH_MEDIA: &str = "org.matrix.msc3911.attach_media";
/// How many bytes of a URL the media may take that is attached: many proxies take URLs of up to 8 KiB.
const MAX_ATTACHED_BYTES: usize = 6 * 1024;
/// The length of a media ID that is reckoned with.
const MEDIA_ID_BYTES: usize = 64;

/// The ID of the device that sends events; empty: none. With a device, transaction IDs survive a
/// restart of the homeserver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device(pub String);

/// An event to be sent into a room.
#[derive(Debug, Clone, Copy)]
pub struct EventToSend<'a> {
    /// Its Matrix event type.
    pub event_type: &'a str,
    /// The transaction ID, with which the request can be repeated.
    pub txn_id: &'a str,
    /// Its content, as JSON.
    pub content: &'a str,
}

/// How many media of a homeserver can be attached to one event, by the length of the URL.
#[must_use]
pub fn attachable_at_once(server_name: &str) -> usize {
    // "&", "=" and the percent-encoded "mxc://…/…", under both names.
    let uri = "mxc%3A%2F%2F".len() + server_name.len() + "%2F".len() + MEDIA_ID_BYTES;
    let names = "attach_media".len() + UNSTABLE_ATTACH_MEDIA.len();
    (MAX_ATTACHED_BYTES / (names + 2 * (uri + 2))).max(1)
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
        self.answer(request).await.map(drop)
    }

    /// Sends an event; returns its ID. The same transaction ID and attachments give the same URL
    /// to the byte. `attached`: the URIs of media that becomes part of the event (MSC3911).
    ///
    /// # Errors
    /// If the homeserver refuses or fails; 400 `M_INVALID_PARAM` if media is not there, attached
    /// already, or too many.
    pub async fn send_event(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        event: EventToSend<'_>,
        device: &Device,
        attached: &[String],
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

    /// Sets a state event with an empty state key; returns its ID.
    ///
    /// # Errors
    /// If the homeserver refuses or fails; 403 `M_FORBIDDEN` if the user is not in the room, or has not the power.
    pub async fn send_state(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        event_type: &str,
        content: String,
    ) -> Result<String, HomeserverError> {
        let segments = [
            "_matrix", "client", "v3", "rooms", room_id, "state", event_type, "",
        ];
        let device = Device(String::new());
        self.put_event(bridge, &segments, &device, &[], content)
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
        self.put_event(bridge, &segments, device, &[], "{}".to_owned())
            .await
    }

    async fn put_event(
        &self,
        bridge: &BridgeConfig,
        segments: &[&str],
        device: &Device,
        attached: &[String],
        body: String,
    ) -> Result<String, HomeserverError> {
        let mut request = self.request_as(bridge, Method::PUT, segments);
        if !device.0.is_empty() {
            request = request.query(&[("device_id", &device.0)]);
        }
        for mxc in attached {
            // As long as it is a proposal, homeservers know the parameter under its prefix.
            request = request.query(&[("attach_media", mxc), (UNSTABLE_ATTACH_MEDIA, mxc)]);
        }
        let request = request
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        let value = self.answer(request).await?;
        match value.get("event_id").and_then(Value::as_str) {
            Some(id) if id.starts_with('$') && id.len() <= 255 => Ok(id.to_owned()),
            _ => Err(HomeserverError::InvalidResponse(
                "event_id is not an event ID",
            )),
        }
    }
}
