//! Failures that stay: usage is split, goes to another room, or fails.

use reqwest::Method;
use serde_json::json;
use support::{
    Service, World, eventually,
    faulty::{Fault, error},
};

use super::play::{HOUR, Play};

#[tokio::test]
async fn events_that_are_too_large_are_halved() {
    let play = Play::new("usage: {batch_window: 2s}").await;
    let mut links = vec![play.issue().await];
    for n in 0..3 {
        let (mxc, token) = play.world.upload(format!("more {n}"), "text/plain").await;
        let body = json!({"mxc": mxc, "content_token": token, "room_id": play.world.room_id});
        links.push(play.service.issue(body).await);
    }
    play.faulty.next("/send/", [error(413, "M_TOO_LARGE")]);
    for link in &links {
        play.skip_to(link, "counted").await;
        assert_eq!(
            play.world
                .references(link["mxc"].as_str().expect("mxc"))
                .await,
            1
        );
    }
    assert_eq!(play.world.meta_events(&play.world.room_id).await.len(), 2);
    play.service.stop().await;
}

#[tokio::test]
async fn usage_that_is_refused_fails_is_shown_and_can_be_retried() {
    let play = Play::new("").await;
    play.bot("leave").await;
    let link = play.issue().await;
    play.skip_to(&link, "failed").await;
    play.counted(0).await;
    play.invite().await;
    play.bot("join").await;
    assert_eq!(play.service.retry_failed().await, 1);
    play.skip_to(&link, "counted").await;
    play.counted(1).await;
    // Whoever has left cannot redact: it waits for the return.
    play.bot("leave").await;
    play.revoke(&link).await;
    eventually("the refused redaction", async || {
        play.service.clock.advance(500);
        (play.faulty.seen("/redact/") > 0).then_some(())
    })
    .await;
    assert_eq!(play.service.link(&link).await["usage"]["state"], "counted");
    play.invite().await;
    play.bot("join").await;
    play.service.clock.advance(HOUR);
    play.skip_to(&link, "released").await;
    play.counted(0).await;
    play.service
        .expect_errors("usage that is refused for good is reported");
    play.service.stop().await;
}

#[tokio::test]
async fn another_room_counts_where_the_bridge_may_not_send() {
    let world = World::new().await;
    let fallback = world.new_room().await;
    let more = format!("usage: {{batch_window: 20ms, fallback_room: '{fallback}'}}");
    let service = world.service(&more).await;
    let (mxc, token) = world.upload("some bytes", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": "!elsewhere:example.org", "event_id": "$secret"});
    let link = service.issue(body).await;
    service.wait_for_usage(&link, "counted").await;
    let events = world.meta_events(&fallback).await;
    assert_eq!(events.len(), 1);
    assert!(
        events[0]["content"]["references"][0]
            .get("event_id")
            .is_none(),
        "{}",
        events[0]
    );
    assert_eq!(world.references(&mxc).await, 1);
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
    service.call(Method::DELETE, &path, &json!({})).await;
    service.wait_for_usage(&link, "released").await;
    assert_eq!(world.references(&mxc).await, 0);
    service.stop().await;
}

#[tokio::test]
async fn the_mode_and_encrypted_rooms_are_respected() {
    let world = World::new().await;
    let (mxc, token) = world.upload("some bytes", "text/plain").await;
    let with = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let without = json!({"mxc": mxc, "room_id": world.room_id});
    for (mode, with_token, without_token) in [
        ("auto", "counted", "disabled"),
        ("always", "counted", "counted"),
        ("never", "disabled", "disabled"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let more = format!("usage: {{batch_window: 20ms, mode: {mode}}}");
        let service = Service::start(folder.path(), &world.url, &more).await;
        for (body, state) in [(&with, with_token), (&without, without_token)] {
            let mut body = body.clone();
            body["event_id"] = json!(format!("${mode}{state}"));
            let link = service.issue(body).await;
            service.wait_for_usage(&link, state).await;
        }
        service.stop().await;
    }
    let path = format!(
        "/_matrix/client/v3/rooms/{}/state/m.room.encryption",
        world.room_id
    );
    let (status, told) = world
        .as_alice(
            Method::PUT,
            &path,
            &json!({"algorithm": "m.megolm.v1.aes-sha2"}),
        )
        .await;
    assert_eq!(status, 200, "{told}");
    let folder = tempfile::tempdir().expect("a folder");
    let more = "usage: {batch_window: 20ms, encrypted_rooms: false}";
    let service = Service::start(folder.path(), &world.url, more).await;
    let link = service.issue(with).await;
    service.wait_for_usage(&link, "disabled").await;
    service.stop().await;
}

#[tokio::test]
async fn a_meta_event_fails_if_the_search_for_it_is_refused_for_good() {
    let play = Play::new("").await;
    play.faulty.next("/send/", [Fault::DropBefore]);
    let link = play.issue().await;
    play.one_has_failed().await;
    let refused = || error(403, "M_FORBIDDEN");
    play.faulty.next("/messages", [refused(), refused()]);
    play.service.clock.advance(21 * HOUR);
    play.skip_to(&link, "failed").await;
    assert_eq!(play.faulty.left(), 0);
    play.counted(0).await;
    play.service
        .expect_errors("usage that is refused for good is reported");
    play.service.stop().await;
}
