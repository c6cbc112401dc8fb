//! The books are compared with the rooms: whatever was redacted, forgotten or brought back by
//! others, the count is right in the end.

use std::{path::Path, sync::Arc};

use matrix_test_server::Options;
use medialink::{
    clock::Clock,
    homeserver::Homeserver,
    storage::meta_events,
    usage::{ReconcileReport, ReconcileScope, Reconciler},
};
use medialink_link::LinkState;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    faulty::{Fault, Faulty, error},
    harness::{AS_TOKEN, BOT, Service, World, answer, eventually},
    process::Process,
};

const HOUR: i64 = 3_600_000;
const META_EVENT: &str = "org.matrix.msc3910.media_reference";
const QUICK: &str = "usage: {batch_window: 20ms, reconcile: never}";

async fn compare(service: &Service, url: &str) -> ReconcileReport {
    let mut config = service.config.homeserver.clone();
    config.url = url.parse().expect("a URL");
    let homeserver = Arc::new(Homeserver::new(config).expect("a client"));
    let (config, clock) = (Arc::clone(&service.config), service.clock.clone());
    Reconciler::new(service.database.clone(), config, clock, homeserver)
        .compare(ReconcileScope::default())
        .await
        .expect("the database answers")
}

async fn issue(world: &World, service: &Service, bytes: &str) -> (Value, String) {
    let (mxc, token) = world.upload(bytes.to_owned(), "text/plain").await;
    let mut body = json!({"mxc": mxc, "room_id": world.room_id});
    if !token.is_empty() {
        body["content_token"] = json!(token);
    }
    let link = service.issue(body).await;
    let link = service.wait_for_usage(&link, "counted").await;
    (link, mxc)
}

async fn revoke(service: &Service, link: &Value) {
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
    assert_eq!(service.call(Method::DELETE, &path, &json!({})).await.0, 200);
}

/// A moderator redacts the meta event that counts a link.
async fn moderate(world: &World, link: &Value) {
    let event = link["usage"]["event_id"].as_str().expect("an event");
    let path = format!(
        "/_matrix/client/v3/rooms/{}/redact/{event}/{event}",
        world.room_id
    );
    let (status, told) = world.as_alice(Method::PUT, &path, &json!({})).await;
    assert_eq!(status, 200, "{told}");
}

async fn demo(world: &World, what: &str) {
    let request = world.client.post(format!("{}/_demo/{what}", world.url));
    let (status, told) = answer(request).await;
    assert_eq!(status, 200, "{told}");
}

/// Sends an event of the meta events' type that no service knows.
async fn stray(world: &World, token: &str, user: &[(&str, &str)], txn: &str) -> String {
    let request = world
        .client
        .put(format!(
            "{}/_matrix/client/v3/rooms/{}/send/{META_EVENT}/{txn}",
            world.url, world.room_id
        ))
        .query(user)
        .bearer_auth(token)
        .json(&json!({"batch": txn, "content_token": {}, "references": []}));
    let (status, told) = answer(request).await;
    assert_eq!(status, 200, "{told}");
    told["event_id"].as_str().expect("an ID").to_owned()
}

async fn standing(world: &World) -> Vec<String> {
    let events = world.meta_events(&world.room_id).await;
    let id = |event: &Value| event["event_id"].as_str().expect("an ID").to_owned();
    events.iter().map(id).collect()
}

#[tokio::test]
async fn what_a_moderator_has_redacted_is_counted_again_if_it_is_linked() {
    let world = World::new().await;
    let service = world.service(QUICK).await;
    let (living, living_mxc) = issue(&world, &service, "living").await;
    let (untouched, untouched_mxc) = issue(&world, &service, "untouched").await;
    moderate(&world, &living).await;
    assert_eq!(world.references(&living_mxc).await, 0);
    let compared = compare(&service, &world.url).await;
    assert_eq!(
        compared,
        ReconcileReport {
            rooms: 1,
            events: 2,
            counted_anew: 1,
            ..ReconcileReport::default()
        }
    );
    let again = service.wait_for_usage(&living, "counted").await;
    service.drained().await;
    assert_ne!(again["usage"]["event_id"], living["usage"]["event_id"]);
    assert_eq!(
        service.link(&untouched).await["usage"],
        untouched["usage"],
        "what was right stays"
    );
    for mxc in [&living_mxc, &untouched_mxc] {
        assert_eq!(world.references(mxc).await, 1);
    }
    let quiet = compare(&service, &world.url).await;
    assert_eq!(
        (quiet.events, quiet.counted_anew),
        (3, 0),
        "nothing is left to mend"
    );
}

