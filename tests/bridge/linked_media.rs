//! A homeserver that links media to events (MSC3911): links serve copies, which live as long as
//! the meta event does.

use matrix_test_server::{Appservice, LinkedMediaPaths, Options};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    faulty::{Fault, Faulty, error},
    harness::{AS_TOKEN, BOT, HS_TOKEN, Service, World, answer, appservice, eventually},
};

const MINUTE: i64 = 60_000;
/// Without a cache, so that every follow shows what the homeserver gives.
const UNCACHED: &str = "usage: {batch_window: 20ms}\nmedia: {cache: null}";

fn linked() -> Options {
    Options {
        linked_media: true,
        content_tokens: false,
        ..Options::default()
    }
}

/// Uploads media as a user, and attaches it to an event of that user's in a room; its URI and the
/// event.
async fn share(world: &World, token: &str, user: Option<&str>, room: &str) -> (String, String) {
    let user: Vec<(&str, &str)> = user.map(|user| ("user_id", user)).into_iter().collect();
    let request = world
        .client
        .post(format!(
            "{}/_matrix/client/unstable/org.matrix.msc3911/media/upload",
            world.url
        ))
        .query(&user)
        .bearer_auth(token)
        .header("Content-Type", "text/plain")
        .body("restricted bytes");
    let (status, uploaded) = answer(request).await;
    assert_eq!(status, 200, "{uploaded}");
    let mxc = uploaded["content_uri"].as_str().expect("a URI").to_owned();
    let request = world
        .client
        .put(format!(
            "{}/_matrix/client/v3/rooms/{room}/send/m.room.message/share",
            world.url
        ))
        .query(&user)
        .query(&[("attach_media", &mxc)])
        .bearer_auth(token)
        .json(&json!({"msgtype": "m.file", "body": "file", "url": mxc}));
    let (status, event) = answer(request).await;
    assert_eq!(status, 200, "{event}");
    (mxc, event["event_id"].as_str().expect("an ID").to_owned())
}

async fn share_as_alice(world: &World) -> (String, String) {
    share(world, &world.alice, None, &world.room_id).await
}

async fn revoke(service: &Service, link: &Value) {
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
    assert_eq!(service.call(Method::DELETE, &path, &json!({})).await.0, 200);
}

/// The copy that a link serves.
async fn copy_of(service: &Service, link: &Value) -> Option<String> {
    let id = link["link_id"].as_str().expect("ID");
    let row = service.database.link(id).await.expect("reads");
    row.expect("a link").copy.as_ref().map(ToString::to_string)
}

async fn text(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    (status, response.text().await.expect("a body"))
}

/// Waits until the service knows what the homeserver can do.
async fn knows(service: &Service) {
    eventually("the homeserver's features", async || {
        service.features.links_media().then_some(())
    })
    .await;
}

struct Play {
    world: World,
    faulty: Faulty,
    service: Service,
    mxc: String,
    event_id: String,
}

impl Play {
    async fn new() -> Self {
        let world = World::with(linked()).await;
        let faulty = Faulty::start(&world.url).await;
        let service = Service::start(world.folder.path(), &faulty.url, UNCACHED).await;
        knows(&service).await;
        let (mxc, event_id) = share_as_alice(&world).await;
        Self {
            world,
            faulty,
            service,
            mxc,
            event_id,
        }
    }

    async fn issue(&self) -> Value {
        let body =
            json!({"mxc": self.mxc, "room_id": self.world.room_id, "event_id": self.event_id});
        self.service.issue(body).await
    }

    /// Moves the clock to the next attempt, if one waits for it.
    async fn skip(&self) {
        let reader = self.service.database.reader();
        let rows = medialink::storage::meta_events::list(reader, None, 1).await;
        let next = rows
            .expect("rows")
            .first()
            .and_then(|row| row.next_attempt_at);
        let wait = next.unwrap_or(0) - self.service.clock.now_ms();
        if wait > 0 {
            self.service.clock.advance(wait);
        }
    }

    /// Goes from attempt to attempt, until the usage is in this state.
    async fn skip_to(&self, link: &Value, state: &str) {
        eventually(&format!("usage {state}"), async || {
            self.skip().await;
            (self.service.link(link).await["usage"]["state"] == state).then_some(())
        })
        .await;
    }

