//! Pastes where media is attached to events (MSC3911): what we have uploaded has to be attached
//! in time, once, and stay when its meta event is made anew.

use std::time::Duration;

use matrix_test_server::{LinkedMediaPaths, Options};
use medialink::{
    clock::Clock,
    homeserver::{LINKED_MEDIA, RESTRICTED_UPLOADS},
    storage::{Database, Opener, features},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{
    BOT, Process, Service, World, claims_run_out, database_config, eventually,
    faulty::{Fault, Faulty, error},
    url,
};

const MINUTE: i64 = 60_000;
const TEXT: &str = "a long message\n";
/// Without a cache, so that every follow shows what the homeserver gives.
const UNCACHED: &str = "usage: {batch_window: 20ms}\nmedia: {cache: null}";
/// Nothing is counted before the clock is set forward.
const LATE: &str = "usage: {batch_window: 8m}\nmedia: {cache: null}";

fn linked() -> Options {
    Options {
        linked_media: true,
        content_tokens: false,
        ..Options::default()
    }
}

struct Scene {
    world: World,
    faulty: Faulty,
    service: Service,
}

impl Scene {
    async fn new(options: Options, more: &str) -> Self {
        let world = World::with(options).await;
        let faulty = Faulty::start(&world.url).await;
        let (folder, clock) = (world.folder.path(), Clock::default());
        let service = Service::start_at(folder, &faulty.url, "", more, &clock).await;
        let address = Some(service.internal.clone());
        assert!(world.homeserver.set_appservice_url("medialink", address));
        service.knows_linked_media().await;
        Self {
            world,
            faulty,
            service,
        }
    }

    async fn ask(&self) -> (StatusCode, Value) {
        let body = json!({"text": TEXT, "room_id": self.world.room_id});
        self.service.call(Method::POST, "/v1/pastes", &body).await
    }

    async fn paste(&self) -> Value {
        let (status, link) = self.ask().await;
        assert_eq!(status, 201, "{link}");
        link
    }

    async fn media(&self, mxc: &str) -> Value {
        self.world.media(mxc).await
    }

    /// What the link serves.
    async fn served(&self, link: &Value) -> String {
        let row = self.service.stored(link).await;
        let copy = row.copy.clone().unwrap_or_else(|| row.claims.mxc.clone());
        copy.to_string()
    }

    async fn is_served(&self, link: &Value) {
        let response = self.service.follow(link).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.text().await.expect("a body"), TEXT);
    }
}

fn mxc(link: &Value) -> &str {
    link["mxc"].as_str().expect("a URI")
}

