//! What the events of links say: redactions that are found at following, and whether an event shares
//! the media that a link is asked for.

use std::{sync::Arc, time::Instant};

use medialink::clock::Clock;
use medialink_link::{
    LinkClaims,
    matrix::{ContentToken, EventId, MxcUri, RoomId},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{
    Service, World, answer, client, eventually,
    faulty::{Fault, Faulty, error},
    raw::{Plan, RawServer, say_all, say_error},
    signed_elsewhere, url,
};
use tokio::sync::Semaphore;

const OTHER_TOKEN: &str = "another-api-token-0123456789";

/// A homeserver behind a proxy with faults, and a service that asks it for events.
struct Scene {
    world: World,
    faulty: Faulty,
    service: Service,
    mxc: String,
    token: String,
}

impl Scene {
    async fn new(links: &str) -> Self {
        let world = World::new().await;
        let faulty = Faulty::start(&world.url).await;
        let more = format!("usage: {{batch_window: 20ms}}\nlinks: {{{links}}}");
        // A second bridge, which the homeserver does not know.
        let edit = |text: String| {
            let bridge = format!(
                "  - {{id: xmpp, api_token: {OTHER_TOKEN}, as_token: as-{OTHER_TOKEN}, hs_token: hs-{OTHER_TOKEN}, user_id: '@xmpp:example.org'}}\n"
            );
            text.replacen("usage:", &format!("{bridge}usage:"), 1)
        };
        let (folder, clock) = (world.folder.path(), Clock::default());
        let service = Service::start_edited(folder, &faulty.url, "", &more, &clock, edit).await;
        let (mxc, token) = world.upload("hello", "text/plain").await;
        Self {
            world,
            faulty,
            service,
            mxc,
            token,
        }
    }

    /// The content of a message that shares the media.
    fn message(&self) -> Value {
        json!({"msgtype": "m.file", "body": "a.txt", "url": self.mxc, "content_token": self.token})
    }

    /// What to ask for, without a content token.
    fn body(&self, event_id: &str) -> Value {
        json!({"mxc": self.mxc, "room_id": self.world.room_id, "event_id": event_id})
    }

    async fn link(&self, event_id: &str) -> Value {
        let mut body = self.body(event_id);
        body["content_token"] = json!(self.token);
        self.service.issue(body).await
    }

    /// Status and error code of a request for a link.
    async fn asks(&self, body: &Value) -> (u16, String) {
        let (status, told) = self.service.call(Method::POST, "/v1/links", body).await;
        let errcode = told["errcode"].as_str().unwrap_or_default();
        (status.as_u16(), errcode.to_owned())
    }

    /// Follows a URL until it is answered with this status.
    async fn becomes(&self, url: &str, status: u16) {
        eventually(&format!("{status} of a link"), async || {
            (status_of(url).await.0.as_u16() == status).then_some(())
        })
        .await;
    }
}

async fn status_of(url: &str) -> (StatusCode, Value) {
    answer(client().get(url)).await
}

fn refused(status: u16, errcode: &str) -> (u16, String) {
    (status, errcode.to_owned())
}

fn claims(scene: &Scene, event_id: Option<&str>) -> LinkClaims {
    let room_id = RoomId::parse(&scene.world.room_id).expect("a room ID");
    let mut claims = LinkClaims::new(room_id, MxcUri::parse(&scene.mxc).expect("a URI"));
    claims.event_id = event_id.map(|id| EventId::parse(id).expect("an event ID"));
    claims.content_token = Some(ContentToken::parse(&scene.token).expect("a token"));
    claims
}

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
async fn what_is_encrypted_passes_unless_it_is_redacted() {
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

#[tokio::test]
async fn a_link_is_issued_only_if_the_event_shares_its_media() {
    let scene = Scene::new("provenance: check").await;
    let event_id = scene
        .world
        .send(&scene.world.room_id, "m.room.message", &scene.message())
        .await;
    // The content token is the event's.
    let link = scene.service.issue(scene.body(&event_id)).await;
    assert_eq!(status_of(&url(&link)).await.0, 200);
    let again = scene.service.issue(scene.body(&event_id)).await;
    assert_eq!(again["link_id"], link["link_id"]);

    let text = scene
        .world
        .send(
            &scene.world.room_id,
            "m.room.message",
            &json!({"msgtype": "m.text", "body": scene.mxc.clone() + " "}),
        )
        .await;
    let mut without = scene.body(&event_id);
    without["event_id"] = json!(null);
    let cases = [
        (without, refused(400, "M_MISSING_PARAM")),
        (scene.body(&text), refused(400, "M_INVALID_PARAM")),
        (scene.body("$nothing"), refused(400, "M_INVALID_PARAM")),
    ];
    for (body, refusal) in &cases {
        assert_eq!(scene.asks(body).await, *refusal, "{body}");
    }
    let batch = json!({"links": [cases[0].0, scene.body(&event_id), cases[1].0, cases[2].0]});
    let (_, told) = scene
        .service
        .call(Method::POST, "/v1/links/batch", &batch)
        .await;
    let results = told["results"].as_array().expect("results");
    let statuses: Vec<Option<i64>> = results.iter().map(|one| one["status"].as_i64()).collect();
    assert_eq!(statuses, [Some(400), None, Some(400), Some(400)], "{told}");
    assert_eq!(results[1]["link_id"], link["link_id"]);

    for fault in [
        error(500, "M_UNKNOWN"),
        error(401, "M_UNKNOWN_TOKEN"),
        Fault::DropBefore,
    ] {
        let event_id = scene
            .world
            .send(&scene.world.room_id, "m.room.message", &scene.message())
            .await;
        scene.faulty.next("/event/", [fault]);
        assert_eq!(
            scene.asks(&scene.body(&event_id)).await,
            refused(502, "M_UNKNOWN")
        );
        assert_eq!(scene.asks(&scene.body(&event_id)).await.0, 201);
    }
    let hidden = scene
        .world
        .send(&scene.world.room_id, "m.room.message", &scene.message())
        .await;
    scene.faulty.next("/event/", [error(403, "M_FORBIDDEN")]);
    assert_eq!(
        scene.asks(&scene.body(&hidden)).await,
        refused(400, "M_INVALID_PARAM")
    );
    scene.world.redact(&scene.world.room_id, &hidden).await;
    assert_eq!(
        scene.asks(&scene.body(&hidden)).await,
        refused(410, "M_GONE")
    );
    scene.service.stop().await;
}

#[tokio::test]
async fn media_of_an_encrypted_event_needs_the_decrypted_one() {
    let scene = Scene::new("provenance: check").await;
    let content = json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "content_token": scene.token});
    let event_id = scene
        .world
        .send(&scene.world.room_id, "m.room.encrypted", &content)
        .await;
    let mut body = scene.body(&event_id);
    assert_eq!(scene.asks(&body).await, refused(400, "M_MISSING_PARAM"));
    let decrypted = json!({
        "type": "m.room.message", "event_id": event_id, "room_id": scene.world.room_id,
        "sender": "@alice:example.org",
        "content": {"msgtype": "m.file", "body": "a.txt", "url": scene.mxc},
    });
    for (name, lie) in [
        ("event_id", json!("$other")),
        ("room_id", json!("!other:example.org")),
        ("sender", json!("@bob:example.org")),
        ("content", json!({"url": "mxc://example.org/other"})),
        ("content", json!(null)),
    ] {
        body["event"] = decrypted.clone();
        body["event"][name] = lie;
        assert_eq!(
            scene.asks(&body).await,
            refused(400, "M_INVALID_PARAM"),
            "{name}"
        );
    }
    body["event"] = decrypted;
    let link = scene.service.issue(body).await;
    assert_eq!(
        status_of(&url(&link)).await.0,
        200,
        "with the token told in the clear"
    );
    scene.service.stop().await;
}

