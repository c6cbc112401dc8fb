//! When rooms are asked for their policy, and which answer is believed.

use std::sync::Arc;

use medialink::clock::Clock;
use reqwest::Method;
use serde_json::json;
use support::{
    BOT, HS_TOKEN, POLICY_EVENT_TYPE, Service, World, answer,
    faulty::{Fault, Faulty, error},
    patiently,
    raw::{Plan, RawServer},
};
use tokio::sync::Semaphore;

use super::room::{HOUR_MS, USAGE, asks, lifetime, media, told, with};

#[tokio::test]
async fn a_room_is_asked_again_after_an_hour() {
    let world = World::new().await;
    let clock = Clock::default();
    let folder = world.folder.path();
    let service = Service::start_at(folder, &world.url, "", USAGE, &clock).await;
    let body = media(&world, "$e").await;
    service.issue(body.clone()).await;
    world.set_policy(&json!({"enabled": false})).await;
    assert_eq!(
        asks(&service, &body).await.0,
        200,
        "what is known is believed"
    );
    clock.advance(HOUR_MS);
    assert_eq!(asks(&service, &body).await, told(403, "M_FORBIDDEN"));
    assert_eq!(world.requests("rooms.state.get").await, 2);
    service.stop().await;
}

#[tokio::test]
async fn a_homeserver_that_is_away_is_asked_again() {
    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let service = Service::start(world.folder.path(), &faulty.url, USAGE).await;
    world.set_policy(&json!({"enabled": false})).await;
    let body = media(&world, "$e").await;
    faulty.set_away(true);
    let link = service.issue(body.clone()).await;
    let again = service.issue(body.clone()).await;
    assert_eq!(again["link_id"], link["link_id"]);
    faulty.set_away(false);
    service.clock.advance(31_000);
    service.ask_rooms().await;
    assert_eq!(service.link(&link).await["state"], "revoked");
    assert_eq!(asks(&service, &body).await, told(403, "M_FORBIDDEN"));
    service.stop().await;
}

#[tokio::test]
async fn the_next_issue_asks_a_room_that_has_not_answered() {
    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let service = Service::start(world.folder.path(), &faulty.url, USAGE).await;
    world.set_policy(&json!({"enabled": false})).await;
    let body = media(&world, "$e").await;
    for fault in [
        Fault::Answer(200, "[]".to_owned()),
        Fault::Answer(200, "nonsense".to_owned()),
        Fault::Answer(404, "nothing".to_owned()),
        error(500, "M_UNKNOWN"),
        error(401, "M_UNKNOWN_TOKEN"),
        Fault::DropBefore,
        Fault::HoldAfter,
    ] {
        let shown = format!("{fault:?}");
        faulty.next("/state/", [fault]);
        let status = asks(&service, &body).await.0;
        assert!(matches!(status, 200 | 201), "{shown}: {status}");
    }
    assert_eq!(asks(&service, &body).await, told(403, "M_FORBIDDEN"));
    service.stop().await;
}

#[tokio::test]
async fn the_service_asks_by_itself_the_rooms_that_have_not_answered() {
    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let service = Service::start(world.folder.path(), &faulty.url, USAGE).await;
    let (_, event) = (world.set_policy(&json!({"enabled": false})).await, "$e");
    let body = media(&world, event).await;
    faulty.next("/state/", [error(503, "M_UNKNOWN")]);
    let link = service.issue(body).await;
    let asked = async || (service.link(&link).await["state"] == "revoked").then_some(());
    // Every 30 seconds, which is as long as one wait.
    patiently("an answer", asked).await;
    service.stop().await;
}

#[tokio::test]
async fn a_refused_question_for_the_policy_changes_nothing() {
    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let clock = Clock::default();
    let folder = world.folder.path();
    let service = Service::start_at(folder, &faulty.url, "", USAGE, &clock).await;
    world.set_policy(&json!({"max_lifetime_ms": HOUR_MS})).await;
    let body = media(&world, "$e").await;
    service.issue(body.clone()).await;
    clock.advance(HOUR_MS);
    faulty.next("/state/", [error(403, "M_FORBIDDEN")]);
    let later = service
        .issue(with(&body, "event_id", json!("$later")))
        .await;
    assert_eq!(lifetime(&later), Some(HOUR_MS));
    let elsewhere = with(&body, "room_id", json!("!unknown:example.org"));
    assert_eq!(
        lifetime(&service.issue(elsewhere).await),
        Some(14 * 24 * HOUR_MS)
    );
    let policy = format!("/state/{POLICY_EVENT_TYPE}");
    let asked = faulty.seen(&policy);
    service.issue(with(&body, "event_id", json!("$last"))).await;
    assert_eq!(faulty.seen(&policy), asked, "a refusal is an answer");
    service.expect_errors("usage that is refused for good is reported");
    service.stop().await;
}

