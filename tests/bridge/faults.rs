//! A homeserver that fails in every way: everything is counted exactly once in the end.

use futures_util::FutureExt;
use medialink::storage::{StorageError, media_references};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    faulty::{Fault, Faulty, error},
    harness::{AS_TOKEN, BOT, Service, World, answer, eventually},
    process::Process,
};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

struct Play {
    world: World,
    faulty: Faulty,
    service: Service,
    mxc: String,
    token: String,
}

impl Play {
    async fn new(more: &str) -> Self {
        let world = World::new().await;
        let faulty = Faulty::start(&world.url).await;
        let more = if more.is_empty() {
            "usage: {batch_window: 20ms}"
        } else {
            more
        };
        let service = Service::start(world.folder.path(), &faulty.url, more).await;
        let (mxc, token) = world.upload("some bytes", "text/plain").await;
        Self {
            world,
            faulty,
            service,
            mxc,
            token,
        }
    }

    async fn issue(&self) -> Value {
        let body = json!({"mxc": self.mxc, "content_token": self.token, "room_id": self.world.room_id, "event_id": "$e"});
        self.service.issue(body).await
    }

    /// Moves the clock from retry to retry, until the usage is in this state.
    async fn skip_to(&self, link: &Value, state: &str) {
        eventually(&format!("usage {state}"), async || {
            self.service.clock.advance(500);
            (self.service.link(link).await["usage"]["state"] == state).then_some(())
        })
        .await;
    }

    /// Issues under faults of the sends, revokes under faults of the redaction.
    async fn holds_under(self, sends: Vec<Fault>, redactions: Vec<Fault>) {
        self.faulty.next("/send/", sends);
        let link = self.issue().await;
        self.skip_to(&link, "counted").await;
        assert_eq!(self.faulty.left(), 0, "every fault has happened");
        self.counted(1).await;
        self.faulty.next("/redact/", redactions);
        self.revoke(&link).await;
        self.skip_to(&link, "released").await;
        assert_eq!(self.faulty.left(), 0, "every fault has happened");
        self.counted(0).await;
        assert_eq!(
            self.world.media(&self.mxc).await["max_references"],
            1,
            "never counted twice"
        );
        self.service.stop().await;
    }

    /// Waits until an attempt has failed.
    async fn one_has_failed(&self) {
        eventually("a failed attempt", async || {
            let reader = self.service.database.reader();
            let rows = medialink::storage::meta_events::list(reader, None, 9).await;
            let failed = |row: &medialink::storage::meta_events::MetaEventSummary| {
                row.next_attempt_at.is_some() && row.last_error.is_some()
            };
            rows.expect("rows").iter().any(failed).then_some(())
        })
        .await;
    }

    async fn encrypt(&self) {
        let room = &self.world.room_id;
        let path = format!("/_matrix/client/v3/rooms/{room}/state/m.room.encryption");
        let content = json!({"algorithm": "m.megolm.v1.aes-sha2"});
        let (status, told) = self.world.as_alice(Method::PUT, &path, &content).await;
        assert_eq!(status, 200, "{told}");
    }

    async fn revoke(&self, link: &Value) {
        let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
        assert_eq!(
            self.service.call(Method::DELETE, &path, &json!({})).await.0,
            200
        );
    }

    async fn counted(&self, expected: usize) {
        assert_eq!(
            self.world.references(&self.mxc).await,
            i64::try_from(expected).expect("small")
        );
        assert_eq!(
            self.world.meta_events(&self.world.room_id).await.len(),
            expected,
            "meta events in the room"
        );
    }

    async fn bot(&self, action: &str) {
        let room = &self.world.room_id;
        let request = self.world.client.post(format!(
            "{}/_matrix/client/v3/rooms/{room}/{action}",
            self.world.url
        ));
        let (status, told) = answer(
            request
                .query(&[("user_id", BOT)])
                .bearer_auth(AS_TOKEN)
                .json(&json!({})),
        )
        .await;
        assert_eq!(status, 200, "{told}");
    }

    async fn invite(&self) {
        let path = format!("/_matrix/client/v3/rooms/{}/invite", self.world.room_id);
        assert_eq!(
            self.world
                .as_alice(Method::POST, &path, &json!({"user_id": BOT}))
                .await
                .0,
            200
        );
    }
}

fn limited() -> Fault {
    Fault::Answer(
        429,
        "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"error\": \"slow\", \"retry_after_ms\": 2500}"
            .to_owned(),
    )
}

