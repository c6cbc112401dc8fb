//! A broken link says why, to programs and to people.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use medialink::key_store;
use medialink_link::{matrix::RoomId, sign_short};
use reqwest::Method;
use serde_json::json;
use support::{Service, World, eventually, url};

use super::scene::{assert_broken, key_file, keys, link_to, redact, scene, token_of};

#[tokio::test]
async fn a_broken_link_tells_why() {
    let (world, service) = scene("").await;
    let png: (&[u8], &str) = (b"\x89PNG\r\n\x1a\n", "image/png");
    let good = link_to(&world, &service, png, json!({})).await;
    let base = &service.public;
    let not_found = "This link leads nowhere";
    assert_broken(
        &service,
        &format!("{base}/m/nonsense"),
        404,
        "M_NOT_FOUND",
        not_found,
    )
    .await;
    let room = RoomId::parse(&world.room_id).expect("a room ID");
    let now_s = u32::try_from(service.clock.now_ms() / 1000).expect("this century");
    let ring = keys(&world);
    let unknown = sign_short(ring.active(), &room, now_s, [1; 6]);
    let unknown = format!("{base}/m/{}", unknown.expose());
    assert_broken(&service, &unknown, 404, "M_NOT_FOUND", not_found).await;

    ended_links_say_why(&world, &service).await;

    missing_media_is_said_to_be_missing(&world, &service).await;

    let expired = link_to(&world, &service, png, json!({"lifetime_ms": 60_000})).await;
    let sealed = json!({"lifetime_ms": 60_000, "form": "self_contained"});
    let sealed = link_to(&world, &service, png, sealed).await;
    service.clock.advance(61_000);
    for link in [&expired, &sealed] {
        assert_broken(&service, &url(link), 410, "M_GONE", "This link has expired").await;
        assert_eq!(service.link(link).await["state"], "expired");
    }
    assert_eq!(service.follow(&good).await.status(), 200);
    service.stop().await;
}

/// Media that the homeserver has no more, or does not give.
async fn missing_media_is_said_to_be_missing(world: &World, service: &Service) {
    let gone = service
        .issue(json!({"mxc": "mxc://example.org/never", "room_id": world.room_id}))
        .await;
    assert_broken(service, &url(&gone), 404, "M_NOT_FOUND", "The file is gone").await;

    let (mxc, _) = world.upload("secret", "text/plain").await;
    let without = service
        .issue(json!({"mxc": mxc, "room_id": world.room_id}))
        .await;
    assert_broken(
        service,
        &url(&without),
        502,
        "M_UNKNOWN",
        "The file can’t be fetched",
    )
    .await;
}

/// Links that were revoked, redacted or used up.
async fn ended_links_say_why(world: &World, service: &Service) {
    let png: (&[u8], &str) = (b"\x89PNG\r\n\x1a\n", "image/png");
    let revoked = link_to(world, service, png, json!({})).await;
    let path = format!("/v1/links/{}", revoked["link_id"].as_str().expect("an ID"));
    service.call(Method::DELETE, &path, &json!({})).await;
    assert_broken(
        service,
        &url(&revoked),
        410,
        "M_GONE",
        "This link was withdrawn",
    )
    .await;

    let redacted = link_to(world, service, png, json!({})).await;
    let event_id = redacted["event_id"].as_str().expect("an event");
    redact(service, &world.room_id, event_id).await;
    assert_broken(
        service,
        &url(&redacted),
        410,
        "M_GONE",
        "The message was removed",
    )
    .await;

    let spent = link_to(world, service, png, json!({"max_follows": 1})).await;
    assert_eq!(service.follow(&spent).await.status(), 200);
    assert_broken(
        service,
        &url(&spent),
        410,
        "M_GONE",
        "This link was already used",
    )
    .await;
}

#[tokio::test]
async fn rotated_and_revoked_keys_are_noticed_by_a_running_service() {
    let (world, service) = scene("").await;
    let png: (&[u8], &str) = (b"\x89PNG\r\n\x1a\n", "image/png");
    let short = link_to(&world, &service, png, json!({})).await;
    let sealed = link_to(&world, &service, png, json!({"form": "self_contained"})).await;
    service.wait_for_usage(&short, "counted").await;
    assert_eq!(
        key_store::change_file(&key_file(&world), |keys| key_store::rotate(keys, None))
            .expect("rotates"),
        (1, 2)
    );
    let newer = eventually("a link by the new key", async || {
        let link = link_to(&world, &service, png, json!({})).await;
        let token = URL_SAFE_NO_PAD.decode(token_of(&url(&link)));
        (token.expect("base64")[1] == 2).then_some(link)
    })
    .await;
    for link in [&short, &sealed, &newer] {
        assert_eq!(service.follow(link).await.status(), 200);
    }
    key_store::change_file(&key_file(&world), |keys| key_store::revoke(keys, 1, None))
        .expect("revokes");
    for link in [&short, &sealed] {
        eventually("the links of the key to be over", async || {
            (service.follow(link).await.status() == 410).then_some(())
        })
        .await;
        assert_broken(
            &service,
            &url(link),
            410,
            "M_GONE",
            "This link is no longer valid",
        )
        .await;
        eventually("the state to follow", async || {
            (service.link(link).await["state"] == "revoked").then_some(())
        })
        .await;
        service.wait_for_usage(link, "released").await;
    }
    assert_eq!(service.follow(&newer).await.status(), 200);
    service.stop().await;
}