    /// Goes from attempt to attempt, until every planned fault has happened.
    async fn skip_to_no_faults(&self) {
        eventually("the faults", async || {
            if self.faulty.left() == 0 {
                return Some(());
            }
            self.skip().await;
            None
        })
        .await;
    }

    /// The usage is counted by one event, to which the copy is attached that the link serves.
    async fn is_counted_once(&self, link: &Value) {
        let events = self.world.meta_events(&self.world.room_id).await;
        assert_eq!(events.len(), 1, "{events:?}");
        let copy = copy_of(&self.service, link).await.expect("a copy");
        let media = self.world.media(&copy).await;
        assert_eq!(media["attached_to"], events[0]["event_id"], "{media}");
        assert_eq!(
            text(self.service.follow(link).await).await,
            (200, "restricted bytes".to_owned())
        );
    }

    /// Lives through these faults of copies and sends.
    async fn holds_under(faults: Vec<(&str, Vec<Fault>)>) {
        let play = Self::new().await;
        for (word, faults) in faults {
            play.faulty.next(word, faults);
        }
        let link = play.issue().await;
        play.skip_to(&link, "counted").await;
        assert_eq!(play.faulty.left(), 0, "every fault has happened");
        play.is_counted_once(&link).await;
    }

    /// What went wrong with the newest meta event.
    async fn last_error(&self) -> String {
        let reader = self.service.database.reader();
        let rows = medialink::storage::meta_events::list(reader, None, 1).await;
        let row = rows.expect("rows").remove(0);
        row.last_error.unwrap_or_default()
    }
}

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
        knows(&service).await;
        let (mxc, _) = world.upload("restricted bytes", "text/plain").await;
        let link = service
            .issue(json!({"mxc": mxc, "room_id": world.room_id}))
            .await;
        service.wait_for_usage(&link, "counted").await;
        let copy = copy_of(&service, &link).await.expect("a copy");
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
        assert_eq!(copy_of(&service, &link).await, None);
        world.clean_up().await;
        let media = world.media(&copy).await;
        assert!(
            media.get("errcode").is_some() || media["deleted"] == true,
            "{media}"
        );
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
}

#[tokio::test]
async fn a_copy_that_has_gone_gives_way_to_the_original() {
    let play = Play::new().await;
    let link = play.issue().await;
    play.service.wait_for_usage(&link, "counted").await;
    let copy = copy_of(&play.service, &link).await.expect("a copy");
    let id = copy.rsplit('/').next().expect("an ID").to_owned();
    play.faulty.next(
        &format!("/download/example.org/{id}"),
        [error(404, "M_NOT_FOUND")],
    );
    assert_eq!(text(play.service.follow(&link).await).await.0, 200);
    assert_eq!(play.faulty.left(), 0);
}

#[tokio::test]
async fn each_medium_has_a_meta_event_of_its_own_and_moves_to_none_when_another_dies() {
    let world = World::with(Options {
        linked_media: true,
        ..Options::default()
    })
    .await;
    let service = world.service("usage: {batch_window: 300ms}").await;
    knows(&service).await;
    let mut bodies = Vec::new();
    for n in 0..3 {
        let (mxc, token) = world.upload(format!("{n}"), "text/plain").await;
        bodies.push(json!({"mxc": mxc, "content_token": token, "room_id": world.room_id}));
    }
    let (_, batch) = service
        .call(Method::POST, "/v1/links/batch", &json!({"links": bodies}))
        .await;
    let links = batch["results"].as_array().expect("results").clone();
    for link in &links {
        service.wait_for_usage(link, "counted").await;
        let mxc = link["mxc"].as_str().expect("mxc");
        assert_eq!(
            world.references(mxc).await,
            1,
            "its content token counts too"
        );
    }
    let before = world.meta_events(&world.room_id).await;
    assert_eq!(before.len(), 3);
    revoke(&service, &links[1]).await;
    service.wait_for_usage(&links[1], "released").await;
    service.drained().await;
    let after = world.meta_events(&world.room_id).await;
    assert_eq!(after.len(), 2);
    let is_old = |event: &Value| {
        before
            .iter()
            .any(|one| one["event_id"] == event["event_id"])
    };
    assert!(after.iter().all(is_old));
    assert_eq!(
        text(service.follow(&links[0]).await).await,
        (200, "0".to_owned())
    );
}