#[tokio::test]
async fn what_is_dead_by_then_is_released_and_not_counted_again() {
    let world = World::new().await;
    let clock = Clock::default();
    // The dead one waits beside the living one for longer than the test takes.
    let more = "usage: {batch_window: 300ms, release_after: 30d, reconcile: never}";
    let service = Service::start_at(world.folder.path(), &world.url, "", more, &clock).await;
    let mut bodies = Vec::new();
    for (n, lifetime) in [(0, HOUR), (1, 0)] {
        let (mxc, token) = world.upload(format!("{n}"), "text/plain").await;
        bodies.push(json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "lifetime_ms": lifetime}));
    }
    let (_, batch) = service
        .call(Method::POST, "/v1/links/batch", &json!({"links": bodies}))
        .await;
    let links = batch["results"].as_array().expect("results").clone();
    let living = service.wait_for_usage(&links[1], "counted").await;
    assert_eq!(standing(&world).await.len(), 1);
    clock.advance(2 * HOUR);
    eventually("the expiry to be noted", async || {
        let id = links[0]["link_id"].as_str().expect("an ID");
        let row = service.database.link(id).await.expect("reads");
        (row.expect("a link").state == LinkState::Expired).then_some(())
    })
    .await;
    moderate(&world, &living).await;
    assert_eq!(compare(&service, &world.url).await.counted_anew, 1);
    service.wait_for_usage(&living, "counted").await;
    assert_eq!(service.link(&links[0]).await["usage"]["state"], "released");
    service.drained().await;
    let count = async |link: &Value| world.references(link["mxc"].as_str().expect("mxc")).await;
    assert_eq!((count(&links[0]).await, count(&links[1]).await), (0, 1));
}

#[tokio::test]
async fn linked_media_gets_a_new_copy() {
    let world = World::with(Options {
        linked_media: true,
        content_tokens: false,
        ..Options::default()
    })
    .await;
    let service = world.service(QUICK).await;
    eventually("the homeserver's features", async || {
        service.features.links_media().then_some(())
    })
    .await;
    let (link, _) = issue(&world, &service, "bytes").await;
    let id = link["link_id"].as_str().expect("an ID").to_owned();
    let copy = async || {
        let row = service.database.link(&id).await.expect("reads");
        row.expect("a link").copy.clone()
    };
    let first = copy().await.expect("a copy");
    moderate(&world, &link).await;
    assert_eq!(world.media(&first.to_string()).await["deleted"], true);
    assert_eq!(compare(&service, &world.url).await.counted_anew, 1);
    service.wait_for_usage(&link, "counted").await;
    let second = copy().await.expect("a copy");
    assert_ne!(first, second);
    let attached = world.media(&second.to_string()).await["attached_to"].clone();
    assert_eq!(json!(standing(&world).await), json!([attached]));
    assert_eq!(service.follow(&link).await.status(), 200);
}

#[tokio::test]
async fn a_homeserver_restored_from_a_backup_ends_in_the_right_count() {
    let world = World::new().await;
    let service = world.service(QUICK).await;
    let (dying, dying_mxc) = issue(&world, &service, "dying").await;
    let (staying, staying_mxc) = issue(&world, &service, "staying").await;
    demo(&world, "backup").await;
    let (late, late_mxc) = issue(&world, &service, "late").await;
    revoke(&service, &dying).await;
    service.wait_for_usage(&dying, "released").await;
    service.drained().await;
    demo(&world, "restore").await;
    let counts = async || {
        (
            world.references(&dying_mxc).await,
            world.references(&staying_mxc).await,
            world.references(&late_mxc).await,
        )
    };
    assert_eq!(counts().await, (1, 1, 0), "as it was at the backup");
    let compared = compare(&service, &world.url).await;
    assert_eq!(
        (compared.counted_anew, compared.redacted_again),
        (1, 1),
        "{compared:?}"
    );
    service.wait_for_usage(&late, "counted").await;
    service.drained().await;
    assert_eq!(counts().await, (0, 1, 1));
    assert_eq!(service.link(&staying).await["usage"], staying["usage"]);
    assert_eq!(standing(&world).await.len(), 2);
    let quiet = compare(&service, &world.url).await;
    assert_eq!(
        (quiet.counted_anew, quiet.redacted_again),
        (0, 0),
        "{quiet:?}"
    );
}

fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for name in ["medialink.db", "medialink.db-wal", "medialink.db-shm"] {
        std::fs::remove_file(to.join(name)).ok();
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).expect("copied");
        }
    }
}

