//! A room with counted media, and what others do to its meta events.

use reqwest::Method;
use serde_json::{Value, json};
use support::{Service, World, answer};

pub const HOUR: i64 = 3_600_000;

pub const META_EVENT: &str = "org.matrix.msc3910.media_reference";

pub const QUICK: &str = "usage: {batch_window: 20ms, reconcile: never}";

pub async fn issue(world: &World, service: &Service, bytes: &str) -> (Value, String) {
    let (mxc, token) = world.upload(bytes.to_owned(), "text/plain").await;
    let mut body = json!({"mxc": mxc, "room_id": world.room_id});
    if !token.is_empty() {
        body["content_token"] = json!(token);
    }
    let link = service.issue(body).await;
    let link = service.wait_for_usage(&link, "counted").await;
    (link, mxc)
}

pub async fn revoke(service: &Service, link: &Value) {
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
    assert_eq!(service.call(Method::DELETE, &path, &json!({})).await.0, 200);
}

/// A moderator redacts the meta event that counts a link.
pub async fn moderate(world: &World, link: &Value) {
    let event = link["usage"]["event_id"].as_str().expect("an event");
    let path = format!(
        "/_matrix/client/v3/rooms/{}/redact/{event}/{event}",
        world.room_id
    );
    let (status, told) = world.as_alice(Method::PUT, &path, &json!({})).await;
    assert_eq!(status, 200, "{told}");
}

pub async fn demo(world: &World, what: &str) {
    let request = world.client.post(format!("{}/_demo/{what}", world.url));
    let (status, told) = answer(request).await;
    assert_eq!(status, 200, "{told}");
}

/// Sends an event of the meta events' type that no service knows.
pub async fn stray(world: &World, token: &str, user: &[(&str, &str)], txn: &str) -> String {
    let request = world
        .client
        .put(format!(
            "{}/_matrix/client/v3/rooms/{}/send/{META_EVENT}/{txn}",
            world.url, world.room_id
        ))
        .query(user)
        .bearer_auth(token)
        .json(&json!({"batch": txn, "content_token": {}, "references": []}));
    let (status, told) = answer(request).await;
    assert_eq!(status, 200, "{told}");
    told["event_id"].as_str().expect("an ID").to_owned()
}

pub async fn standing(world: &World) -> Vec<String> {
    let events = world.meta_events(&world.room_id).await;
    let id = |event: &Value| event["event_id"].as_str().expect("an ID").to_owned();
    events.iter().map(id).collect()
}