#[tokio::test]
async fn the_content_token_of_a_given_event_is_taken() {
    let scene = Scene::new("provenance: off").await;
    let mut body = scene.body("$e");
    let hash = MxcUri::parse(&scene.mxc).expect("a URI").hash();
    body["event"] = json!({"content": {"content_token": { (hash.as_str()): scene.token }}});
    let link = scene.service.issue(body.clone()).await;
    assert_eq!(status_of(&url(&link)).await.0, 200);
    let mut by_map = scene.body("$other");
    by_map["content_token"] = json!({ (hash.as_str()): scene.token });
    let link = scene.service.issue(by_map.clone()).await;
    assert_eq!(status_of(&url(&link)).await.0, 200);
    by_map["content_token"] = json!({"other": scene.token});
    let (status, told) = scene.service.call(Method::POST, "/v1/links", &by_map).await;
    assert_eq!(status, 400);
    assert!(!told.to_string().contains(&scene.token), "{told}");
    body["event"] = json!("text");
    assert_eq!(scene.asks(&body).await, refused(400, "M_INVALID_PARAM"));
    scene.service.stop().await;
}

#[tokio::test]
async fn a_link_signed_elsewhere_has_to_prove_its_media() {
    let scene = Scene::new("provenance: check").await;
    let event_id = scene
        .world
        .send(&scene.world.room_id, "m.room.message", &scene.message())
        .await;
    let other = scene
        .world
        .send(
            &scene.world.room_id,
            "m.room.message",
            &json!({"msgtype": "m.text", "body": "x"}),
        )
        .await;
    let encrypted = json!({"algorithm": "x", "ciphertext": "y", "content_token": scene.token});
    let encrypted = scene
        .world
        .send(&scene.world.room_id, "m.room.encrypted", &encrypted)
        .await;
    for event_id in [None, Some(&other), Some(&encrypted)] {
        let claims = claims(&scene, event_id.map(String::as_str));
        let link = signed_elsewhere(&scene.service, &claims, 0);
        assert_eq!(status_of(&link).await.0, 404, "{event_id:?}");
    }
    let link = signed_elsewhere(&scene.service, &claims(&scene, Some(&event_id)), 0);
    scene.faulty.next("/event/", [error(500, "M_UNKNOWN")]);
    assert_eq!(status_of(&link).await.0, 502);
    assert_eq!(status_of(&link).await.0, 200);
    // It is recorded now.
    scene.faulty.set_away(true);
    assert_eq!(status_of(&link).await.0, 200);
    scene.faulty.set_away(false);
    scene.service.stop().await;
}

