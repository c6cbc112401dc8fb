//! Redactions that name two events, in a room whose version cannot be read.

use medialink_link::{
    LinkClaims,
    matrix::{ContentToken, EventId, MxcUri, RoomId},
};
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    HS_TOKEN, Process, World, answer, client, eventually,
    faulty::{Fault, Faulty, error},
    signed_elsewhere, url,
};

use super::scene::{Scene, VERSION, push, redaction, room_of_version};

/// A link that the bridge has signed by itself, and that nobody has followed yet.
fn unseen(scene: &Scene, event_id: &str) -> String {
    let room_id = RoomId::parse(&scene.room).expect("a room ID");
    let mut claims = LinkClaims::new(room_id, MxcUri::parse(&scene.mxc).expect("a URI"));
    claims.event_id = Some(EventId::parse(event_id).expect("an event ID"));
    claims.content_token = Some(ContentToken::parse(&scene.token).expect("a token"));
    signed_elsewhere(&scene.service, &claims, 0)
}

/// Links of every kind to an event.
async fn links(scene: &Scene, event_id: &str) -> Vec<Value> {
    let mut sealed = scene.body(event_id);
    sealed["form"] = json!("self_contained");
    let mut of_edit = scene.body(&format!("{event_id}-edited"));
    of_edit["event_id"] = json!(event_id);
    of_edit["max_follows"] = json!(100);
    let text = json!({"text": format!("a long text of {event_id}"), "room_id": scene.room, "event_id": event_id});
    let (status, paste) = scene.service.call(Method::POST, "/v1/pastes", &text).await;
    assert_eq!(status, 201, "{paste}");
    vec![
        scene.link(event_id).await,
        scene.service.issue(sealed).await,
        scene.service.issue(of_edit).await,
        paste,
    ]
}

async fn listed(scene: &Scene, state: &str) -> usize {
    let path = format!("/v1/links?state={state}&room_id={}", scene.room);
    let (_, listed) = answer(scene.service.api(Method::GET, &path)).await;
    listed["links"].as_array().expect("links").len()
}

#[tokio::test]
async fn what_a_redaction_may_mean_is_not_followed_until_that_is_told() {
    for (version, meant, other) in [("10", "$top", "$content"), ("11", "$content", "$top")] {
        let scene = Scene::new(version, "").await;
        let (ended, kept) = (links(&scene, meant).await, links(&scene, other).await);
        for link in ended.iter().chain(&kept) {
            assert_eq!(scene.status(link).await, 200, "it is cached now");
            scene.service.wait_for_usage(link, "counted").await;
        }
        scene.hide_versions();
        let certain = scene.world.room_id.clone();
        let mut elsewhere = scene.body("$certain");
        elsewhere["room_id"] = json!(certain);
        let elsewhere = scene.service.issue(elsewhere).await;
        let events = json!([
            redaction(&scene.room, "$top", "$content"),
            redaction(&certain, "$certain", "$certain"),
        ]);
        for _ in 0..2 {
            scene.push("one", events.clone()).await;
        }
        assert_eq!(scene.status(&elsewhere).await, 410);
        for link in ended.iter().chain(&kept) {
            assert_eq!(scene.status(link).await, 410);
            assert_eq!(scene.state(link).await, "redacted");
            assert_eq!(scene.service.link(link).await["usage"]["state"], "counted");
        }
        assert_eq!(
            (
                listed(&scene, "live").await,
                listed(&scene, "redacted").await
            ),
            (0, 8)
        );
        let unseen = [unseen(&scene, meant), unseen(&scene, other)];
        nothing_is_given(&scene, &unseen, [meant, other]).await;

        // Told at last.
        scene.faulty.forgive();
        scene.joined("join").await;
        scene.becomes(&kept[0], 200).await;
        for (links, status) in [(&ended, 410), (&kept, 200)] {
            for link in links {
                assert_eq!(scene.status(link).await, status, "{version}");
            }
        }
        for link in &kept {
            scene.service.wait_for_usage(link, "counted").await;
        }
        scene.service.wait_for_usage(&ended[3], "released").await;
        let [of_meant, of_other] = unseen;
        for (url, status) in [(of_meant, 410), (of_other, 200)] {
            let response = client().get(&url).send().await.expect("an answer");
            assert_eq!(response.status(), status, "{version}");
        }
        scene.link(other).await;
        scene.service.stop().await;
    }
}

