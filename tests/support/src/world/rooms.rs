//! What Alice and the bridge's user do in rooms.

use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::start::World;
use crate::{
    client::answer,
    service::POLICY_EVENT_TYPE,
    settings::{AS_TOKEN, BOT},
};

impl World {
    /// A room of Alice's that the bridge's user has joined.
    pub async fn new_room(&self) -> String {
        let (status, room) = self
            .as_alice(
                Method::POST,
                "/_matrix/client/v3/createRoom",
                &json!({"invite": [BOT]}),
            )
            .await;
        assert_eq!(status, 200, "{room}");
        let room_id = room["room_id"].as_str().expect("a room ID").to_owned();
        let join = self
            .client
            .post(format!(
                "{}/_matrix/client/v3/rooms/{room_id}/join",
                self.url
            ))
            .query(&[("user_id", BOT)])
            .bearer_auth(AS_TOKEN)
            .json(&json!({}));
        assert_eq!(answer(join).await.0, 200);
        room_id
    }

    pub async fn as_alice(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(
            self.client
                .request(method, format!("{}{path}", self.url))
                .bearer_auth(&self.alice)
                .json(body),
        )
        .await
    }

    /// A state event of a room, as Alice sees it.
    pub async fn state(&self, room: &str, kind: &str) -> Value {
        let path = format!("/_matrix/client/v3/rooms/{room}/state/{kind}/");
        self.as_alice(Method::GET, &path, &json!({})).await.1
    }

    /// Gives the bridge's user this power in a room.
    pub async fn empower(&self, room: &str, power: i64) {
        let mut levels = self.state(room, "m.room.power_levels").await;
        levels["users"][BOT] = json!(power);
        let path = format!("/_matrix/client/v3/rooms/{room}/state/m.room.power_levels/");
        let (status, told) = self.as_alice(Method::PUT, &path, &levels).await;
        assert_eq!(status, 200, "{told}");
    }

    /// A room action of Alice's, such as `invite`.
    pub async fn by_alice(&self, room: &str, action: &str, body: &Value) {
        let path = format!("/_matrix/client/v3/rooms/{room}/{action}");
        let (status, told) = self.as_alice(Method::POST, &path, body).await;
        assert_eq!(status, 200, "{action}: {told}");
    }

    /// A room action of the bridge's user, such as `leave`.
    pub async fn by_bot(&self, room: &str, action: &str) {
        let url = format!("{}/_matrix/client/v3/rooms/{room}/{action}", self.url);
        let request = self.client.post(url).query(&[("user_id", BOT)]);
        let (status, told) = answer(request.bearer_auth(AS_TOKEN).json(&json!({}))).await;
        assert_eq!(status, 200, "{action}: {told}");
    }

    /// Sends an event as Alice; its ID.
    pub async fn send(&self, room: &str, kind: &str, content: &Value) -> String {
        static TXN: AtomicU32 = AtomicU32::new(0);
        let txn = TXN.fetch_add(1, Ordering::Relaxed);
        let path = format!("/_matrix/client/v3/rooms/{room}/send/{kind}/sent{txn}");
        let (status, sent) = self.as_alice(Method::PUT, &path, content).await;
        assert_eq!(status, 200, "{sent}");
        sent["event_id"].as_str().expect("an ID").to_owned()
    }

    /// Redacts an event as Alice.
    pub async fn redact(&self, room: &str, event_id: &str) {
        let path = format!("/_matrix/client/v3/rooms/{room}/redact/{event_id}/of{event_id}");
        let (status, told) = self.as_alice(Method::PUT, &path, &json!({})).await;
        assert_eq!(status, 200, "{told}");
    }

    /// Replaces a room by one that names `predecessor` as the one before it; the new room, in
    /// which the bridge's user is not yet.
    pub async fn replace_room(&self, room: &str, predecessor: &str) -> String {
        let create = json!({"creation_content": {"predecessor": {"room_id": predecessor}}});
        let create = self.as_alice(Method::POST, "/_matrix/client/v3/createRoom", &create);
        let (status, told) = create.await;
        assert_eq!(status, 200, "{told}");
        let successor = told["room_id"].as_str().expect("an ID").to_owned();
        let path = format!("/_matrix/client/v3/rooms/{room}/state/m.room.tombstone");
        let tombstone = json!({"body": "moved", "replacement_room": successor});
        let (status, told) = self.as_alice(Method::PUT, &path, &tombstone).await;
        assert_eq!(status, 200, "{told}");
        successor
    }

    /// The meta events of a room that are not redacted.
    pub async fn meta_events(&self, room_id: &str) -> Vec<Value> {
        let filter = json!({"types": ["org.matrix.msc3910.media_reference"]}).to_string();
        let request = self
            .client
            .get(format!(
                "{}/_matrix/client/v3/rooms/{room_id}/messages",
                self.url
            ))
            .query(&[("dir", "b"), ("limit", "1000"), ("filter", &filter)])
            .bearer_auth(&self.alice);
        let (_, page) = answer(request).await;
        let events = page["chunk"].as_array().expect("events").iter();
        events
            .filter(|event| event["unsigned"].get("redacted_because").is_none())
            .cloned()
            .collect()
    }

    /// Sets the link policy of the room.
    pub async fn set_policy(&self, content: &Value) -> String {
        let (room, kind) = (&self.room_id, POLICY_EVENT_TYPE);
        let path = format!("/_matrix/client/v3/rooms/{room}/state/{kind}/");
        let (status, sent) = self.as_alice(Method::PUT, &path, content).await;
        assert_eq!(status, 200, "{sent}");
        sent["event_id"].as_str().expect("an event ID").to_owned()
    }
}
