//! `check_event`: redactions that are found when a link is followed.

use std::{sync::Arc, time::Instant};

use reqwest::Method;
use serde_json::{Value, json};
use support::{
    Service, answer, client, eventually,
    faulty::{Fault, error},
    raw::{Plan, RawServer, say_all},
    url,
};
use tokio::sync::Semaphore;

use super::scene::{OTHER_TOKEN, Scene, refused, status_of};

#[tokio::test]
async fn a_redaction_that_is_found_at_following_ends_all_links_of_the_event() {
    let scene = Scene::new("check_event: follow").await;
    let event_id = scene
        .world
        .send(&scene.world.room_id, "m.room.message", &scene.message())
        .await;
    let link = scene.link(&event_id).await;
    let mut body = scene.body(&event_id);
    body["content_token"] = json!(scene.token);
    let other = format!("{}/v1/links", scene.service.internal);
    let request = client().post(&other).bearer_auth(OTHER_TOKEN).json(&body);
    let (status, of_other) = answer(request).await;
    assert_eq!(status, 201, "{of_other}");
    let without = scene
        .service
        .issue(
            json!({"mxc": scene.mxc, "room_id": scene.world.room_id, "content_token": scene.token}),
        )
        .await;
    scene.service.wait_for_usage(&link, "counted").await;
    assert_eq!(status_of(&url(&link)).await.0, 200);

    scene.world.redact(&scene.world.room_id, &event_id).await;
    scene.becomes(&url(&link), 410).await;
    let (_, told) = status_of(&url(&link)).await;
    assert_eq!(told["errcode"], "M_GONE");
    for route in ["/v/", "/t/"] {
        let url = url(&link).replace("/m/", route) + "?width=96&height=96";
        assert_eq!(status_of(&url).await.0, 410, "{route}");
    }
    assert_eq!(scene.service.link(&link).await["state"], "redacted");
    let id = of_other["link_id"].as_str().expect("an ID");
    let request = client()
        .get(format!("{other}/{id}"))
        .bearer_auth(OTHER_TOKEN);
    assert_eq!(answer(request).await.1["state"], "redacted");
    assert_eq!(scene.asks(&body).await, refused(410, "M_GONE"));
    // What has no event is not asked for.
    assert_eq!(status_of(&url(&without)).await.0, 200);
    let (_, ended) = scene
        .service
        .call(
            Method::DELETE,
            &format!("/v1/links/{}", without["link_id"].as_str().expect("an ID")),
            &json!({}),
        )
        .await;
    assert_eq!(ended["state"], "revoked");
    scene.service.wait_for_usage(&link, "released").await;
    scene.service.stop().await;
}

#[tokio::test]
async fn encrypted_events_pass_unless_they_are_redacted() {
    let scene = Scene::new("check_event: follow").await;
    let content =
        json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "session_id": "y"});
    let event_id = scene
        .world
        .send(&scene.world.room_id, "m.room.encrypted", &content)
        .await;
    let link = scene.link(&event_id).await;
    assert_eq!(status_of(&url(&link)).await.0, 200);
    scene.world.redact(&scene.world.room_id, &event_id).await;
    scene.becomes(&url(&link), 410).await;
    scene.service.stop().await;
}

#[tokio::test]
async fn an_emptied_message_is_a_redacted_one() {
    let scene = Scene::new("check_event: follow").await;
    let event_id = scene
        .world
        .send(&scene.world.room_id, "m.room.message", &scene.message())
        .await;
    let link = scene.link(&event_id).await;
    let emptied = json!({"event_id": event_id, "room_id": scene.world.room_id, "type": "m.room.message", "content": {}});
    scene
        .faulty
        .next("/event/", [Fault::Answer(200, emptied.to_string())]);
    assert_eq!(status_of(&url(&link)).await.0, 410);
    assert_eq!(scene.service.link(&link).await["state"], "redacted");
    scene.service.stop().await;
}

