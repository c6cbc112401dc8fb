//! Who compares, how far, and what is said of it.

use reqwest::Method;
use serde_json::json;
use support::{
    AS_TOKEN, BOT, Process, World, eventually,
    faulty::{Fault, Faulty, error},
};

use super::room::{HOUR, QUICK, issue, moderate, stray};

#[tokio::test]
async fn a_room_that_cannot_be_read_is_left_as_it_is_and_told() {
    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let service = world.service(QUICK).await;
    let (link, mxc) = issue(&world, &service, "bytes").await;
    moderate(&world, &link).await;
    for fault in [
        error(403, "M_FORBIDDEN"),
        error(500, "M_UNKNOWN"),
        error(404, ""),
        Fault::Answer(200, "{\"chunk\": {}}".to_owned()),
        Fault::Answer(200, "[1, 2".to_owned()),
    ] {
        faulty.next("/messages", [fault]);
        let compared = service.compare(&faulty.url).await;
        assert_eq!((compared.rooms, compared.unreadable.len()), (0, 1));
        assert_eq!(compared.unreadable[0].1, world.room_id);
    }
    // Only the word of the room that it has the event no more counts.
    let empty = || Fault::Answer(200, "{\"chunk\": []}".to_owned());
    for fault in [error(403, "M_FORBIDDEN"), error(404, ""), error(502, "")] {
        faulty.next("/messages", [empty()]);
        faulty.next("/event/", [fault]);
        let compared = service.compare(&faulty.url).await;
        assert_eq!(compared.unreadable.len(), 1);
    }
    assert_eq!(service.link(&link).await["usage"]["state"], "counted");
    faulty.next(
        "/messages",
        [Fault::Answer(
            429,
            "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"error\": \"slow\", \"retry_after_ms\": 20}"
                .to_owned(),
        )],
    );
    assert_eq!(service.compare(&faulty.url).await.counted_anew, 1);
    service.wait_for_usage(&link, "counted").await;
    assert_eq!(world.references(&mxc).await, 1);
    service.stop().await;
}

#[tokio::test]
async fn a_meta_event_that_no_page_shows_is_asked_for_by_its_id() {
    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let service = world.service(QUICK).await;
    let (redacted, _) = issue(&world, &service, "redacted").await;
    let (standing, _) = issue(&world, &service, "standing").await;
    moderate(&world, &redacted).await;
    faulty.next(
        "/messages",
        [Fault::Answer(200, "{\"chunk\": []}".to_owned())],
    );
    let compared = service.compare(&faulty.url).await;
    assert_eq!((compared.counted_anew, faulty.seen("/event/")), (1, 2));
    service.wait_for_usage(&redacted, "counted").await;
    assert_eq!(service.link(&standing).await["usage"], standing["usage"]);
    service.stop().await;
}

#[tokio::test]
async fn the_running_service_compares_by_itself() {
    let world = World::new().await;
    let service = world
        .service("usage: {batch_window: 20ms, reconcile: 1m}")
        .await;
    let (link, mxc) = issue(&world, &service, "bytes").await;
    moderate(&world, &link).await;
    for _ in 0..2 {
        service.clock.advance(HOUR);
        eventually("the count", async || {
            (world.references(&mxc).await == 1).then_some(())
        })
        .await;
        let now = service.wait_for_usage(&link, "counted").await;
        moderate(&world, &now).await;
    }
    service.stop().await;
}

#[tokio::test]
async fn the_command_says_what_it_has_mended() {
    let world = World::new().await;
    let mut process = Process::new(world.folder.path(), &world.url, QUICK);
    process.start().await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = process.issue(body).await;
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
    let counted = eventually("the count", async || {
        let (_, link) = process.call(Method::GET, &path, &json!({})).await?;
        (link["usage"]["state"] == "counted").then_some(link)
    })
    .await;
    moderate(&world, &counted).await;
    stray(&world, AS_TOKEN, &[("user_id", BOT)], "young").await;
    let said = |arguments: &[&str]| {
        let output = process.run(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let elsewhere = said(&["usage", "reconcile", "--room", "!other:example.org"]);
    assert!(elsewhere.contains("rooms compared: 0"), "{elsewhere}");
    let here = said(&[
        "usage",
        "reconcile",
        "--bridge",
        "irc",
        "--room",
        &world.room_id,
    ]);
    for line in [
        "rooms compared: 1",
        "meta events compared: 1",
        "usages counted anew: 1",
        "meta events redacted again: 0",
        "unknown meta events redacted: 0",
        "rooms that could not be read: 0",
    ] {
        assert!(here.lines().any(|said| said == line), "{line}: {here}");
    }
    assert!(
        !process
            .run(&["usage", "reconcile", "--bridge", "none"])
            .status
            .success()
    );
    eventually("the count", async || {
        (world.references(&mxc).await == 1).then_some(())
    })
    .await;
}