/// Waits for a usage, and sets the clock forward meanwhile, so that what waits is tried again.
async fn skip_to(service: &Service, link: &Value, state: &str) {
    eventually(&format!("usage {state}"), async || {
        service.clock.advance(250);
        (service.link(link).await["usage"]["state"] == state).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_upload_is_attached_wherever_the_homeserver_has_its_endpoint() {
    for paths in [LinkedMediaPaths::Unstable, LinkedMediaPaths::Stable] {
        let options = Options {
            linked_media_paths: paths,
            ..linked()
        };
        let scene = Scene::new(options, UNCACHED).await;
        let link = scene.paste().await;
        assert_eq!(scene.media(mxc(&link)).await["restricted"], true);
        scene.is_served(&link).await;
        let counted = scene.service.wait_for_usage(&link, "counted").await;
        let media = scene.media(mxc(&link)).await;
        assert_eq!(media["attached_to"], counted["usage"]["event_id"]);
        assert_eq!(scene.served(&link).await, mxc(&link));
        scene.is_served(&link).await;
        scene.service.stop().await;
    }
}

/// A homeserver that takes nothing but restricted media.
fn strict() -> Options {
    Options {
        refuses_unrestricted: true,
        ..linked()
    }
}

#[tokio::test]
async fn where_other_media_is_refused_texts_are_uploaded_restricted_or_not_at_all() {
    for paths in [LinkedMediaPaths::Unstable, LinkedMediaPaths::Stable] {
        let options = Options {
            linked_media_paths: paths,
            ..strict()
        };
        let scene = Scene::new(options, UNCACHED).await;
        scene.service.knows_feature(RESTRICTED_UPLOADS).await;
        let link = scene.paste().await;
        assert_eq!(scene.media(mxc(&link)).await["restricted"], true);
        scene.service.wait_for_usage(&link, "counted").await;
        scene.is_served(&link).await;
        // Without the endpoint, there is no other way.
        let unknown = error(404, "M_UNRECOGNIZED");
        scene
            .faulty
            .next("/media/upload", [unknown.clone(), unknown]);
        let body = json!({"text": "another", "room_id": scene.world.room_id});
        let (status, told) = scene.service.call(Method::POST, "/v1/pastes", &body).await;
        assert_eq!((status.as_u16(), scene.faulty.left()), (502, 0), "{told}");
        assert_eq!(scene.world.requests("media.upload").await, 0);
        scene.service.stop().await;
    }
    let more = "usage: {mode: never}\nmedia: {cache: null}";
    let scene = Scene::new(strict(), more).await;
    scene.service.knows_feature(RESTRICTED_UPLOADS).await;
    let (status, told) = scene.ask().await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (403, &"M_FORBIDDEN".into())
    );
    let text = told["error"].as_str().expect("a text");
    assert!(
        text.contains("MSC3911") && text.contains("usage.mode"),
        "{text}"
    );
    assert_eq!(scene.faulty.seen("upload"), 0);
    scene.service.stop().await;
}

#[tokio::test]
async fn a_homeserver_without_the_endpoint_gets_ordinary_media() {
    let scene = Scene::new(linked(), UNCACHED).await;
    let unknown = error(404, "M_UNRECOGNIZED");
    scene
        .faulty
        .next("/media/upload", [unknown.clone(), unknown]);
    let link = scene.paste().await;
    assert_eq!(scene.faulty.left(), 0);
    assert_eq!(scene.media(mxc(&link)).await["restricted"], false);
    // It is counted by a copy, like any.
    scene.service.wait_for_usage(&link, "counted").await;
    assert_eq!(scene.media(mxc(&link)).await["copies"], 1);
    scene.is_served(&link).await;
    scene.service.stop().await;
}

#[tokio::test]
async fn media_that_will_not_be_attached_is_uploaded_as_ordinary_media() {
    let more = "usage: {mode: never}\nmedia: {cache: null}";
    let scene = Scene::new(linked(), more).await;
    let link = scene.paste().await;
    assert_eq!(scene.media(mxc(&link)).await["restricted"], false);

    let more = "usage: {encrypted_rooms: false, batch_window: 20ms}\nmedia: {cache: null}";
    scene.service.stop().await;
    let scene = Scene::new(linked(), more).await;
    let room = &scene.world.room_id;
    let path = format!("/_matrix/client/v3/rooms/{room}/state/m.room.encryption/");
    let content = json!({"algorithm": "m.megolm.v1.aes-sha2"});
    let (status, told) = scene.world.as_alice(Method::PUT, &path, &content).await;
    assert_eq!(status, 200, "{told}");
    let link = scene.paste().await;
    assert_eq!(scene.media(mxc(&link)).await["restricted"], false);
    scene.service.wait_for_usage(&link, "disabled").await;
    scene.is_served(&link).await;
    scene.service.stop().await;
}

#[tokio::test]
async fn a_send_whose_answer_is_lost_attaches_it_once() {
    let scene = Scene::new(linked(), UNCACHED).await;
    let faults = [Fault::DropAfter, error(502, ""), Fault::DropBefore];
    scene.faulty.next("/send/", faults);
    let link = scene.paste().await;
    skip_to(&scene.service, &link, "counted").await;
    assert_eq!(scene.world.meta_events(&scene.world.room_id).await.len(), 1);
    assert_eq!(scene.world.requests("media.copy").await, 0);
    scene.is_served(&link).await;
    scene.service.stop().await;
}

#[tokio::test]
async fn one_that_is_refused_is_attached_as_a_copy() {
    let scene = Scene::new(linked(), UNCACHED).await;
    scene.faulty.next("/send/", [error(400, "M_INVALID_PARAM")]);
    let link = scene.paste().await;
    skip_to(&scene.service, &link, "counted").await;
    assert_eq!(scene.world.requests("media.copy").await, 1);
    assert_ne!(scene.served(&link).await, mxc(&link));
    scene.is_served(&link).await;
    scene.service.stop().await;
}

#[tokio::test]
async fn one_that_waited_for_minutes_is_attached_as_a_copy() {
    let scene = Scene::new(linked(), LATE).await;
    let link = scene.paste().await;
    scene.service.clock.advance(9 * MINUTE);
    scene.service.wait_for_usage(&link, "counted").await;
    assert_eq!(scene.world.requests("media.copy").await, 1);
    assert_ne!(scene.served(&link).await, mxc(&link));
    scene.is_served(&link).await;
    // While the bridge still gets it.
    let (status, again) = scene.ask().await;
    assert_eq!(
        (status.as_u16(), &again["link_id"]),
        (200, &link["link_id"])
    );
    scene.service.stop().await;
}

#[tokio::test]
async fn one_that_was_lost_for_want_of_an_event_is_uploaded_again_when_asked_for() {
    let options = Options {
        unattached_for: Duration::from_millis(100),
        ..linked()
    };
    let scene = Scene::new(options, LATE).await;
    let link = scene.paste().await;
    eventually("the homeserver to delete it", async || {
        (scene.media(mxc(&link)).await["deleted"] == true).then_some(())
    })
    .await;
    scene.service.clock.advance(11 * MINUTE);
    scene.service.wait_for_usage(&link, "failed").await;
    assert_eq!(scene.service.follow(&link).await.status(), 404);
    let again = scene.paste().await;
    assert_ne!(again["link_id"], link["link_id"]);
    assert_ne!(again["mxc"], link["mxc"]);
    scene
        .service
        .expect_errors("usage that is refused for good is reported");
    scene.service.stop().await;
}

#[tokio::test]
async fn it_moves_with_its_room_and_lives_on() {
    let scene = Scene::new(linked(), UNCACHED).await;
    let link = scene.paste().await;
    scene.service.wait_for_usage(&link, "counted").await;
    let mut before = scene.served(&link).await;
    let mut room = scene.world.room_id.clone();
    for _ in 0..2 {
        let successor = scene.world.replace_room(&room, &room).await;
        let invite = json!({"user_id": BOT});
        scene.world.by_alice(&successor, "invite", &invite).await;
        eventually("the usage to move", async || {
            scene.service.clock.advance(250);
            let events = scene.world.meta_events(&successor).await;
            (events.len() == 1 && scene.world.meta_events(&room).await.is_empty()).then_some(())
        })
        .await;
        scene.service.drained().await;
        // What was attached to the old event has gone with it.
        assert_eq!(scene.media(&before).await["deleted"], true);
        assert_ne!(scene.served(&link).await, before);
        scene.is_served(&link).await;
        (before, room) = (scene.served(&link).await, successor);
    }
    scene.service.stop().await;
}

#[tokio::test]
async fn it_is_in_the_cache_under_one_name_whatever_it_is_attached_to() {
    let scene = Scene::new(linked(), "usage: {batch_window: 20ms}").await;
    let link = scene.paste().await;
    scene.is_served(&link).await;
    scene.service.wait_for_usage(&link, "counted").await;
    let served = scene.served(&link).await;
    let downloads = scene.media(&served).await["downloads"].clone();
    assert_eq!(downloads, 1);
    scene.is_served(&link).await;
    assert_eq!(scene.media(&served).await["downloads"], downloads);
    scene.service.stop().await;
}

/// Waits until the process knows what the homeserver can do.
async fn knows(process: &Process) {
    let config = database_config(&process.folder);
    let database = Database::open(&config, Opener::Command)
        .await
        .expect("opens");
    eventually("the homeserver's features", async || {
        let known = features::has(database.reader(), LINKED_MEDIA).await;
        known.expect("reads").then_some(())
    })
    .await;
}

/// kill -9 while the meta event is on its way, and while the text is.
#[tokio::test]
async fn a_kill_leaves_one_link_that_is_counted_once() {
    for mode in [linked(), Options::default()] {
        let is_linked = mode.linked_media;
        let world = World::with(mode).await;
        let faulty = Faulty::start(&world.url).await;
        let more = "usage: {batch_window: 20ms}\nmedia: {cache: null}";
        let mut process = Process::new(world.folder.path(), &faulty.url, more);
        process.start().await;
        if is_linked {
            knows(&process).await;
        }
        let body = json!({"text": TEXT, "room_id": world.room_id, "event_id": "$e"});

        // The homeserver has the text, and nobody knows.
        faulty.next("upload", [Fault::HoldAfter]);
        let ask = ask_without_answer(&process, &body);
        let uploads = async || {
            world.requests("media.upload").await + world.requests("media.upload_restricted").await
        };
        eventually("an upload", async || (uploads().await == 1).then_some(())).await;
        process.kill();
        assert!(ask.await.expect("asked"), "an answer from the dead");
        process.start().await;

        // The homeserver has the meta event, and nobody knows.
        faulty.next("/send/", [Fault::HoldAfter]);
        let asked = process.call(Method::POST, "/v1/pastes", &body).await;
        let (status, link) = asked.expect("an answer");
        assert_eq!(status, 201, "{link}");
        eventually("a meta event", async || {
            (world.meta_events(&world.room_id).await.len() == 1).then_some(())
        })
        .await;
        process.kill();
        claims_run_out(&process.folder).await;
        process.start().await;
        process.drained().await;
        assert_eq!(world.meta_events(&world.room_id).await.len(), 1);
        let media = world.media(mxc(&link)).await;
        assert!(media["references"] == 1 || media["attached_to"].is_string());
        assert_eq!(
            (uploads().await, world.requests("media.copy").await),
            (2, 0)
        );

        let asked = process.call(Method::POST, "/v1/pastes", &body).await;
        let (status, again) = asked.expect("an answer");
        assert_eq!(
            (status.as_u16(), &again["link_id"]),
            (200, &link["link_id"])
        );
        let response = process.client.get(url(&again)).send().await;
        let text = response.expect("an answer").text().await;
        assert_eq!(text.expect("a body"), TEXT);
    }
}

/// Asks for a paste; whether there was no answer.
fn ask_without_answer(process: &Process, body: &Value) -> tokio::task::JoinHandle<bool> {
    let request = process
        .client
        .post(format!("{}/v1/pastes", process.internal))
        .bearer_auth(support::API_TOKEN)
        .json(body);
    tokio::spawn(async move { request.send().await.is_err() })
}
