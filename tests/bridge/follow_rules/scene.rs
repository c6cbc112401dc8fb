//! A service, links of any kind, and how they are looked at.

use std::path::PathBuf;

use medialink::key_store;
use medialink_link::KeyRing;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use support::{HS_TOKEN, Service, World, answer};

pub async fn scene(more: &str) -> (World, Service) {
    let world = World::new().await;
    let service = world
        .service(&format!("usage: {{batch_window: 20ms}}\n{more}"))
        .await;
    (world, service)
}

/// Uploads media and issues a link to it, with these fields.
pub async fn link_to(
    world: &World,
    service: &Service,
    (bytes, kind): (&[u8], &str),
    fields: Value,
) -> Value {
    let (mxc, token) = world.upload(bytes, kind).await;
    let mut body = json!({"mxc": mxc, "room_id": world.room_id, "event_id": format!("$of_{}", &mxc[mxc.len() - 6..])});
    if !token.is_empty() {
        body["content_token"] = json!(token);
    }
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
    service.issue(body).await
}

pub async fn get_with(service: &Service, url: &str, name: &'static str, value: &str) -> Response {
    let request = service.client.get(url).header(name, value);
    request.send().await.expect("an answer")
}

pub fn key_file(world: &World) -> PathBuf {
    world.folder.path().join("data/link-keys.yaml")
}

pub fn keys(world: &World) -> KeyRing {
    KeyRing::from_entries(key_store::entries(&key_file(world)).expect("keys")).expect("a ring")
}

pub fn token_of(url: &str) -> &str {
    let rest = url.split("/m/").nth(1).expect("a media link");
    rest.split('/').next().expect("a token")
}

/// Tells the service of a redaction, as the homeserver does.
pub async fn redact(service: &Service, room_id: &str, event_id: &str) {
    let url = format!(
        "{}/_matrix/app/v1/transactions/of_{}",
        service.internal,
        event_id.trim_start_matches('$')
    );
    let event = json!({"type": "m.room.redaction", "room_id": room_id, "event_id": "$redaction", "sender": "@alice:example.org", "redacts": event_id, "content": {"redacts": event_id}});
    let request = service.client.put(url).bearer_auth(HS_TOKEN);
    let (status, _) = answer(request.json(&json!({"events": [event]}))).await;
    assert_eq!(status, 200);
}

/// A broken link as programs and as people see it.
pub async fn assert_broken(service: &Service, url: &str, status: u16, errcode: &str, words: &str) {
    for method in [Method::GET, Method::HEAD] {
        for accept in ["*/*", "text/html,application/xhtml+xml;q=0.9"] {
            let request = service.client.request(method.clone(), url);
            let response = request.header("Accept", accept).send().await;
            let response = response.expect("an answer");
            assert_eq!(response.status(), status, "{method} {words}");
            assert_eq!(response.headers()["vary"], "Accept, Accept-Language");
            assert_eq!(response.headers()["cache-control"], "no-store");
            assert_eq!(response.headers()["x-content-type-options"], "nosniff");
            let kind = response.headers()["content-type"].to_str().expect("text");
            let is_page = kind.starts_with("text/html");
            assert_eq!(is_page, accept.starts_with("text/html"), "{kind}");
            let body = response.text().await.expect("a body");
            if method == Method::HEAD {
                assert_eq!(body, "");
            } else if is_page {
                assert!(body.contains(words), "{words}: {body}");
                assert!(!body.contains(token_of(url)), "a page repeats no token");
            } else {
                let error: Value = serde_json::from_str(&body).expect("JSON");
                assert_eq!(error["errcode"], errcode, "{words}");
                assert!(error["error"].is_string());
            }
        }
    }
}
