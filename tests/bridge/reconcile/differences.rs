//! What others have redacted, forgotten or brought back is counted right in the end.

use std::path::Path;

use matrix_test_server::Options;
use medialink::{clock::Clock, usage::ReconcileReport};
use medialink_link::LinkState;
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    Service, World, eventually,
    faulty::{Fault, Faulty},
    only_on_sqlite,
};

use super::room::{HOUR, QUICK, demo, issue, moderate, revoke, standing, stray};

#[tokio::test]
async fn linked_media_is_counted_again_after_a_moderator_redacts_its_meta_event() {
    let world = World::new().await;
    let service = world.service(QUICK).await;
    let (living, living_mxc) = issue(&world, &service, "living").await;
    let (untouched, untouched_mxc) = issue(&world, &service, "untouched").await;
    moderate(&world, &living).await;
    assert_eq!(world.references(&living_mxc).await, 0);
    let compared = service.compare(&world.url).await;
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
    let quiet = service.compare(&world.url).await;
    assert_eq!(
        (quiet.events, quiet.counted_anew),
        (3, 0),
        "nothing is left to mend"
    );
    service.stop().await;
}

#[tokio::test]
async fn media_without_live_links_is_released_and_not_counted_again() {
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
        (service.stored(&links[0]).await.state == LinkState::Expired).then_some(())
    })
    .await;
    moderate(&world, &living).await;
    assert_eq!(service.compare(&world.url).await.counted_anew, 1);
    service.wait_for_usage(&living, "counted").await;
    assert_eq!(service.link(&links[0]).await["usage"]["state"], "released");
    service.drained().await;
    let count = async |link: &Value| world.references(link["mxc"].as_str().expect("mxc")).await;
    assert_eq!((count(&links[0]).await, count(&links[1]).await), (0, 1));
    service.stop().await;
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
    service.knows_linked_media().await;
    let (link, _) = issue(&world, &service, "bytes").await;
    let copy = async || service.copy_of(&link).await;
    let first = copy().await.expect("a copy");
    moderate(&world, &link).await;
    assert_eq!(world.media(&first).await["deleted"], true);
    assert_eq!(service.compare(&world.url).await.counted_anew, 1);
    service.wait_for_usage(&link, "counted").await;
    let second = copy().await.expect("a copy");
    assert_ne!(first, second);
    let attached = world.media(&second.to_string()).await["attached_to"].clone();
    assert_eq!(json!(standing(&world).await), json!([attached]));
    assert_eq!(service.follow(&link).await.status(), 200);
    service.stop().await;
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
    let compared = service.compare(&world.url).await;
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
    let quiet = service.compare(&world.url).await;
    assert_eq!(
        (quiet.counted_anew, quiet.redacted_again),
        (0, 0),
        "{quiet:?}"
    );
    service.stop().await;
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
    if !only_on_sqlite("its backup is a copy of the file") {
        return;
    }
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
    let young = service.compare(&world.url).await;
    assert_eq!(young.strays_redacted, 0, "it may be on its way still");
    clock.advance(2 * HOUR);
    let compared = service.compare(&world.url).await;
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
    assert_eq!(service.compare(&world.url).await.strays_redacted, 0);
    service.stop().await;
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
        let rows = service.newest_meta_events(1).await;
        let next = rows.first()?.next_attempt_at?;
        service
            .clock
            .advance((next - service.clock.now_ms()).max(0));
        None
    })
    .await;
    // A meta event that counts, so that the room is one to be compared.
    let (_, other) = issue(&world, &service, "other").await;
    assert_eq!(service.link(&link).await["usage"]["state"], "pending");
    let compared = service.compare(&world.url).await;
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
    service.stop().await;
}
