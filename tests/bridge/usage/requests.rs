//! How links end: a bridge revokes them, or the homeserver says that their event is redacted.

use reqwest::Method;
use serde_json::{Value, json};
use support::{HS_TOKEN, Service, answer};

pub async fn revoke(service: &Service, link: &Value) {
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
    assert_eq!(service.call(Method::DELETE, &path, &json!({})).await.0, 200);
}

pub async fn redact(service: &Service, room_id: &str, event_id: &str) {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let txn = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let event = json!({"type": "m.room.redaction", "event_id": "$r", "room_id": room_id, "sender": "@alice:example.org",
        "content": {"redacts": event_id}});
    let url = format!(
        "{}/_matrix/app/v1/transactions/of_usage{txn}",
        service.internal
    );
    let put = service
        .client
        .put(url)
        .bearer_auth(HS_TOKEN)
        .json(&json!({"events": [event]}));
    assert_eq!(answer(put).await.0, 200);
}
