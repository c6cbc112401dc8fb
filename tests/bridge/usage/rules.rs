//! The rules of usage: what is counted, and until when.

use reqwest::Method;
use serde_json::json;
use support::{World, eventually};

use super::requests::revoke;

const HOUR: i64 = 3_600_000;
const QUICK: &str = "usage: {batch_window: 20ms}";

#[tokio::test]
async fn media_is_counted_once_per_room_and_token_until_its_last_link_ends() {
    let world = World::new().await;
    let other_room = world.new_room().await;
    let service = world.service(QUICK).await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let body = |room: &str, event: &str| json!({"mxc": mxc, "content_token": token, "room_id": room, "event_id": event});
    let first = service.issue(body(&world.room_id, "$1")).await;
    let second = service.issue(body(&world.room_id, "$2")).await;
    service.wait_for_usage(&first, "counted").await;
    service.drained().await;
    assert_eq!(
        world.references(&mxc).await,
        1,
        "two links of one room are one usage"
    );
    let elsewhere = service.issue(body(&other_room, "$1")).await;
    service.wait_for_usage(&elsewhere, "counted").await;
    assert_eq!(
        world.references(&mxc).await,
        2,
        "another room is another usage"
    );
    revoke(&service, &first).await;
    service.drained().await;
    assert_eq!(world.references(&mxc).await, 2, "one link is left");
    revoke(&service, &second).await;
    service.wait_for_usage(&second, "released").await;
    assert_eq!(world.references(&mxc).await, 1);
    assert_eq!(service.link(&elsewhere).await["usage"]["state"], "counted");
    let without = service
        .issue(json!({"mxc": mxc, "room_id": world.room_id, "event_id": "$3"}))
        .await;
    assert_eq!(without["usage"]["state"], "disabled", "no token, no count");
    let again = service.issue(body(&world.room_id, "$3")).await;
    assert_eq!(
        again["link_id"], without["link_id"],
        "a repeat brings the token"
    );
    service.wait_for_usage(&again, "counted").await;
    assert_eq!(world.references(&mxc).await, 2);
    service.stop().await;
}

#[tokio::test]
async fn usages_that_differ_only_in_their_token_do_not_hide_each_other() {
    let world = World::new().await;
    let service = world.service("usage: {batch_window: 300ms}").await;
    for right_first in [true, false] {
        let (mxc, token) = world.upload("bytes", "text/plain").await;
        let body = |token: &str, event: &str| json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "event_id": event});
        let mut bodies = [body(&token, "$right"), body("of-somebody-else", "$other")];
        if !right_first {
            bodies.reverse();
        }
        let mut links = Vec::new();
        for body in bodies {
            links.push(service.issue(body).await);
        }
        for link in &links {
            service.wait_for_usage(link, "counted").await;
        }
        assert_eq!(
            world.references(&mxc).await,
            1,
            "right first: {right_first}"
        );
        let (right, other) = if right_first { (0, 1) } else { (1, 0) };
        revoke(&service, &links[other]).await;
        service.wait_for_usage(&links[other], "released").await;
        service.drained().await;
        let media = world.media(&mxc).await;
        assert_eq!(
            (&media["references"], &media["min_references_since_counted"]),
            (&json!(1), &json!(1)),
            "{media}"
        );
        revoke(&service, &links[right]).await;
        service.wait_for_usage(&links[right], "released").await;
        assert_eq!(world.references(&mxc).await, 0);
    }
    service.stop().await;
}

#[tokio::test]
async fn an_event_all_of_whose_media_has_expired_is_redacted_without_a_replacement() {
    let world = World::new().await;
    let service = world
        .service("usage: {batch_window: 300ms, release_after: 1h}")
        .await;
    let mut links = Vec::new();
    for n in 0..3 {
        let (mxc, token) = world.upload(format!("{n}"), "text/plain").await;
        links.push(service.issue(json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "lifetime_ms": HOUR})).await);
    }
    for link in &links {
        service.wait_for_usage(link, "counted").await;
    }
    assert_eq!(world.meta_events(&world.room_id).await.len(), 1);
    service.clock.advance(HOUR + 1000);
    for link in &links {
        service.wait_for_usage(link, "released").await;
        let media = world.media(link["mxc"].as_str().expect("mxc")).await;
        assert_eq!(
            (&media["references"], &media["max_references"]),
            (&json!(0), &json!(1)),
            "{media}"
        );
    }
    assert!(world.meta_events(&world.room_id).await.is_empty());
    service.stop().await;
}

