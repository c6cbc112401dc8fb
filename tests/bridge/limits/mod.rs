//! How much clients, links, rooms, senders and bridges may use.

mod bytes;
mod clients;
mod edge;
mod issuing;
mod shared;
mod streams;

use reqwest::{RequestBuilder, Response, header::RETRY_AFTER};
use serde_json::{Value, json};
use support::{Service, World};

/// A service with these limits, and the usual homeserver.
async fn limited(limits: &str) -> (World, Service) {
    let world = World::new().await;
    let service = world.service(&format!("limits: {limits}")).await;
    (world, service)
}

/// A link to new media of so many bytes.
async fn link_of(world: &World, service: &Service, length: usize) -> Value {
    let (mxc, token) = world.upload(vec![b'x'; length], "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    service.issue(body).await
}

/// Sends a request as the reverse proxy does for a client.
async fn sent(request: RequestBuilder, client: &str) -> Response {
    let request = request.header("X-Forwarded-For", client);
    request.send().await.expect("an answer")
}

/// How long an answer asks to wait, in seconds.
fn retry_after(response: &Response) -> u64 {
    assert_eq!(response.status(), 429);
    let value = response.headers().get(RETRY_AFTER).expect("Retry-After");
    let text = value.to_str().expect("text");
    text.parse().expect("seconds")
}
