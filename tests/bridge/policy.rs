//! What rooms allow: `org.matrix.msc3910.link_policy`.

use std::sync::Arc;

use matrix_test_server::Options;
use medialink::{
    clock::Clock,
    links::{Effect, POLICY_EVENT_TYPE},
    storage::room_policies,
};
use medialink_link::{
    LinkClaims, VerifiedLink,
    matrix::{ContentToken, EventId, MxcUri, RoomId},
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::{
    faulty::{Fault, Faulty, error},
    harness::{Service, World, answer, client, eventually, signed_elsewhere, url},
    raw::{Plan, RawServer, asks_for_policy, say, say_all},
};

const HOUR_MS: i64 = 3_600_000;
const USAGE: &str = "usage: {batch_window: 20ms}";

async fn status_of(url: &str) -> (u16, String) {
    let (status, told) = answer(client().get(url)).await;
    let errcode = told["errcode"].as_str().unwrap_or_default();
    (status.as_u16(), errcode.to_owned())
}

/// Status and error code of a request for a link.
async fn asks(service: &Service, body: &Value) -> (u16, String) {
    let (status, told) = service.call(Method::POST, "/v1/links", body).await;
    let errcode = told["errcode"].as_str().unwrap_or_default();
    (status.as_u16(), errcode.to_owned())
}

fn told(status: u16, errcode: &str) -> (u16, String) {
    (status, errcode.to_owned())
}

/// How long a link lives, in milliseconds.
fn lifetime(link: &Value) -> Option<i64> {
    let issued = link["issued_ts"].as_i64().expect("a time");
    Some(link["expires_ts"].as_i64()? - issued)
}

/// Media of the room, with its content token.
async fn media(world: &World, event_id: &str) -> Value {
    let (mxc, token) = world.upload("hello", "text/plain").await;
    json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "event_id": event_id})
}

fn claims(body: &Value) -> LinkClaims {
    let text = |name: &str| body[name].as_str().expect("a text");
    let mut claims = LinkClaims::new(
        RoomId::parse(text("room_id")).expect("a room ID"),
        MxcUri::parse(text("mxc")).expect("a URI"),
    );
    claims.event_id = Some(EventId::parse(text("event_id")).expect("an event ID"));
    claims.content_token = Some(ContentToken::parse(text("content_token")).expect("a token"));
    claims
}

fn with(body: &Value, name: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[name] = value;
    body
}

#[tokio::test]
async fn a_policy_bounds_the_links_of_its_room_from_the_first_one() {
    let world = World::new().await;
    world
        .set_policy(&json!({"max_lifetime_ms": HOUR_MS + 999, "max_size": 5, "pages_only": true}))
        .await;
    let service = world.service(USAGE).await;
    let body = media(&world, "$e").await;
    let link = service.issue(with(&body, "size", json!(5))).await;
    assert_eq!(lifetime(&link), Some(HOUR_MS));
    assert_eq!(link["url"], link["page_url"]);
    let media_url = url(&link).replace("/v/", "/m/");
    assert_eq!(status_of(&media_url).await.0, 200);
    let page = client().get(url(&link)).send().await.expect("an answer");
    let page = page.text().await.expect("a page");
    assert!(page.contains("/m/"), "the page shows the media itself");
    assert_eq!(
        asks(&service, &with(&body, "size", json!(6))).await,
        told(403, "M_TOO_LARGE")
    );

    for (lifetime_ms, expected) in [
        (0, HOUR_MS),
        (2 * HOUR_MS, HOUR_MS),
        (HOUR_MS / 2, HOUR_MS / 2),
    ] {
        let body = with(&body, "lifetime_ms", json!(lifetime_ms));
        let fresh = with(&body, "event_id", json!(format!("$fresh{lifetime_ms}")));
        assert_eq!(
            lifetime(&service.issue(fresh.clone()).await),
            Some(expected)
        );
        // Asked for again, it may end that much later than now, and not later.
        service.clock.advance(10_000);
        let again = lifetime(&service.issue(fresh.clone()).await).expect("it ends");
        let later = again - expected;
        assert!((10_000..HOUR_MS / 4).contains(&later), "{later}");
        let sealed = service
            .issue(with(&fresh, "form", json!("self_contained")))
            .await;
        assert_eq!(lifetime(&sealed), Some(expected));
        let text = url(&sealed);
        let token = text.rsplit('/').next().expect("a token");
        let Ok(VerifiedLink::SelfContained(token)) = service.keys.ring().verify(token) else {
            panic!("a self-contained link");
        };
        assert_eq!(token.expires_at_ms(), sealed["expires_ts"].as_i64());
    }
    let elsewhere = signed_elsewhere(
        &service,
        &claims(&with(&body, "event_id", json!("$elsewhere"))),
        0,
    );
    assert_eq!(status_of(&elsewhere).await.0, 200);
    let (_, page) = answer(service.api(Method::GET, "/v1/links?event_id=$elsewhere")).await;
    assert_eq!(lifetime(&page["links"][0]), Some(HOUR_MS));
    assert_eq!(
        world.requests("rooms.state.get").await,
        1,
        "the room was asked once"
    );
}

