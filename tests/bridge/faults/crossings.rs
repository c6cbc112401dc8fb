//! Links that end or come again while their usage is on its way.

use reqwest::Method;
use serde_json::{Value, json};
use support::{
    Service, World, eventually,
    faulty::{Fault, Faulty, error},
};

use super::play::{MINUTE, Play, limited};

#[tokio::test]
async fn usage_that_ends_while_it_moves_is_counted_when_the_medium_is_linked_again() {
    let world = World::new().await;
    let fallback = world.new_room().await;
    let faulty = Faulty::start(&world.url).await;
    let more = format!("usage: {{batch_window: 100ms, fallback_room: '{fallback}'}}");
    let service = Service::start(world.folder.path(), &faulty.url, &more).await;
    let mut bodies = Vec::new();
    for n in 0..2 {
        let (mxc, token) = world.upload(format!("{n}"), "text/plain").await;
        bodies.push(json!({"mxc": mxc, "content_token": token, "room_id": world.room_id}));
    }
    let (_, batch) = service
        .call(Method::POST, "/v1/links/batch", &json!({"links": bodies}))
        .await;
    let links = batch["results"].as_array().expect("results").clone();
    for link in &links {
        service.wait_for_usage(link, "counted").await;
    }
    let revoke = async |link: &Value| {
        let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
        assert_eq!(service.call(Method::DELETE, &path, &json!({})).await.0, 200);
    };
    // The living one is to move to an event that waits; there it dies, its old event goes, and
    // only then the homeserver refuses the new one.
    faulty.next("/send/", [limited(), error(403, "M_FORBIDDEN")]);
    revoke(&links[0]).await;
    eventually("the replacement", async || {
        (faulty.left() == 1).then_some(())
    })
    .await;
    revoke(&links[1]).await;
    let mxc = bodies[1]["mxc"].as_str().expect("mxc");
    eventually("the redaction", async || {
        (world.references(mxc).await == 0).then_some(())
    })
    .await;
    assert_eq!(faulty.left(), 1, "the replacement still waits");
    service.clock.advance(MINUTE);
    eventually("the refusal", async || (faulty.left() == 0).then_some(())).await;
    service.drained().await;
    let again = service.issue(bodies[1].clone()).await;
    service.wait_for_usage(&again, "counted").await;
    assert_eq!(world.references(mxc).await, 1);
    service.stop().await;
}

#[tokio::test]
async fn media_that_is_linked_again_during_its_redaction_is_counted_once() {
    for fault in [
        limited(),
        Fault::DropBefore,
        Fault::DropAfter,
        error(502, ""),
    ] {
        let play = Play::new("").await;
        let link = play.issue().await;
        play.skip_to(&link, "counted").await;
        play.faulty.next("/redact/", [fault]);
        play.revoke(&link).await;
        play.one_has_failed().await;
        let again = play.issue().await;
        assert_ne!(again["link_id"], link["link_id"]);
        play.skip_to(&again, "counted").await;
        eventually("an empty outbox", async || {
            play.service.clock.advance(500);
            (play.service.count_waiting().await == 0).then_some(())
        })
        .await;
        play.counted(1).await;
        play.revoke(&again).await;
        play.skip_to(&again, "released").await;
        play.counted(0).await;
        play.service.stop().await;
    }
}
