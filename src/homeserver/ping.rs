//! The ping of an appservice (Client-Server API, "Pings").

use medialink_event::whole_number;
use reqwest::Method;
use serde_json::json;

use crate::config::BridgeConfig;

use super::{Homeserver, HomeserverError};

impl Homeserver {
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
        let answer = self.answer(request).await?;
        Ok(answer
            .get("duration_ms")
            .and_then(whole_number)
            .unwrap_or_default())
    }
}