#[tokio::test]
async fn media_larger_than_the_room_allows_is_not_given() {
    let answer_of = |head: &str| match head {
        head if asks_for_policy(head) => say_all("200 OK", r#"{"max_size": 4}"#),
        head if head.contains("/thumbnail/") => {
            say_all("200 OK\r\nContent-Type: image/png", "thumbnail")
        }
        head if head.contains("/unknown") => say(
            "200 OK\r\nTransfer-Encoding: chunked",
            b"2\r\nhi\r\n0\r\n\r\n",
        ),
        head if head.contains("/small") => say_all("200 OK", "four"),
        _ => say_all("200 OK", "large"),
    };
    for cache in ["", "cache: null"] {
        let homeserver = RawServer::start_with_policies(answer_of).await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = format!("usage: {{mode: never, touch: never}}\nmedia: {{{cache}}}");
        let service = Service::start(folder.path(), &homeserver.url, &more).await;
        for (id, status) in [
            ("small", 200),
            ("large", 502),
            ("unknown", 502),
            ("small", 200),
        ] {
            let link =
                json!({"mxc": format!("mxc://example.org/{id}"), "room_id": "!r:example.org"});
            let link = url(&service.issue(link).await);
            // What has come whole has a length, which the cache tells.
            let times = if id == "unknown" && cache.is_empty() {
                1
            } else {
                2
            };
            for _ in 0..times {
                let (found, errcode) = status_of(&link).await;
                assert_eq!(found, status, "{id} {cache}");
                assert_eq!(errcode == "M_TOO_LARGE", status == 502, "{id} {cache}");
                if times == 1 {
                    continue;
                }
                let head = client().head(&link).send().await.expect("an answer");
                assert_eq!(head.status().as_u16(), status, "{id} {cache}");
                let part = client().get(&link).header("Range", "bytes=0-1");
                let part = part.send().await.expect("an answer").status().as_u16();
                assert_eq!(part == 502, status == 502, "{id} {cache}: {part}");
            }
            let thumbnail = link.replace("/m/", "/t/") + "?width=96&height=96";
            assert_eq!(status_of(&thumbnail).await.0, 200, "{id} {cache}");
        }
        service.stop().await;
    }
}

#[tokio::test]
async fn a_room_that_switches_links_off_ends_them_and_gets_no_more() {
    let world = World::new().await;
    let service = world.service(USAGE).await;
    let body = media(&world, "$e").await;
    let link = service.issue(body.clone()).await;
    service.wait_for_usage(&link, "counted").await;
    let unseen = signed_elsewhere(
        &service,
        &claims(&with(&body, "event_id", json!("$unseen"))),
        0,
    );
    assert_eq!(status_of(&url(&link)).await.0, 200);

    let off = json!({"enabled": false});
    let room = &world.room_id;
    let note = |content: Value| {
        let rooms = service.links.clone();
        async move {
            rooms
                .note_policy("irc", room, Some("$policy"), &content)
                .await
        }
    };
    note(off).await.expect("noted");
    assert_eq!(status_of(&url(&link)).await, told(410, "M_GONE"));
    assert_eq!(service.link(&link).await["state"], "revoked");
    assert_eq!(status_of(&unseen).await, told(410, "M_GONE"));
    let (status, refusal) = service.call(Method::POST, "/v1/links", &body).await;
    assert_eq!(
        (status.as_u16(), &refusal["errcode"]),
        (403, &json!("M_FORBIDDEN"))
    );
    assert!(
        refusal["error"]
            .as_str()
            .is_some_and(|text| text.contains("room's policy"))
    );
    let while_off = signed_elsewhere(
        &service,
        &claims(&with(&body, "event_id", json!("$while"))),
        0,
    );
    assert_eq!(status_of(&while_off).await, told(410, "M_GONE"));
    service.wait_for_usage(&link, "released").await;

    note(json!({})).await.expect("noted");
    assert_eq!(asks(&service, &body).await.0, 201);
    assert_eq!(
        status_of(&url(&link)).await.0,
        410,
        "what is over stays over"
    );
    assert_eq!(status_of(&unseen).await.0, 410, "it is remembered");
}

#[tokio::test]
async fn a_policy_that_is_set_later_bounds_what_is_live() {
    let world = World::new().await;
    let service = world.service(USAGE).await;
    let body = media(&world, "$e").await;
    let never = service.issue(with(&body, "lifetime_ms", json!(0))).await;
    let short = with(&body, "lifetime_ms", json!(HOUR_MS / 2));
    let short = service
        .issue(with(&short, "event_id", json!("$short")))
        .await;
    let renewed = with(&body, "event_id", json!("$renewed"));
    service.issue(renewed.clone()).await;
    service.clock.advance(HOUR_MS * 3 / 4);
    let renewed = service.issue(with(&renewed, "lifetime_ms", json!(0))).await;
    let policy = json!({"max_lifetime_ms": HOUR_MS, "max_size": 1, "pages_only": true});
    let noted = service
        .links
        .note_policy("irc", &world.room_id, None, &policy)
        .await;
    noted.expect("noted");
    assert_eq!(lifetime(&service.link(&never).await), Some(HOUR_MS));
    assert_eq!(lifetime(&service.link(&short).await), Some(HOUR_MS / 2));
    // Its lifetime counts from when it was given anew.
    let since = lifetime(&service.link(&renewed).await).expect("it ends") - HOUR_MS;
    assert!(
        (HOUR_MS * 3 / 4 - 1000..HOUR_MS).contains(&since),
        "{since}"
    );
    let never = service.link(&never).await;
    assert_eq!(never["url"], never["page_url"]);
    let media_url = url(&never).replace("/v/", "/m/");
    assert_eq!(status_of(&media_url).await, told(502, "M_TOO_LARGE"));
    service.clock.advance(HOUR_MS / 4);
    assert_eq!(status_of(&media_url).await, told(410, "M_GONE"));
}

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
    service.links.ask_unanswered().await.expect("asked");
    assert_eq!(service.link(&link).await["state"], "revoked");
    assert_eq!(asks(&service, &body).await, told(403, "M_FORBIDDEN"));
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
    for _ in 0..2 {
        if tokio::time::timeout(
            std::time::Duration::from_secs(25),
            eventually("an answer", asked),
        )
        .await
        .is_ok()
        {
            return;
        }
    }
    eventually("an answer", asked).await;
}