#[tokio::test]
async fn media_of_one_window_shares_events_of_fifty() {
    let world = World::new().await;
    let service = world.service("usage: {batch_window: 2s}").await;
    let mut links = Vec::new();
    // More than are gathered by one write.
    for n in 0..570 {
        let (mxc, token) = world.upload(format!("{n}"), "text/plain").await;
        links.push(json!({"mxc": mxc, "content_token": token, "room_id": world.room_id}));
    }
    let (_, batch) = service
        .call(Method::POST, "/v1/links/batch", &json!({"links": links}))
        .await;
    for link in batch["results"].as_array().expect("results") {
        let link = service.wait_for_usage(link, "counted").await;
        let mxc = link["mxc"].as_str().expect("mxc");
        assert_eq!(world.references(mxc).await, 1);
    }
    assert_eq!(world.meta_events(&world.room_id).await.len(), 12);
    service.stop().await;
}

#[tokio::test]
async fn living_media_moves_to_a_new_event_before_the_old_one_goes() {
    let world = World::new().await;
    let service = world
        .service("usage: {batch_window: 200ms, release_after: 1h}")
        .await;
    let mut links = Vec::new();
    for n in 0..3 {
        let (mxc, token) = world.upload(format!("{n}"), "text/plain").await;
        let lifetime = if n == 1 { HOUR / 2 } else { 30 * 24 * HOUR };
        links.push(service.issue(json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "lifetime_ms": lifetime})).await);
    }
    for link in &links {
        service.wait_for_usage(link, "counted").await;
    }
    let mxc = |n: usize| links[n]["mxc"].as_str().expect("mxc").to_owned();
    let first = world.meta_events(&world.room_id).await;
    assert_eq!(first.len(), 1);
    revoke(&service, &links[0]).await;
    service.wait_for_usage(&links[0], "released").await;
    service.drained().await;
    let second = world.meta_events(&world.room_id).await;
    assert_eq!(second.len(), 1);
    assert_ne!(second[0]["event_id"], first[0]["event_id"]);
    for n in [1, 2] {
        was_never_uncounted(&world, &mxc(n)).await;
    }
    // Media that merely expired may wait beside media that lives, but not for ever.
    service.clock.advance(HOUR / 2 + 1000);
    eventually("the expiry to be noted", async || {
        (service.link(&links[1]).await["state"] == "expired").then_some(())
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(
        world.references(&mxc(1)).await,
        1,
        "release_after is not over"
    );
    service.clock.advance(HOUR + 1000);
    service.wait_for_usage(&links[1], "released").await;
    service.drained().await;
    assert_eq!(
        (
            world.references(&mxc(1)).await,
            world.references(&mxc(2)).await
        ),
        (0, 1)
    );
    assert_eq!(
        world.media(&mxc(2)).await["min_references_since_counted"],
        1
    );
    // The last one expires: there is nothing to wait for.
    service.clock.advance(31 * 24 * HOUR);
    service.wait_for_usage(&links[2], "released").await;
    assert!(world.meta_events(&world.room_id).await.is_empty());
    service.stop().await;
}

/// Counted all the time, by both events for a moment.
async fn was_never_uncounted(world: &World, mxc: &str) {
    let media = world.media(mxc).await;
    assert_eq!(media["references"], 1, "{media}");
    assert_eq!(
        media["min_references_since_counted"], 1,
        "never uncounted: {media}"
    );
    assert_eq!(
        media["max_references"], 2,
        "counted by both events for a moment: {media}"
    );
}

#[tokio::test]
async fn media_that_is_linked_again_stays_counted_or_is_counted_again() {
    let world = World::new().await;
    let service = world.service("usage: {batch_window: 300ms}").await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = service.issue(body.clone()).await;
    service.wait_for_usage(&link, "counted").await;
    revoke(&service, &link).await;
    let again = service.issue(body.clone()).await;
    assert_eq!(
        again["usage"]["state"], "counted",
        "linked again within the window"
    );
    service.drained().await;
    let media = world.media(&mxc).await;
    assert_eq!(
        (&media["references"], &media["min_references_since_counted"]),
        (&json!(1), &json!(1)),
        "{media}"
    );
    revoke(&service, &again).await;
    service.wait_for_usage(&again, "released").await;
    let last = service.issue(body).await;
    assert_eq!(last["usage"]["state"], "pending");
    service.wait_for_usage(&last, "counted").await;
    assert_eq!(world.references(&mxc).await, 1);
    service.stop().await;
}

#[tokio::test]
async fn local_media_is_touched_now_and_then_as_long_as_it_has_a_live_link() {
    let world = World::new().await;
    let service = world
        .service("usage: {batch_window: 20ms, touch: 1h, touch_rate: 100/s}")
        .await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = service.issue(body).await;
    let touched = async |times: u64| {
        eventually("a touch", async || {
            (world.media(&mxc).await["not_modified"].as_u64() == Some(times)).then_some(())
        })
        .await;
    };
    touched(1).await;
    service.clock.advance(HOUR + 1000);
    touched(2).await;
    assert_eq!(world.media(&mxc).await["downloads"], 0, "without a body");
    revoke(&service, &link).await;
    service.clock.advance(HOUR + 1000);
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    touched(2).await;
    service.stop().await;
}
