//! A user of a Synapse.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, ensure};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};

use super::requests::{answer, succeed};

/// A user of a [`Synapse`], with the calls that tests make as somebody's client. Each method
/// fails on an answer that is not a success, unless it returns the status.
#[derive(Clone)]
pub struct User {
    /// The full user ID.
    pub user_id: String,
    /// The user's access token, or the token of the appservice that acts as this user.
    pub access_token: String,
    /// The device that an appservice acts as, for this user.
    pub device_id: Option<String>,
    pub is_appservice: bool,
    pub url: String,
    pub client: Client,
}

impl User {
    /// A request with this user's authorization. The segments of the path are encoded here.
    pub fn request(&self, method: Method, path: &[&str]) -> anyhow::Result<RequestBuilder> {
        let mut url = Url::parse(&self.url)?;
        url.path_segments_mut()
            .ok()
            .context("the URL has no path")?
            .extend(path);
        let mut request = self
            .client
            .request(method, url)
            .bearer_auth(&self.access_token);
        if self.is_appservice {
            request = request.query(&[("user_id", &self.user_id)]);
        }
        if let Some(device_id) = &self.device_id {
            request = request.query(&[("device_id", device_id)]);
        }
        Ok(request)
    }

    /// Makes this device of an appservice's user, and returns the user as that device.
    pub async fn with_device(&self, device_id: &str) -> anyhow::Result<Self> {
        let path = ["_matrix", "client", "v3", "devices", device_id];
        succeed(self.request(Method::PUT, &path)?.json(&json!({}))).await?;
        let mut user = self.clone();
        user.device_id = Some(device_id.to_owned());
        Ok(user)
    }

    /// Creates a room, `options` being the body of the request; returns its room ID.
    pub async fn create_room(&self, options: &Value) -> anyhow::Result<String> {
        let path = ["_matrix", "client", "v3", "createRoom"];
        let answer = succeed(self.request(Method::POST, &path)?.json(options)).await?;
        text(&answer, "room_id")
    }

    /// Invites somebody to a room.
    pub async fn invite(&self, room_id: &str, user_id: &str) -> anyhow::Result<()> {
        self.in_room(room_id, "invite", &json!({"user_id": user_id}))
            .await
    }

    /// Joins a room.
    pub async fn join(&self, room_id: &str) -> anyhow::Result<()> {
        self.in_room(room_id, "join", &json!({})).await
    }

    /// The room of this name that the user is invited to.
    pub async fn invited_to(&self, name: &str) -> anyhow::Result<Option<String>> {
        let path = ["_matrix", "client", "v3", "sync"];
        let filter = json!({"room": {"timeline": {"limit": 0}}}).to_string();
        let request = self.request(Method::GET, &path)?;
        let synced = succeed(request.query(&[("timeout", "0"), ("filter", &filter)])).await?;
        let invites = synced["rooms"]["invite"].as_object().into_iter().flatten();
        let is_named = |events: &Value| {
            let mut events = events.as_array().into_iter().flatten();
            events.any(|event| event["type"] == "m.room.name" && event["content"]["name"] == name)
        };
        let mut room = invites
            .filter(|(_, room)| is_named(&room["invite_state"]["events"]))
            .map(|(room_id, _)| room_id.clone());
        Ok(room.next_back())
    }

    /// Leaves a room.
    pub async fn leave(&self, room_id: &str) -> anyhow::Result<()> {
        self.in_room(room_id, "leave", &json!({})).await
    }

    /// Uploads media; returns its mxc URI.
    pub async fn upload(
        &self,
        bytes: impl Into<Vec<u8>>,
        content_type: &str,
        filename: &str,
    ) -> anyhow::Result<String> {
        let request = self
            .request(Method::POST, &["_matrix", "media", "v3", "upload"])?
            .query(&[("filename", filename)])
            .header("Content-Type", content_type)
            .body(bytes.into());
        text(&succeed(request).await?, "content_uri")
    }

    /// Downloads media through the authenticated endpoint, whatever the answer is.
    pub async fn download(&self, mxc: &str) -> anyhow::Result<Response> {
        let (server_name, media_id) = mxc
            .strip_prefix("mxc://")
            .and_then(|rest| rest.split_once('/'))
            .context("no mxc URI")?;
        let path = [
            "_matrix",
            "client",
            "v1",
            "media",
            "download",
            server_name,
            media_id,
        ];
        Ok(self.request(Method::GET, &path)?.send().await?)
    }

    /// Sends an event, with a new transaction ID; returns its event ID.
    pub async fn send(
        &self,
        room_id: &str,
        event_type: &str,
        content: &Value,
    ) -> anyhow::Result<String> {
        let (status, answer) = self
            .send_as(room_id, event_type, &transaction_id(), content)
            .await?;
        ensure!(status.is_success(), "{status}: {answer}");
        text(&answer, "event_id")
    }

    /// Sends an event with this transaction ID, whatever the answer is.
    pub async fn send_as(
        &self,
        room_id: &str,
        event_type: &str,
        transaction_id: &str,
        content: &Value,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let path = [
            "_matrix",
            "client",
            "v3",
            "rooms",
            room_id,
            "send",
            event_type,
            transaction_id,
        ];
        answer(self.request(Method::PUT, &path)?.json(content)).await
    }

    /// Redacts an event; returns the event ID of the redaction.
    pub async fn redact(&self, room_id: &str, event_id: &str) -> anyhow::Result<String> {
        let transaction_id = transaction_id();
        let path = [
            "_matrix",
            "client",
            "v3",
            "rooms",
            room_id,
            "redact",
            event_id,
            &transaction_id,
        ];
        let answer = succeed(self.request(Method::PUT, &path)?.json(&json!({}))).await?;
        text(&answer, "event_id")
    }

    /// All events of these types that the user can see in a room, oldest first. No types: all.
    pub async fn messages(&self, room_id: &str, types: &[&str]) -> anyhow::Result<Vec<Value>> {
        let filter = if types.is_empty() {
            json!({})
        } else {
            json!({"types": types})
        };
        let filter = filter.to_string();
        let path = ["_matrix", "client", "v3", "rooms", room_id, "messages"];
        let mut events = Vec::new();
        let mut from: Option<String> = None;
        loop {
            let mut request = self.request(Method::GET, &path)?.query(&[
                ("dir", "b"),
                ("limit", "100"),
                ("filter", &filter),
            ]);
            if let Some(from) = &from {
                request = request.query(&[("from", from)]);
            }
            let mut page = succeed(request).await?;
            if let Value::Array(chunk) = page["chunk"].take() {
                events.extend(chunk);
            }
            from = page["end"].as_str().map(str::to_owned);
            if from.is_none() {
                break;
            }
        }
        events.reverse();
        Ok(events)
    }

    /// One event as the user sees it, with the status of the answer.
    pub async fn event(
        &self,
        room_id: &str,
        event_id: &str,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let path = [
            "_matrix", "client", "v3", "rooms", room_id, "event", event_id,
        ];
        answer(self.request(Method::GET, &path)?).await
    }

    pub async fn in_room(&self, room_id: &str, action: &str, body: &Value) -> anyhow::Result<()> {
        let path = ["_matrix", "client", "v3", "rooms", room_id, action];
        succeed(self.request(Method::POST, &path)?.json(body)).await?;
        Ok(())
    }
}

pub fn text(json: &Value, key: &str) -> anyhow::Result<String> {
    let text = json[key]
        .as_str()
        .with_context(|| format!("no {key} in {json}"))?;
    Ok(text.to_owned())
}

pub fn transaction_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
