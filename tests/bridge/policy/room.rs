//! A room with media, and what is asked of it.

use medialink_link::{
    LinkClaims,
    matrix::{ContentToken, EventId, MxcUri, RoomId},
};
use reqwest::Method;
use serde_json::{Value, json};
use support::{Service, World, answer, client};

pub const HOUR_MS: i64 = 3_600_000;

pub const USAGE: &str = "usage: {batch_window: 20ms}";

pub async fn status_of(url: &str) -> (u16, String) {
    let (status, told) = answer(client().get(url)).await;
    let errcode = told["errcode"].as_str().unwrap_or_default();
    (status.as_u16(), errcode.to_owned())
}

/// Status and error code of a request for a link.
pub async fn asks(service: &Service, body: &Value) -> (u16, String) {
    let (status, told) = service.call(Method::POST, "/v1/links", body).await;
    let errcode = told["errcode"].as_str().unwrap_or_default();
    (status.as_u16(), errcode.to_owned())
}

pub fn told(status: u16, errcode: &str) -> (u16, String) {
    (status, errcode.to_owned())
}

/// How long a link lives, in milliseconds.
pub fn lifetime(link: &Value) -> Option<i64> {
    let issued = link["issued_ts"].as_i64().expect("a time");
    Some(link["expires_ts"].as_i64()? - issued)
}

/// Media of the room, with its content token.
pub async fn media(world: &World, event_id: &str) -> Value {
    let (mxc, token) = world.upload("hello", "text/plain").await;
    json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "event_id": event_id})
}

pub fn claims(body: &Value) -> LinkClaims {
    let text = |name: &str| body[name].as_str().expect("a text");
    let mut claims = LinkClaims::new(
        RoomId::parse(text("room_id")).expect("a room ID"),
        MxcUri::parse(text("mxc")).expect("a URI"),
    );
    claims.event_id = Some(EventId::parse(text("event_id")).expect("an event ID"));
    claims.content_token = Some(ContentToken::parse(text("content_token")).expect("a token"));
    claims
}

pub fn with(body: &Value, name: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[name] = value;
    body
}
