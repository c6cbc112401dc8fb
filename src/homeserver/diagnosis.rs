//! What the homeserver says of itself and of a bridge's user, for whoever looks for faults.

use reqwest::{Method, header};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::config::BridgeConfig;

use super::{Homeserver, HomeserverError, client::bearer};

const WHOAMI: &[&str] = &["_matrix", "client", "v3", "account", "whoami"];

impl Homeserver {
    /// The homeserver's time by the `Date` header of its answers (RFC 9110, section 6.6.1), in milliseconds since the
    /// epoch; `None`: it tells none.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn told_time(&self) -> Result<Option<i64>, HomeserverError> {
        let url = self.url(&["_matrix", "client", "versions"]);
        let asked = self.request_to(Method::GET, url);
        let asked = asked.timeout(self.config.timeouts.first_byte);
        let response = asked.send().await.map_err(HomeserverError::of_client)?;
        let date = response.headers().get(header::DATE);
        Ok(date
            .and_then(|date| OffsetDateTime::parse(date.to_str().ok()?, &Rfc2822).ok())
            .map(|date| date.unix_timestamp().saturating_mul(1000)))
    }

    /// The user that the homeserver takes a bridge for (Client-Server API, `GET /account/whoami`).
    ///
    /// # Errors
    /// If the homeserver refuses or fails: 401 `M_UNKNOWN_TOKEN` if it does not know the token, 403 `M_FORBIDDEN` if the
    /// token may not be used as that user.
    pub async fn whoami(&self, bridge: &BridgeConfig) -> Result<String, HomeserverError> {
        let asked = self.request_as(bridge, Method::GET, WHOAMI);
        user_id(&self.answer(asked).await?)
    }

    /// The user that the token of a bridge belongs to: the sender of its registration.
    ///
    /// # Errors
    /// If the homeserver refuses or fails: 401 `M_UNKNOWN_TOKEN` if it does not know the token.
    pub async fn sender(&self, bridge: &BridgeConfig) -> Result<String, HomeserverError> {
        let asked = self
            .request_to(Method::GET, self.url(WHOAMI))
            .header(header::AUTHORIZATION, bearer(bridge.as_token.expose()));
        user_id(&self.answer(asked).await?)
    }

    /// The rooms that the bridge's user is in (Client-Server API, `GET /joined_rooms`).
    ///
    /// # Errors
    /// If the homeserver refuses or fails, or the list is longer than a mebibyte.
    pub async fn joined_rooms(
        &self,
        bridge: &BridgeConfig,
    ) -> Result<Vec<String>, HomeserverError> {
        let segments = ["_matrix", "client", "v3", "joined_rooms"];
        let asked = self.request_as(bridge, Method::GET, &segments);
        let answer = self.answer(asked).await?;
        let rooms = answer.get("joined_rooms").and_then(Value::as_array);
        let rooms = rooms.ok_or(HomeserverError::InvalidResponse(
            "joined_rooms is not a list",
        ))?;
        let ids = rooms.iter().filter_map(Value::as_str);
        Ok(ids.map(str::to_owned).collect())
    }

    /// The `m.room.create` event of a room, whole, with its sender where the homeserver gives it.
    ///
    /// # Errors
    /// If the homeserver refuses or fails.
    pub async fn create_event(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
    ) -> Result<Value, HomeserverError> {
        let segments = [
            "_matrix",
            "client",
            "v3",
            "rooms",
            room_id,
            "state",
            "m.room.create",
            "",
        ];
        let asked = self
            .request_as(bridge, Method::GET, &segments)
            .query(&[("format", "event")]);
        self.answer(asked).await
    }
}

fn user_id(answer: &Value) -> Result<String, HomeserverError> {
    let user_id = answer.get("user_id").and_then(Value::as_str);
    let user_id = user_id.filter(|id| id.starts_with('@') && id.len() <= 255);
    user_id
        .map(str::to_owned)
        .ok_or(HomeserverError::InvalidResponse("user_id is not a user ID"))
}
