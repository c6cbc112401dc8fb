//! Touches: who is asked, and what holds up nobody else.

use std::sync::Arc;

use matrix_test_server::{Appservice, Options};
use serde_json::json;
use support::{
    AS_TOKEN, Service, World, appservice, eventually,
    faulty::{Fault, error},
    raw::{Plan, RawServer, say},
};
use tokio::sync::Semaphore;

use super::scene::{HOUR, Scene};

const HOURLY: &str = "usage: {batch_window: 20ms, touch: 1h, touch_rate: 100/s}";

#[tokio::test]
async fn touches_tell_that_media_is_gone() {
    let scene = Scene::new(&format!("{HOURLY}\nmedia: {{revalidate: never}}")).await;
    scene.world.clean_up().await;
    scene.service.clock.advance(2 * HOUR);
    eventually("the link to be gone", async || {
        scene.service.clock.advance(60_000);
        (scene.state().await == "gone").then_some(())
    })
    .await;
    assert_eq!(scene.status().await, 404);
    scene.service.stop().await;
}

#[tokio::test]
async fn a_touch_that_a_proxy_answers_deletes_no_schedule() {
    let scene = Scene::new(HOURLY).await;
    for fault in [
        Fault::Answer(404, "<html>".to_owned()),
        error(502, "M_UNKNOWN"),
        error(404, "M_UNRECOGNIZED"),
        Fault::DropBefore,
    ] {
        scene
            .faulty
            .next("/client/v1/media/download/", [fault.clone(), fault]);
        scene.service.clock.advance(2 * HOUR);
        eventually("touches that fail", async || {
            scene.service.clock.advance(11 * 60_000);
            (scene.faulty.left() == 0).then_some(())
        })
        .await;
    }
    let touched = async || {
        let media = scene.world.media(&scene.mxc).await;
        media["not_modified"].as_i64().expect("a number")
    };
    let before = touched().await;
    eventually("a touch", async || {
        scene.service.clock.advance(11 * 60_000);
        (touched().await > before).then_some(())
    })
    .await;
    assert_eq!(scene.state().await, "live");
    scene.service.stop().await;
}

#[tokio::test]
async fn media_is_touched_as_a_bridge_that_is_configured() {
    let second = Appservice {
        id: "other".to_owned(),
        as_token: format!("other-{AS_TOKEN}"),
        hs_token: "other-hs-token-0123456789".to_owned(),
        url: None,
        sender: "@other:example.org".to_owned(),
        users: vec![],
    };
    let world = World::with(Options {
        content_tokens: false,
        appservices: vec![appservice(None), second],
        ..Options::default()
    })
    .await;
    let other = format!(
        "  - {{id: other, network: XMPP, api_token: other-api-token-0123456789, as_token: other-{AS_TOKEN}, hs_token: other-hs-token-0123456789, user_id: '@other:example.org'}}\n{HOURLY}"
    );
    let service = world.service(&other).await;
    let (mxc, _) = world.upload("bytes", "text/plain").await;
    let (only_others, _) = world.upload("more bytes", "text/plain").await;
    // It is first in the queue.
    service
        .schedule_touches(std::slice::from_ref(&only_others))
        .await;
    let body = |mxc: &str| json!({"mxc": mxc, "room_id": world.room_id});
    service.issue(body(&mxc)).await;
    for mxc in [&mxc, &only_others] {
        let request = service
            .client
            .post(format!("{}/v1/links", service.internal))
            .bearer_auth("other-api-token-0123456789")
            .json(&body(mxc));
        assert_eq!(request.send().await.expect("an answer").status(), 201);
    }
    let clock = service.clock.clone();
    service.stop().await;
    // The bridge of the newest link is gone.
    let service = Service::start_at(world.folder.path(), &world.url, "", HOURLY, &clock).await;
    let touched = async |mxc: &str| world.media(mxc).await["not_modified"].as_i64();
    let before = touched(&mxc).await;
    service.clock.advance(2 * HOUR);
    eventually("a touch", async || {
        (touched(&mxc).await > before).then_some(())
    })
    .await;
    service.stop().await;
    // It comes back, and its media is touched again.
    let service = Service::start_at(world.folder.path(), &world.url, "", &other, &clock).await;
    let before = touched(&only_others).await;
    service.clock.advance(3 * HOUR);
    eventually("a touch", async || {
        (touched(&only_others).await > before).then_some(())
    })
    .await;
    service.stop().await;
}

#[tokio::test]
async fn touches_that_hang_hold_up_no_others() {
    let never = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&never);
    let homeserver = RawServer::start(move |head| {
        if head.contains("/slow.example/") {
            Plan::SayInTwo(Vec::new(), Arc::clone(&held), Vec::new())
        } else {
            say("304 Not Modified", "")
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = "usage: {mode: never, touch: 1h, touch_rate: 100/s}";
    let service = Service::start(folder.path(), &homeserver.url, more).await;
    let mut slow = Vec::new();
    for n in 0..40 {
        slow.push(format!("mxc://slow.example/{n}"));
    }
    for mxc in &slow {
        service
            .issue(json!({"mxc": mxc, "room_id": "!r:example.org"}))
            .await;
    }
    service.schedule_touches(&slow).await;
    service
        .issue(json!({"mxc": "mxc://example.org/quick", "room_id": "!r:example.org"}))
        .await;
    eventually("the quick one", async || {
        let heads = homeserver.heads();
        heads
            .iter()
            .any(|head| head.contains("/quick"))
            .then_some(())
    })
    .await;
    let heads = homeserver.heads();
    let hanging = heads
        .iter()
        .filter(|head| head.contains("/slow.example/"))
        .count();
    assert_eq!(hanging, 2, "few of one server at once");
    drop(never);
    service.stop().await;
}