#[tokio::test]
async fn a_database_restored_from_a_backup_leaves_nothing_counted_that_it_does_not_know() {
    let world = World::new().await;
    let (data, backup) = (
        world.folder.path().join("data"),
        world.folder.path().join("backup"),
    );
    let clock = Clock::default();
    let start =
        async || Service::start_at(world.folder.path(), &world.url, "", QUICK, &clock).await;
    let service = start().await;
    let (_, known) = issue(&world, &service, "known").await;
    service.drained().await;
    service.stop().await;
    copy_files(&data, &backup);
    let service = start().await;
    let (_, unknown) = issue(&world, &service, "unknown").await;
    service.drained().await;
    service.stop().await;
    copy_files(&backup, &data);
    let service = start().await;
    let alices = stray(&world, &world.alice, &[], "alices").await;
    let counts = async || {
        (
            world.references(&known).await,
            world.references(&unknown).await,
        )
    };
    let young = compare(&service, &world.url).await;
    assert_eq!(young.strays_redacted, 0, "it may be on its way still");
    clock.advance(2 * HOUR);
    let compared = compare(&service, &world.url).await;
    assert_eq!(
        (compared.strays_redacted, compared.counted_anew),
        (1, 0),
        "{compared:?}"
    );
    eventually("the redaction", async || {
        service.drained().await;
        (counts().await == (1, 0)).then_some(())
    })
    .await;
    let left = standing(&world).await;
    assert!(
        left.len() == 2 && left.contains(&alices),
        "of others nothing is touched"
    );
    assert_eq!(compare(&service, &world.url).await.strays_redacted, 0);
}

#[tokio::test]
async fn an_event_whose_row_waits_has_been_sent() {
    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let service = Service::start(world.folder.path(), &faulty.url, QUICK).await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let later = || {
        let told = json!({"errcode": "M_LIMIT_EXCEEDED", "error": "slow", "retry_after_ms": HOUR});
        Fault::Answer(429, told.to_string())
    };
    faulty.next("/send/", [Fault::DropAfter, later(), later()]);
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = service.issue(body).await;
    eventually("the faults", async || {
        if faulty.left() == 0 {
            return Some(());
        }
        let rows = meta_events::list(service.database.reader(), None, 1).await;
        let next = rows.expect("rows").first()?.next_attempt_at?;
        service
            .clock
            .advance((next - service.clock.now_ms()).max(0));
        None
    })
    .await;
    // A meta event that counts, so that the room is one to be compared.
    let (_, other) = issue(&world, &service, "other").await;
    assert_eq!(service.link(&link).await["usage"]["state"], "pending");
    let compared = compare(&service, &world.url).await;
    assert_eq!(
        (compared.found, compared.strays_redacted),
        (1, 0),
        "{compared:?}"
    );
    service.wait_for_usage(&link, "counted").await;
    service.clock.advance(2 * HOUR);
    service.drained().await;
    assert_eq!(
        (world.references(&mxc).await, world.references(&other).await),
        (1, 1)
    );
    assert_eq!(world.media(&mxc).await["max_references"], 1);
}

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
        let compared = compare(&service, &faulty.url).await;
        assert_eq!((compared.rooms, compared.unreadable.len()), (0, 1));
        assert_eq!(compared.unreadable[0].1, world.room_id);
    }
    // Only the word of the room that it has the event no more counts.
    let empty = || Fault::Answer(200, "{\"chunk\": []}".to_owned());
    for fault in [error(403, "M_FORBIDDEN"), error(404, ""), error(502, "")] {
        faulty.next("/messages", [empty()]);
        faulty.next("/event/", [fault]);
        let compared = compare(&service, &faulty.url).await;
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
    assert_eq!(compare(&service, &faulty.url).await.counted_anew, 1);
    service.wait_for_usage(&link, "counted").await;
    assert_eq!(world.references(&mxc).await, 1);
}

#[tokio::test]
async fn what_no_page_shows_is_asked_for_by_itself() {
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
    let compared = compare(&service, &faulty.url).await;
    assert_eq!((compared.counted_anew, faulty.seen("/event/")), (1, 2));
    service.wait_for_usage(&redacted, "counted").await;
    assert_eq!(service.link(&standing).await["usage"], standing["usage"]);
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
}

#[tokio::test]
async fn the_command_says_what_it_has_mended() {
    let world = World::new().await;
    let mut process = Process::new(world.folder.path(), &world.url, QUICK);
    process.start().await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = process.issue(body).await;
    let request = |link: &Value| {
        process
            .client
            .get(format!(
                "{}/v1/links/{}",
                process.internal,
                link["link_id"].as_str().expect("an ID")
            ))
            .bearer_auth(crate::harness::API_TOKEN)
    };
    let counted = eventually("the count", async || {
        let link = answer(request(&link)).await.1;
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