#[tokio::test]
async fn who_may_not_know_tells_nothing_against_what_is_known() {
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
    let asked = faulty.seen("/state/");
    service.issue(with(&body, "event_id", json!("$last"))).await;
    assert_eq!(faulty.seen("/state/"), asked, "a refusal is an answer");
}

#[tokio::test]
async fn hostile_policies_bound_nothing() {
    let world = World::with(Options::default()).await;
    let service = world.service(USAGE).await;
    let body = media(&world, "$e").await;
    service.issue(body.clone()).await;
    let lists = json!([[[[[[]]]]]]);
    for content in [
        json!({"enabled": "false", "max_lifetime_ms": -1, "max_size": "0", "pages_only": "yes"}),
        json!({"enabled": 0, "max_lifetime_ms": 1e300, "max_size": -5, "pages_only": [true]}),
        json!({"enabled": {}, "max_lifetime_ms": u64::MAX, "max_size": u64::MAX}),
        json!({"max_lifetime_ms": i64::MAX, "max_size": i64::MAX}),
        json!({"content": {"enabled": false}, "event_id": "$x", "type": POLICY_EVENT_TYPE, "more": lists}),
        lists,
        json!(null),
    ] {
        let noted = service
            .links
            .note_policy("irc", &world.room_id, Some("$policy"), &content)
            .await;
        noted.expect("noted");
        let link = service.issue(with(&body, "size", json!(1_u64 << 40))).await;
        assert_eq!(
            (&link["state"], lifetime(&link)),
            (&json!("live"), Some(14 * 24 * HOUR_MS))
        );
        assert_ne!(link["url"], link["page_url"], "{content}");
    }
    let content = json!({"enabled": false, "max_size": "x"});
    let noted = service
        .links
        .note_policy("irc", &world.room_id, None, &content)
        .await;
    noted.expect("noted");
    assert_eq!(
        asks(&service, &body).await,
        told(403, "M_FORBIDDEN"),
        "field by field"
    );
}

/// Takes the redaction of an event; whether the room is asked for its policy again.
async fn redacted(service: &Service, room_id: &str, event_id: &str) -> bool {
    let redacted = Effect::Redacted {
        room_id: RoomId::parse(room_id).expect("valid"),
        event_id: EventId::parse(event_id).expect("valid"),
    };
    let taken = service
        .links
        .take_transaction("irc", event_id, [0; 32], vec![redacted])
        .await;
    assert!(taken.expect("written"), "it is new");
    let known = room_policies::find(service.database.reader(), room_id).await;
    known.expect("reads").expect("known").waits
}

#[tokio::test]
async fn a_redacted_policy_is_asked_for_again() {
    let world = World::new().await;
    let service = world.service(USAGE).await;
    let policy = world.set_policy(&json!({"max_lifetime_ms": HOUR_MS})).await;
    let body = media(&world, "$e").await;
    assert_eq!(lifetime(&service.issue(body.clone()).await), Some(HOUR_MS));
    assert!(!redacted(&service, &world.room_id, "$other").await);
    world.redact(&world.room_id, &policy).await;
    assert!(redacted(&service, &world.room_id, &policy).await);
    let link = service
        .issue(with(&body, "event_id", json!("$after")))
        .await;
    assert_eq!(lifetime(&link), Some(14 * 24 * HOUR_MS));
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
    let noted = service
        .links
        .note_policy("irc", "!r:example.org", None, &off)
        .await;
    noted.expect("noted");
    gate.add_permits(100);
    let (status, told_to_first) = issue.await.expect("no panic");
    assert_eq!(status, 403, "{told_to_first}");
    assert_eq!(asks(&service, &body).await, told(403, "M_FORBIDDEN"));
}