#[tokio::test]
async fn limits_are_waited_for() {
    Play::new("")
        .await
        .holds_under(vec![limited(), limited()], vec![limited(), limited()])
        .await;
}

#[tokio::test]
async fn nothing_is_tried_again_before_the_time_that_was_told() {
    let told =
        "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"error\": \"slow\", \"retry_after_ms\": 600000}";
    for word in ["/send/", "/redact/"] {
        let play = Play::new("").await;
        let limited = [Fault::Answer(429, told.to_owned())];
        let link = if word == "/send/" {
            play.faulty.next(word, limited);
            play.issue().await
        } else {
            let link = play.issue().await;
            play.service.wait_for_usage(&link, "counted").await;
            play.faulty.next(word, limited);
            play.revoke(&link).await;
            link
        };
        eventually("the limit", async || {
            (play.faulty.left() == 0).then_some(())
        })
        .await;
        for _ in 0..9 {
            play.service.clock.advance(MINUTE);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(play.faulty.seen(word), 1, "too early: {word}");
        play.service.clock.advance(2 * MINUTE);
        let (state, expected) = if word == "/send/" {
            ("counted", 1)
        } else {
            ("released", 0)
        };
        play.service.wait_for_usage(&link, state).await;
        assert_eq!(play.faulty.seen(word), 2);
        play.counted(expected).await;
    }
}

#[tokio::test]
async fn server_errors_are_tried_again() {
    let errors = || {
        vec![
            error(500, "M_UNKNOWN"),
            error(502, ""),
            Fault::Answer(503, "<html>".to_owned()),
        ]
    };
    Play::new("").await.holds_under(errors(), errors()).await;
}

#[tokio::test]
async fn lost_answers_count_once() {
    let lost = || vec![Fault::DropAfter, Fault::DropBefore, Fault::DropAfter];
    Play::new("").await.holds_under(lost(), lost()).await;
}

#[tokio::test]
async fn a_token_that_the_operator_mends_and_a_lost_device_are_tried_again() {
    let faults = || {
        vec![
            error(401, "M_UNKNOWN_TOKEN"),
            error(400, "M_UNKNOWN_DEVICE"),
            Fault::Answer(404, "<html>".to_owned()),
        ]
    };
    Play::new("")
        .await
        .holds_under(faults(), faults()[..2].to_vec())
        .await;
}

#[tokio::test]
async fn a_homeserver_that_is_away_for_a_minute_counts_once() {
    let play = Play::new("").await;
    play.faulty.set_away(true);
    let link = play.issue().await;
    for _ in 0..12 {
        play.service.clock.advance(MINUTE / 12);
        tokio::task::yield_now().await;
        assert_eq!(play.service.link(&link).await["usage"]["state"], "pending");
    }
    play.faulty.set_away(false);
    play.skip_to(&link, "counted").await;
    play.counted(1).await;
    play.faulty.set_away(true);
    play.revoke(&link).await;
    play.service.clock.advance(MINUTE);
    play.faulty.set_away(false);
    play.skip_to(&link, "released").await;
    play.counted(0).await;
}

#[tokio::test]
async fn events_that_are_too_large_are_halved() {
    let play = Play::new("usage: {batch_window: 200ms}").await;
    let mut links = vec![play.issue().await];
    for n in 0..3 {
        let (mxc, token) = play.world.upload(format!("more {n}"), "text/plain").await;
        let body = json!({"mxc": mxc, "content_token": token, "room_id": play.world.room_id});
        links.push(play.service.issue(body).await);
    }
    play.faulty.next("/send/", [error(413, "M_TOO_LARGE")]);
    for link in &links {
        play.skip_to(link, "counted").await;
        assert_eq!(
            play.world
                .references(link["mxc"].as_str().expect("mxc"))
                .await,
            1
        );
    }
    assert_eq!(play.world.meta_events(&play.world.room_id).await.len(), 2);
}

#[tokio::test]
async fn what_cannot_succeed_fails_is_shown_and_can_be_retried() {
    let play = Play::new("").await;
    play.bot("leave").await;
    let link = play.issue().await;
    play.skip_to(&link, "failed").await;
    play.counted(0).await;
    play.invite().await;
    play.bot("join").await;
    let now = play.service.clock.now_ms();
    let writer = play.service.database.writer();
    let retried = writer
        .write::<_, StorageError, _>(move |c| media_references::retry_failed(c, None, now).boxed())
        .await;
    assert_eq!(retried.expect("retried"), 1);
    play.skip_to(&link, "counted").await;
    play.counted(1).await;
    // Whoever has left cannot redact: it waits for the return.
    play.bot("leave").await;
    play.revoke(&link).await;
    eventually("the refused redaction", async || {
        play.service.clock.advance(500);
        (play.faulty.seen("/redact/") > 0).then_some(())
    })
    .await;
    assert_eq!(play.service.link(&link).await["usage"]["state"], "counted");
    play.invite().await;
    play.bot("join").await;
    play.service.clock.advance(HOUR);
    play.skip_to(&link, "released").await;
    play.counted(0).await;
}

#[tokio::test]
async fn another_room_counts_where_the_bridge_may_not_send() {
    let world = World::new().await;
    let fallback = world.new_room().await;
    let more = format!("usage: {{batch_window: 20ms, fallback_room: '{fallback}'}}");
    let service = world.service(&more).await;
    let (mxc, token) = world.upload("some bytes", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": "!elsewhere:example.org", "event_id": "$secret"});
    let link = service.issue(body).await;
    service.wait_for_usage(&link, "counted").await;
    let events = world.meta_events(&fallback).await;
    assert_eq!(events.len(), 1);
    assert!(
        events[0]["content"]["references"][0]
            .get("event_id")
            .is_none(),
        "{}",
        events[0]
    );
    assert_eq!(world.references(&mxc).await, 1);
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
    service.call(Method::DELETE, &path, &json!({})).await;
    service.wait_for_usage(&link, "released").await;
    assert_eq!(world.references(&mxc).await, 0);
}

#[tokio::test]
async fn after_a_day_of_doubt_the_room_is_searched_first() {
    for arrived in [true, false] {
        let play = Play::new("").await;
        play.faulty.next(
            "/send/",
            [if arrived {
                Fault::DropAfter
            } else {
                Fault::DropBefore
            }],
        );
        let link = play.issue().await;
        eventually("the lost answer", async || {
            (play.faulty.left() == 0).then_some(())
        })
        .await;
        eventually("the doubt to be noted", async || {
            let rows =
                medialink::storage::meta_events::list(play.service.database.reader(), None, 9)
                    .await;
            rows.expect("rows")
                .iter()
                .any(|row| row.last_error.is_some())
                .then_some(())
        })
        .await;
        let sends = play.faulty.seen("/send/");
        play.service.clock.advance(21 * HOUR);
        play.skip_to(&link, "counted").await;
        assert_eq!(
            play.faulty.seen("/send/") - sends,
            usize::from(!arrived),
            "arrived: {arrived}"
        );
        assert!(play.faulty.seen("/messages") > 0);
        play.counted(1).await;
    }
}

#[tokio::test]
async fn the_mode_and_encrypted_rooms_are_respected() {
    let world = World::new().await;
    let (mxc, token) = world.upload("some bytes", "text/plain").await;
    let with = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let without = json!({"mxc": mxc, "room_id": world.room_id});
    for (mode, with_token, without_token) in [
        ("auto", "counted", "disabled"),
        ("always", "counted", "counted"),
        ("never", "disabled", "disabled"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let more = format!("usage: {{batch_window: 20ms, mode: {mode}}}");
        let service = Service::start(folder.path(), &world.url, &more).await;
        for (body, state) in [(&with, with_token), (&without, without_token)] {
            let mut body = body.clone();
            body["event_id"] = json!(format!("${mode}{state}"));
            let link = service.issue(body).await;
            service.wait_for_usage(&link, state).await;
        }
        service.stop().await;
    }
    let path = format!(
        "/_matrix/client/v3/rooms/{}/state/m.room.encryption",
        world.room_id
    );
    let (status, told) = world
        .as_alice(
            Method::PUT,
            &path,
            &json!({"algorithm": "m.megolm.v1.aes-sha2"}),
        )
        .await;
    assert_eq!(status, 200, "{told}");
    let folder = tempfile::tempdir().expect("a folder");
    let more = "usage: {batch_window: 20ms, encrypted_rooms: false}";
    let service = Service::start(folder.path(), &world.url, more).await;
    let link = service.issue(with).await;
    service.wait_for_usage(&link, "disabled").await;
}

#[tokio::test]
async fn a_send_that_a_kill_cut_off_is_looked_for_after_a_day() {
    for (fault, sends) in [(Fault::HoldAfter, 0), (Fault::DropBefore, 1)] {
        let world = World::new().await;
        let faulty = Faulty::start(&world.url).await;
        let usage = "usage: {batch_window: 20ms}";
        let (mxc, token) = world.upload("some bytes", "text/plain").await;
        let mut process = Process::new(world.folder.path(), &faulty.url, usage);
        process.start().await;
        faulty.next("/send/", [fault]);
        let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
        let link = process.issue(body).await;
        eventually("the send", async || (faulty.left() == 0).then_some(())).await;
        if sends == 0 {
            eventually("the count", async || {
                (world.references(&mxc).await == 1).then_some(())
            })
            .await;
        }
        process.kill();
        let before = faulty.seen("/send/");
        let clock = medialink::clock::Clock::default();
        clock.advance(21 * HOUR);
        let service = Service::start_at(world.folder.path(), &faulty.url, "", usage, &clock).await;
        service.wait_for_usage(&link, "counted").await;
        assert!(faulty.seen("/messages") > 0, "the room was not searched");
        assert_eq!(faulty.seen("/send/") - before, sends);
        assert_eq!(world.references(&mxc).await, 1);
        assert_eq!(world.meta_events(&world.room_id).await.len(), 1);
        service.stop().await;
    }
}

#[tokio::test]
async fn an_event_whose_answer_was_lost_is_not_forgotten_when_its_room_is_encrypted() {
    let play = Play::new("usage: {batch_window: 20ms, encrypted_rooms: false}").await;
    play.faulty.next("/send/", [Fault::DropAfter]);
    let link = play.issue().await;
    play.one_has_failed().await;
    play.encrypt().await;
    play.skip_to(&link, "counted").await;
    play.counted(1).await;
    play.revoke(&link).await;
    play.skip_to(&link, "released").await;
    play.counted(0).await;
}

#[tokio::test]
async fn an_event_whose_answer_was_lost_is_not_halved() {
    let play = Play::new("usage: {batch_window: 200ms}").await;
    let (mxc, token) = play.world.upload("more", "text/plain").await;
    play.faulty
        .next("/send/", [Fault::DropAfter, error(413, "M_TOO_LARGE")]);
    let more = json!({"mxc": mxc, "content_token": token, "room_id": play.world.room_id});
    let links = [play.issue().await, play.service.issue(more).await];
    for link in &links {
        play.skip_to(link, "counted").await;
    }
    assert_eq!(play.faulty.left(), 0);
    play.counted(1).await;
    assert_eq!(play.world.references(&mxc).await, 1);
}

#[tokio::test]
async fn where_the_search_is_refused_for_good_the_event_fails() {
    let play = Play::new("").await;
    play.faulty.next("/send/", [Fault::DropBefore]);
    let link = play.issue().await;
    play.one_has_failed().await;
    let refused = || error(403, "M_FORBIDDEN");
    play.faulty.next("/messages", [refused(), refused()]);
    play.service.clock.advance(21 * HOUR);
    play.skip_to(&link, "failed").await;
    assert_eq!(play.faulty.left(), 0);
    play.counted(0).await;
}

#[tokio::test]
async fn a_misrouted_redaction_is_repeated() {
    Play::new("")
        .await
        .holds_under(vec![], vec![error(404, "M_UNRECOGNIZED")])
        .await;
}

#[tokio::test]
async fn what_died_while_it_moved_is_counted_when_it_is_linked_again() {
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
            let reader = play.service.database.reader();
            let waiting = medialink::storage::meta_events::count_waiting(reader).await;
            (waiting.expect("counts") == 0).then_some(())
        })
        .await;
        play.counted(1).await;
        play.revoke(&again).await;
        play.skip_to(&again, "released").await;
        play.counted(0).await;
    }
}

#[tokio::test]
async fn a_homeserver_that_makes_no_device_is_asked_now_and_then() {
    let play = Play::new("").await;
    play.faulty.next(
        "/devices/",
        std::iter::repeat_with(|| error(503, "M_UNKNOWN")).take(40),
    );
    let link = play.issue().await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let asked = play.faulty.seen("/devices/");
    assert!((1..=3).contains(&asked), "asked {asked} times");
    assert_eq!(play.service.link(&link).await["usage"]["state"], "pending");
}

#[tokio::test]
async fn a_homeserver_that_does_not_know_its_own_paths_for_a_while_is_tried_again() {
    let lost = || vec![error(404, "M_UNRECOGNIZED"), error(405, "M_UNRECOGNIZED")];
    Play::new("").await.holds_under(lost(), lost()).await;
}