#[tokio::test]
async fn what_the_homeserver_learns_is_noticed_kept_and_makes_media_count() {
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
    service.stop().await;
}

#[tokio::test]
async fn copies_and_sends_that_fail_for_a_while_come_about_once() {
    Play::holds_under(vec![
        (
            "/media/copy/",
            vec![
                limited(2500),
                error(500, "M_UNKNOWN"),
                Fault::DropBefore,
                Fault::DropAfter,
            ],
        ),
        ("/send/", vec![Fault::DropAfter, error(502, "")]),
    ])
    .await;
}

#[tokio::test]
async fn a_copy_that_is_not_attached_is_made_anew() {
    Play::holds_under(vec![(
        "/send/",
        vec![error(400, "M_INVALID_PARAM"), error(400, "M_INVALID_PARAM")],
    )])
    .await;
    // Already attached: the answer to the first attempt was lost.
    Play::holds_under(vec![(
        "/send/",
        vec![Fault::DropAfter, error(400, "M_INVALID_PARAM")],
    )])
    .await;
}

#[tokio::test]
async fn a_homeserver_that_attaches_no_copy_is_not_asked_for_ever() {
    let play = Play::new().await;
    let refused = vec![error(400, "M_INVALID_PARAM"); 9];
    play.faulty.next("/send/", refused);
    let link = play.issue().await;
    play.skip_to(&link, "failed").await;
    assert_eq!(play.faulty.seen("/media/copy/"), 5);
    let told = play.last_error().await;
    assert!(told.contains("none of 5 copies"), "{told}");
    let row = play.service.link(&link).await;
    assert_eq!(row["state"], "live");
    assert_eq!(text(play.service.follow(&link).await).await.0, 200);
}

/// A limit for so many milliseconds.
fn limited(wait: i64) -> Fault {
    let told = json!({"errcode": "M_LIMIT_EXCEEDED", "error": "slow", "retry_after_ms": wait});
    Fault::Answer(429, told.to_string())
}

#[tokio::test]
async fn a_young_copy_is_sent_again_and_an_old_one_is_not() {
    for (wait, copies) in [(MINUTE, 1), (6 * MINUTE, 2)] {
        let mut play = Play::new().await;
        play.faulty
            .next("/send/", [Fault::DropBefore, limited(wait)]);
        let link = play.issue().await;
        play.skip_to_no_faults().await;
        // A restart knows which copy was made, and that nobody knows what came of it.
        let clock = play.service.clock.clone();
        play.service.stop().await;
        let folder = play.world.folder.path();
        play.service = Service::start_at(folder, &play.faulty.url, "", UNCACHED, &clock).await;
        play.skip_to(&link, "counted").await;
        assert_eq!(play.faulty.seen("/media/copy/"), copies);
        // Its URL has another port now.
        let link = play.service.link(&link).await;
        play.is_counted_once(&link).await;
    }
}

#[tokio::test]
async fn an_old_copy_whose_event_has_arrived_is_not_replaced() {
    let play = Play::new().await;
    play.faulty
        .next("/send/", [Fault::DropAfter, limited(6 * MINUTE)]);
    let link = play.issue().await;
    play.skip_to(&link, "counted").await;
    assert_eq!(play.faulty.seen("/media/copy/"), 1);
    assert_eq!(play.faulty.seen("/send/"), 2);
    play.is_counted_once(&link).await;
}

#[tokio::test]
async fn a_copy_that_is_refused_is_told_and_the_link_goes_on() {
    for (status, errcode, word) in [
        (403, "M_UNAUTHORIZED", "may not see the medium"),
        (403, "M_FORBIDDEN", "may not see the medium"),
        (404, "M_NOT_FOUND", "has gone"),
    ] {
        let play = Play::new().await;
        play.faulty.next("/media/copy/", [error(status, errcode)]);
        let link = play.issue().await;
        play.service.wait_for_usage(&link, "failed").await;
        let told = play.last_error().await;
        assert!(told.contains(word), "{told}");
        assert_eq!(text(play.service.follow(&link).await).await.0, 200);
        assert!(play.world.meta_events(&play.world.room_id).await.is_empty());
    }
}