/// While it is not told what a redaction means: no link that was not seen before is followed, and
/// none is issued.
async fn nothing_is_given(scene: &Scene, unseen: &[String], events: [&str; 2]) {
    for url in unseen {
        assert_eq!(
            client().get(url).send().await.expect("an answer").status(),
            410
        );
    }
    for event_id in events {
        let body = scene.body(event_id);
        let (status, told) = scene.service.call(Method::POST, "/v1/links", &body).await;
        assert_eq!((status.as_u16(), &told["errcode"]), (410, &json!("M_GONE")));
        let text = json!({"text": "another", "room_id": scene.room, "event_id": event_id});
        let refused = scene.service.call(Method::POST, "/v1/pastes", &text).await;
        assert_eq!(refused.0, 410, "{}", refused.1);
    }
}

#[tokio::test]
async fn a_room_that_never_answers_holds_up_no_other_one() {
    let scene = Scene::new("10", "").await;
    let other_room = room_of_version(&scene.world, "10").await;
    let mut other = scene.body("$other");
    other["room_id"] = json!(other_room);
    let other = scene.service.issue(other).await;
    let (top, content) = (scene.link("$top").await, scene.link("$content").await);
    // One answer never comes, the other one at once.
    let hangs = format!("{}{VERSION}", percent(&scene.room));
    scene.faulty.always(&hangs, &Fault::HoldAfter);
    let events = json!([
        redaction(&scene.room, "$top", "$content"),
        redaction(&other_room, "$other", "$nothing"),
    ]);
    scene.push("one", events).await;
    assert_eq!(scene.state(&other).await, "redacted");
    for link in [&top, &content] {
        assert_eq!(scene.status(link).await, 410);
    }
    // It is not asked again while a transaction waits.
    let asked = scene.faulty.seen(&hangs);
    assert!(asked > 0);
    scene
        .push(
            "two",
            json!([redaction(&scene.room, "$more", "$still_more")]),
        )
        .await;
    assert_eq!(scene.faulty.seen(&hangs), asked);
    scene.faulty.forgive();
    scene.joined("join").await;
    scene.becomes(&content, 200).await;
    assert_eq!(scene.status(&top).await, 410);
    scene.service.stop().await;
}

fn percent(room: &str) -> String {
    room.replace('!', "%21").replace(':', "%3A")
}

#[tokio::test]
async fn an_open_question_survives_the_end_of_the_process() {
    let world = World::new().await;
    let room = room_of_version(&world, "10").await;
    let faulty = Faulty::start(&world.url).await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = "usage: {mode: never, touch: never}";
    let mut process = Process::new(folder.path(), &faulty.url, more);
    process.start().await;
    let (mxc, token) = world.upload("hello", "text/plain").await;
    let body = |event: &str| json!({"mxc": mxc, "content_token": token, "room_id": room, "event_id": event});
    let top = url(&process.issue(body("$top")).await);
    let content = url(&process.issue(body("$content")).await);
    let status = async |url: &str| client().get(url).send().await.expect("an answer").status();
    faulty.always(VERSION, &error(500, "M_UNKNOWN"));
    let events = json!([redaction(&room, "$top", "$content")]);
    let told = push(&process.client, &process.internal, "one", events).await;
    assert_eq!(told.0, 200, "{}", told.1);
    process.kill();
    process.start().await;
    for url in [&top, &content] {
        assert_eq!(status(url).await, 410);
    }
    faulty.forgive();
    eventually("the decision", async || {
        (status(&content).await == 200).then_some(())
    })
    .await;
    assert_eq!(status(&top).await, 410);
    assert!(!process.log().contains(HS_TOKEN));
}