#[tokio::test]
async fn a_lookup_that_fails_refuses_one_follow_and_changes_nothing() {
    let scene = Scene::new("check_event: follow").await;
    let room = &scene.world.room_id;
    let wrong = |event: Value| Fault::Answer(200, event.to_string());
    for fault in [
        error(403, "M_FORBIDDEN"),
        error(404, "M_NOT_FOUND"),
        error(401, "M_UNKNOWN_TOKEN"),
        error(429, "M_LIMIT_EXCEEDED"),
        error(500, "M_UNKNOWN"),
        Fault::Answer(200, "nonsense".to_owned()),
        wrong(json!([])),
        wrong(
            json!({"event_id": "$other", "room_id": room, "type": "m.room.message", "content": {}}),
        ),
        wrong(
            json!({"event_id": "ITS", "room_id": "!other:example.org", "type": "m.room.message", "content": {}}),
        ),
        wrong(json!({"event_id": "ITS", "room_id": room, "type": "m.room.message", "content": []})),
        Fault::DropBefore,
        Fault::DropAfter,
    ] {
        let event_id = scene
            .world
            .send(&scene.world.room_id, "m.room.message", &scene.message())
            .await;
        let link = scene.link(&event_id).await;
        let fault = match fault {
            Fault::Answer(status, text) => Fault::Answer(status, text.replace("ITS", &event_id)),
            fault => fault,
        };
        let shown = format!("{fault:?}");
        scene.faulty.next("/event/", [fault]);
        let (status, told) = status_of(&url(&link)).await;
        assert_eq!(
            (status.as_u16(), &told["errcode"]),
            (502, &json!("M_UNKNOWN")),
            "{shown}"
        );
        assert_eq!(scene.service.link(&link).await["state"], "live", "{shown}");
        assert_eq!(status_of(&url(&link)).await.0, 200, "{shown}");
    }
    scene.service.stop().await;
}

#[tokio::test]
async fn a_lookup_that_does_not_end_refuses_the_follow() {
    let scene = Scene::new("check_event: follow").await;
    let event_id = scene
        .world
        .send(&scene.world.room_id, "m.room.message", &scene.message())
        .await;
    let link = scene.link(&event_id).await;
    scene.faulty.next("/event/", [Fault::HoldAfter]);
    assert_eq!(status_of(&url(&link)).await.0, 502);
    assert_eq!(scene.service.link(&link).await["state"], "live");
    assert_eq!(status_of(&url(&link)).await.0, 200);
    scene.service.stop().await;
}

#[tokio::test]
async fn many_followers_wait_for_one_lookup_also_if_the_first_one_goes() {
    const EVENT: &str = r#"{"event_id": "$e", "room_id": "!r:example.org", "type": "m.room.message", "content": {"body": "x"}}"#;
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let homeserver = RawServer::start(move |head| {
        if !head.contains("/event/") {
            return say_all("200 OK\r\nContent-Type: text/plain", "hello");
        }
        let length = EVENT.len();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        Plan::SayInTwo(head.into(), Arc::clone(&opened), EVENT.into())
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = "usage: {mode: never, touch: never}\nlinks: {check_event: follow}";
    let service = Service::start(folder.path(), &homeserver.url, more).await;
    let link = json!({"mxc": "mxc://example.org/a", "room_id": "!r:example.org", "event_id": "$e"});
    let link = url(&service.issue(link).await);
    let lookups = || {
        homeserver
            .heads()
            .iter()
            .filter(|head| head.contains("/event/"))
            .count()
    };

    let begun = Instant::now();
    let first = link.clone();
    let first = tokio::spawn(async move { status_of(&first).await });
    eventually("a lookup", async || (lookups() == 1).then_some(())).await;
    first.abort();
    let followers: Vec<_> = (0..20)
        .map(|_| {
            let link = link.clone();
            tokio::spawn(async move { status_of(&link).await.0 })
        })
        .collect();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    gate.add_permits(100);
    for follower in followers {
        assert_eq!(follower.await.expect("no panic"), 200);
    }
    // What was seen is believed for five seconds.
    let most = 1 + usize::try_from(begun.elapsed().as_secs() / 5).expect("a few");
    assert!(lookups() <= most, "{} lookups", lookups());
    service.stop().await;
}
