//! The whole way of one link.

use reqwest::Method;
use serde_json::{Value, json};
use support::{Service, World, url};

#[tokio::test]
async fn a_link_leads_to_the_media_is_counted_once_and_released() {
    let world = World::new().await;
    let service = world.service("usage: {batch_window: 100ms}").await;
    let mut bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    bytes[..8].copy_from_slice(b"\x89PNG\r\n\x1a\n");
    let (mxc, token) = world.upload(bytes.clone(), "image/png").await;

    let refused = world
        .as_alice(
            Method::GET,
            &format!("/_matrix/client/v1/media/download/{}", &mxc[6..]),
            &json!({}),
        )
        .await;
    assert_eq!(
        refused.1["errcode"], "M_MISSING_CONTENT_TOKEN",
        "without the content token"
    );

    let link = service
        .issue(json!({"mxc": mxc, "room_id": world.room_id, "event_id": "$e", "content_token": token, "filename": "cat.png"}))
        .await;
    assert_eq!(link["state"], "live");
    assert_eq!(link["usage"]["state"], "pending");
    assert!(url(&link).ends_with("/cat.png"), "{link}");
    leads_to_the_media(&service, &link, &bytes).await;

    let link = service.wait_for_usage(&link, "counted").await;
    assert_eq!(world.references(&mxc).await, 1);
    let events = world.meta_events(&world.room_id).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event_id"], link["usage"]["event_id"]);
    assert_eq!(events[0]["content"]["references"][0]["event_id"], "$e");
    assert_eq!(
        events[0]["content"]["references"][0]["network"],
        "Libera.Chat"
    );
    assert!(world.clean_up().await.is_empty(), "counted media is kept");

    let (status, revoked) = service
        .call(
            Method::DELETE,
            &format!("/v1/links/{}", link["link_id"].as_str().expect("ID")),
            &json!({}),
        )
        .await;
    assert_eq!(
        (status.as_u16(), &revoked["state"]),
        (200, &json!("revoked"))
    );
    assert_eq!(service.follow(&link).await.status(), 410);
    service.wait_for_usage(&link, "released").await;
    assert_eq!(world.references(&mxc).await, 0);
    assert!(world.meta_events(&world.room_id).await.is_empty());
    assert_eq!(world.clean_up().await, [mxc]);
    service.stop().await;
}

/// The media, as it was uploaded.
async fn leads_to_the_media(service: &Service, link: &Value, bytes: &[u8]) {
    let response = service.follow(link).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "image/png");
    assert_eq!(
        response.headers()["content-disposition"],
        "inline; filename=\"cat.png\""
    );
    assert_eq!(response.headers()["content-length"], "100000");
    assert_eq!(response.bytes().await.expect("a body"), bytes);
}