#[tokio::test]
async fn a_redacted_policy_is_asked_for_again() {
    let world = World::new().await;
    let service = world.service(USAGE).await;
    let policy = world.set_policy(&json!({"max_lifetime_ms": HOUR_MS})).await;
    let body = media(&world, "$e").await;
    assert_eq!(lifetime(&service.issue(body.clone()).await), Some(HOUR_MS));
    assert!(!service.doubts_policy(&world.room_id, "$other").await);
    world.redact(&world.room_id, &policy).await;
    assert!(service.doubts_policy(&world.room_id, &policy).await);
    let link = service
        .issue(with(&body, "event_id", json!("$after")))
        .await;
    assert_eq!(lifetime(&link), Some(14 * 24 * HOUR_MS));
    service.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_older_than_what_was_noted_is_not_believed() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let asked = Arc::new(Semaphore::new(0));
    let seen = Arc::clone(&asked);
    let homeserver = RawServer::start_with_policies(move |_| {
        seen.add_permits(1);
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n";
        Plan::SayInTwo(head.to_vec(), Arc::clone(&opened), b"{}".to_vec())
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = "usage: {mode: never, touch: never}";
    let service = Service::start(folder.path(), &homeserver.url, more).await;
    let body = json!({"mxc": "mxc://example.org/a", "room_id": "!r:example.org"});
    let request = service.api(Method::POST, "/v1/links").json(&body);
    let issue = tokio::spawn(answer(request));
    drop(asked.acquire().await.expect("asked"));
    let off = json!({"enabled": false});
    service
        .note_policy("irc", "!r:example.org", None, &off)
        .await;
    gate.add_permits(100);
    let (status, told_to_first) = issue.await.expect("no panic");
    assert_eq!(status, 403, "{told_to_first}");
    assert_eq!(asks(&service, &body).await, told(403, "M_FORBIDDEN"));
    service.stop().await;
}

#[tokio::test]
async fn a_room_that_does_not_tell_is_asked_less_and_less_often_until_something_happens_there() {
    for fault in [error(403, "M_FORBIDDEN"), error(500, "M_UNKNOWN")] {
        let world = World::new().await;
        let faulty = Faulty::start(&world.url).await;
        let service = Service::start(world.folder.path(), &faulty.url, USAGE).await;
        let policy = format!("/state/{POLICY_EVENT_TYPE}");
        faulty.always(&policy, &fault);
        let body = media(&world, "$e").await;
        service.issue(body.clone()).await;
        let mut asked = 1;
        for wait in [30, 60, 120, 240, 480] {
            for _ in 0..3 {
                service.ask_rooms().await;
                assert_eq!(faulty.seen(&policy), asked, "{wait} {fault:?}");
            }
            service.clock.advance(wait * 500);
            service.ask_rooms().await;
            assert_eq!(faulty.seen(&policy), asked, "{wait} {fault:?}");
            service.clock.advance(wait * 500);
            service.ask_rooms().await;
            asked += 1;
            assert_eq!(faulty.seen(&policy), asked, "{wait} {fault:?}");
        }
        // By now it is known that the room does not tell.
        service
            .issue(with(&body, "event_id", json!("$later")))
            .await;
        assert_eq!(faulty.seen(&policy), asked, "{fault:?}");
        faulty.forgive();
        world.set_policy(&json!({"enabled": false})).await;
        let joined = json!({"events": [{"type": "m.room.member", "event_id": "$j", "room_id": world.room_id,
            "sender": BOT, "state_key": BOT, "content": {"membership": "join"}}]});
        let url = format!("{}/_matrix/app/v1/transactions/join", service.internal);
        let pushed = service.client.put(url).bearer_auth(HS_TOKEN).json(&joined);
        assert_eq!(answer(pushed).await.0, 200);
        service.ask_rooms().await;
        assert_eq!(asks(&service, &body).await, told(403, "M_FORBIDDEN"));
        service.stop().await;
    }
}
