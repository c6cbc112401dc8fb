//! Reporting an event to its homeserver (Client-Server API, "Reporting content").

use reqwest::Method;
use serde_json::json;

use crate::config::BridgeConfig;

use super::{Homeserver, HomeserverError};

impl Homeserver {
    /// Reports an event as a bridge's user
    /// (`POST /_matrix/client/v3/rooms/{roomId}/report/{eventId}`).
    ///
    /// # Errors
    /// If the homeserver refuses or fails; 404 `M_NOT_FOUND` if the user does not see the event.
    pub async fn report_event(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        event_id: &str,
        reason: &str,
    ) -> Result<(), HomeserverError> {
        let segments = [
            "_matrix", "client", "v3", "rooms", room_id, "report", event_id,
        ];
        let request = self
            .request_as(bridge, Method::POST, &segments)
            .json(&json!({"reason": reason}));
        self.answer(request).await.map(drop)
    }
}
