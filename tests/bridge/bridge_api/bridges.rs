//! Two bridges beside each other, and what they ask for.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Service, World};

pub const SECOND: &str = "second-api-token-0123456789";

/// A world, and a service with two bridges. No media is downloaded, so its URIs may be made up.
pub async fn two_bridges() -> (World, Service) {
    let world = World::new().await;
    let more = format!(
        "  - {{id: sms, network: SMS, api_token: {SECOND}, as_token: second-as, hs_token: second-hs, user_id: '@sms:example.org'}}\n\
         links: {{max_lifetime: 30d}}\nusage: {{batch_window: 20ms}}"
    );
    let service = world.service(&more).await;
    (world, service)
}

pub fn body(n: usize) -> Value {
    json!({"mxc": format!("mxc://example.org/media{n}"), "room_id": "!r:example.org", "event_id": format!("$e{n}")})
}

pub fn with(n: usize, field: &str, value: impl Into<Value>) -> Value {
    let mut body = body(n);
    body[field] = value.into();
    body
}

pub async fn issue(service: &Service, body: &Value) -> (StatusCode, Value) {
    service.call(Method::POST, "/v1/links", body).await
}
