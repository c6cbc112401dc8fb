//! Links serve a copy that lives as long as its meta event.

use matrix_test_server::{LinkedMediaPaths, Options};
use reqwest::Method;
use serde_json::json;
use support::{
    Service, World, eventually,
    faulty::{Fault, Faulty, error},
};

use super::play::{Play, UNCACHED, linked, revoke, text};

#[tokio::test]
async fn links_serve_a_copy_that_lives_as_long_as_the_meta_event() {
    for paths in [
        LinkedMediaPaths::Both,
        LinkedMediaPaths::Unstable,
        LinkedMediaPaths::Stable,
    ] {
        let world = World::with(Options {
            linked_media_paths: paths,
            ..linked()
        })
        .await;
        let service = world.service(UNCACHED).await;
        service.knows_linked_media().await;
        let (mxc, _) = world.upload("restricted bytes", "text/plain").await;
        let link = service
            .issue(json!({"mxc": mxc, "room_id": world.room_id}))
            .await;
        service.wait_for_usage(&link, "counted").await;
        let copy = service.copy_of(&link).await.expect("a copy");
        assert_ne!(copy, mxc);
        let events = world.meta_events(&world.room_id).await;
        assert_eq!(
            world.media(&copy).await["attached_to"],
            events[0]["event_id"]
        );
        let downloads = world.media(&mxc).await["downloads"].clone();
        assert_eq!(
            text(service.follow(&link).await).await,
            (200, "restricted bytes".to_owned())
        );
        assert_eq!(
            world.media(&mxc).await["downloads"],
            downloads,
            "the copy was asked for"
        );
        revoke(&service, &link).await;
        service.wait_for_usage(&link, "released").await;
        assert_eq!(service.copy_of(&link).await, None);
        world.clean_up().await;
        let media = world.media(&copy).await;
        assert!(
            media.get("errcode").is_some() || media["deleted"] == true,
            "{media}"
        );
        service.stop().await;
    }
}

#[tokio::test]
async fn the_link_outlives_the_event_that_shared_its_media() {
    let play = Play::new().await;
    let link = play.issue().await;
    play.service.wait_for_usage(&link, "counted").await;
    let path = format!(
        "/_matrix/client/v3/rooms/{}/redact/{}/t",
        play.world.room_id, play.event_id
    );
    assert_eq!(
        play.world.as_alice(Method::PUT, &path, &json!({})).await.0,
        200
    );
    play.world.clean_up().await;
    play.is_counted_once(&link).await;
    play.service.stop().await;
}

#[tokio::test]
async fn a_copy_that_has_gone_gives_way_to_the_original() {
    let play = Play::new().await;
    let link = play.issue().await;
    play.service.wait_for_usage(&link, "counted").await;
    let copy = play.service.copy_of(&link).await.expect("a copy");
    let id = copy.rsplit('/').next().expect("an ID").to_owned();
    play.faulty.next(
        &format!("/download/example.org/{id}"),
        [error(404, "M_NOT_FOUND")],
    );
    assert_eq!(text(play.service.follow(&link).await).await.0, 200);
    assert_eq!(play.faulty.left(), 0);
    play.service.stop().await;
}

#[tokio::test]
async fn a_homeserver_that_learns_to_link_media_is_noticed_and_media_counts() {
    let world = World::with(linked()).await;
    let faulty = Faulty::start(&world.url).await;
    let old = Fault::Answer(200, "{\"versions\": [\"v1.11\"]}".to_owned());
    faulty.next("/versions", [old]);
    let (mxc, _) = world.upload("bytes", "text/plain").await;
    let body = |event: &str| json!({"mxc": mxc, "room_id": world.room_id, "event_id": event});
    let service = Service::start(world.folder.path(), &faulty.url, UNCACHED).await;
    eventually("the homeserver to be asked", async || {
        (faulty.left() == 0).then_some(())
    })
    .await;
    let link = service.issue(body("$1")).await;
    assert_eq!(link["usage"]["state"], "disabled");
    service.stop().await;
    // The homeserver has been updated.
    let service = Service::start(world.folder.path(), &faulty.url, UNCACHED).await;
    service.wait_for_usage(&link, "counted").await;
    service.stop().await;
    faulty.set_away(true);
    let service = Service::start(world.folder.path(), &faulty.url, UNCACHED).await;
    let other = world.upload("other", "text/plain").await.0;
    let late = json!({"mxc": other, "room_id": world.room_id});
    let late = service.issue(late).await;
    assert_eq!(late["usage"]["state"], "pending", "it is known from before");
    service.leave_unfinished("the homeserver is away");
    service.stop().await;
}