/// An appservice with a namespace, and another one without.
fn two_appservices() -> Options {
    Options {
        appservices: vec![
            Appservice {
                users: vec!["@irc_*:example.org".to_owned()],
                ..appservice(None)
            },
            Appservice {
                id: "other".to_owned(),
                as_token: format!("other-{AS_TOKEN}"),
                hs_token: format!("other-{HS_TOKEN}"),
                url: None,
                sender: "@other:example.org".to_owned(),
                users: vec![],
            },
        ],
        ..linked()
    }
}

/// A room of a ghost's, in which nobody else is.
async fn ghost_room(world: &World, ghost: &str) -> String {
    let localpart = ghost.trim_start_matches('@').split(':').next();
    let register = world
        .client
        .post(format!("{}/_matrix/client/v3/register", world.url))
        .bearer_auth(AS_TOKEN)
        .json(&json!({"type": "m.login.application_service", "username": localpart}));
    let (status, told) = answer(register).await;
    assert_eq!(status, 200, "{told}");
    let create = world
        .client
        .post(format!("{}/_matrix/client/v3/createRoom", world.url))
        .query(&[("user_id", ghost)])
        .bearer_auth(AS_TOKEN)
        .json(&json!({}));
    let (status, room) = answer(create).await;
    assert_eq!(status, 200, "{room}");
    room["room_id"].as_str().expect("an ID").to_owned()
}

#[tokio::test]
async fn media_that_the_bridges_user_may_not_see_is_fetched_as_its_sender() {
    let world = World::with(two_appservices()).await;
    let service = world.service(UNCACHED).await;
    knows(&service).await;
    let ghost = "@irc_bob:example.org";
    let room = ghost_room(&world, ghost).await;
    let (mxc, event_id) = share(&world, AS_TOKEN, Some(ghost), &room).await;
    let body = |sender: Value, event: &str| json!({"mxc": mxc, "room_id": room, "event_id": event, "sender": sender});
    let link = service.issue(body(json!(ghost), &event_id)).await;
    assert_eq!(
        text(service.follow(&link).await).await,
        (200, "restricted bytes".to_owned())
    );
    for (event, sender) in [
        ("$none", json!(null)),
        ("$bot", json!(BOT)),
        // Not in the namespace, and of another server.
        ("$alice", json!("@alice:example.org")),
        ("$far", json!("@irc_bob:elsewhere.org")),
    ] {
        let link = service.issue(body(sender, event)).await;
        assert_eq!(text(service.follow(&link).await).await.0, 502, "{event}");
    }
}

#[tokio::test]
async fn what_one_bridge_may_see_is_not_in_the_cache_for_another() {
    let world = World::with(two_appservices()).await;
    let other = format!(
        "  - {{id: other, network: XMPP, api_token: other-api-token-0123456789, as_token: other-{AS_TOKEN}, hs_token: other-{HS_TOKEN}, user_id: '@other:example.org'}}\nusage: {{batch_window: 20ms}}"
    );
    let service = world.service(&other).await;
    knows(&service).await;
    let (mxc, _) = share_as_alice(&world).await;
    let body = json!({"mxc": mxc, "room_id": world.room_id});
    let link = service.issue(body.clone()).await;
    let request = service
        .client
        .post(format!("{}/v1/links", service.internal))
        .bearer_auth("other-api-token-0123456789")
        .json(&body);
    let (status, others) = answer(request).await;
    assert_eq!(status, 201, "{others}");
    let first = service.follow(&link).await;
    let etag = first.headers().get("etag").cloned().expect("a tag");
    assert_eq!(text(first).await, (200, "restricted bytes".to_owned()));
    assert_eq!(text(service.follow(&others).await).await.0, 502);
    // The copy is the same medium: in the cache and to whoever has it already.
    service.wait_for_usage(&link, "counted").await;
    assert!(copy_of(&service, &link).await.is_some());
    let known = service
        .client
        .get(crate::harness::url(&link))
        .header("If-None-Match", etag);
    assert_eq!(known.send().await.expect("an answer").status(), 304);
}