#[tokio::test]
async fn media_that_is_not_uploaded_yet_is_told_in_time() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never, touch: never}").await;
    let (_, created) = world
        .as_alice(Method::POST, "/_matrix/media/v1/create", &json!({}))
        .await;
    let link = service
        .issue(json!({"mxc": created["content_uri"], "content_token": created["content_token"], "room_id": world.room_id}))
        .await;
    let (status, told) = status_of(&url(&link)).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (503, &json!("M_NOT_YET_UPLOADED"))
    );
    service.stop().await;
}

#[tokio::test]
async fn a_content_token_is_offered_once_and_left_out_only_at_the_old_endpoint() {
    let old = "get /_matrix/media/v3/download/";
    for (status, errcode, downloads) in [
        ("403 Forbidden", "M_UNAUTHORIZED", 1),
        ("401 Unauthorized", "M_UNAUTHORIZED", 1),
        ("403 Forbidden", "M_MISSING_CONTENT_TOKEN", 1),
        ("404 Not Found", "M_NOT_FOUND", 1),
        ("404 Not Found", "M_UNRECOGNIZED", 2),
        ("404 Not Found", "", 2),
    ] {
        let homeserver = RawServer::start(move |head| match errcode {
            _ if head.starts_with(old) => say_all("200 OK\r\nContent-Type: text/plain", "hello"),
            "" => say_all(status, "<html>"),
            errcode => say_error(status, errcode),
        })
        .await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = "usage: {mode: never, touch: never}";
        let service = Service::start(folder.path(), &homeserver.url, more).await;
        let link = json!({"mxc": "mxc://example.org/a", "room_id": "!r:example.org", "content_token": "offered-token"});
        let link = service.issue(link).await;
        let expected = match (downloads, errcode) {
            (2, _) => 200,
            (_, "M_NOT_FOUND") => 404,
            _ => 502,
        };
        assert_eq!(
            status_of(&url(&link)).await.0.as_u16(),
            expected,
            "{errcode}"
        );
        let heads = homeserver.heads();
        assert_eq!(heads.len(), downloads, "{errcode}");
        for head in heads {
            let is_old = head.starts_with(old);
            assert_eq!(head.contains("offered-token"), !is_old, "{errcode}");
            assert!(head.contains("timeout_ms=3750"), "{head}");
        }
        service.stop().await;
    }
}
