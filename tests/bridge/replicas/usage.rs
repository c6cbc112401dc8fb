//! Each usage is counted once, whichever replica does it.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    Service, World, eventually,
    faulty::{Fault, Faulty},
    only_on_postgres,
};

use super::scene::{REASON, Replicas};

/// Usage of each room is gathered soon.
const SOON: &str = "usage: {batch_window: 100ms}";

#[tokio::test]
async fn each_usage_is_counted_once_and_each_batch_sent_once() {
    if !only_on_postgres(REASON) {
        return;
    }
    let replicas = Replicas::start(3, SOON).await;
    let mut rooms = vec![replicas.world.room_id.clone()];
    for _ in 0..3 {
        rooms.push(replicas.world.new_room().await);
    }
    let mut media = Vec::new();
    for n in 0..30 {
        let medium = replicas.medium(&format!("medium {n}")).await;
        media.push(medium);
    }
    for wave in media.chunks(10) {
        let issues = wave.iter().enumerate().flat_map(|(n, medium)| {
            rooms.iter().enumerate().map(move |(at, room)| {
                let mut body = medium.clone();
                body["room_id"] = json!(room);
                (n + at, body)
            })
        });
        let issues = issues.map(|(at, body)| replicas.nth(at).issue(body));
        join_all(issues).await;
    }
    replicas.all[0].drained().await;
    for medium in &media {
        let mxc = medium["mxc"].as_str().expect("mxc");
        eventually("its references", async || {
            (replicas.world.references(mxc).await == 4).then_some(())
        })
        .await;
    }
    for room in &rooms {
        let events = replicas.world.meta_events(room).await;
        let mut hashes: Vec<String> = events.iter().flat_map(hashes).collect();
        hashes.sort();
        let counted = hashes.len();
        hashes.dedup();
        assert_eq!((hashes.len(), counted), (30, 30), "{events:#?}");
    }
    replicas.stop().await;
}

/// The media that a meta event counts.
fn hashes(event: &Value) -> Vec<String> {
    let references = event["content"]["references"].as_array();
    let hashes = references.expect("references").iter();
    hashes
        .map(|one| one["hash"].as_str().expect("a hash").to_owned())
        .collect()
}

#[tokio::test]
async fn links_that_come_and_go_at_different_replicas_leave_usage_right() {
    if !only_on_postgres(REASON) {
        return;
    }
    let replicas = Replicas::start(3, "usage: {batch_window: 10ms}").await;
    let mut media = Vec::new();
    for n in 0..8 {
        media.push(replicas.medium(&format!("medium {n}")).await);
    }
    for round in 0..40 {
        // The last link of each ends while the next one is issued elsewhere.
        let live = replicas.live().await;
        let ends = live.iter().enumerate().map(|(n, link)| {
            let service = replicas.nth(round + n);
            service.revoke(link)
        });
        let issues = media.iter().enumerate().map(|(n, medium)| {
            let mut body = medium.clone();
            body["event_id"] = json!(format!("$event{round}"));
            replicas.nth(round + n + 1).issue(body)
        });
        tokio::join!(join_all(ends), join_all(issues));
        let pause = (round % 7) as u64 * 5;
        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
    }
    for link in replicas.live().await {
        replicas.all[0].wait_for_usage(&link, "counted").await;
    }
    replicas.all[1].drained().await;
    for (n, medium) in media.iter().enumerate() {
        let mxc = medium["mxc"].as_str().expect("mxc");
        assert_eq!(replicas.world.references(mxc).await, 1, "medium {n}");
    }
    // The last ones go, too.
    for link in replicas.live().await {
        replicas.all[2].revoke(&link).await;
    }
    replicas.all[0].drained().await;
    for medium in &media {
        let mxc = medium["mxc"].as_str().expect("mxc");
        assert_eq!(replicas.world.references(mxc).await, 0);
    }
    replicas.stop().await;
}

#[tokio::test]
async fn what_a_dead_replica_has_claimed_another_takes_that_has_slept_meanwhile() {
    if !only_on_postgres(REASON) {
        return;
    }
    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let mut replicas = Replicas::start_at(world, &faulty.url, 2, SOON).await;
    faulty.next("/send/", [Fault::HoldAfter]);
    let medium = replicas.medium("a medium").await;
    let mxc = medium["mxc"].as_str().expect("mxc").to_owned();
    let link = replicas.all[0].issue(medium).await;
    eventually("a send on its way", async || {
        (faulty.held() == 1).then_some(())
    })
    .await;
    replicas.all.remove(0).abandon().await;
    let other = &replicas.all[0];
    other.clock.advance(121_000);
    // Sooner than it looks without a reason where it is alone.
    eventually("a count", async || {
        (other.link(&link).await["usage"]["state"] == "counted").then_some(())
    })
    .await;
    assert_eq!(replicas.world.references(&mxc).await, 1);
    replicas.stop().await;
}

#[tokio::test]
async fn what_a_replica_leaves_in_the_middle_of_a_send_another_finishes() {
    if !only_on_postgres(REASON) {
        return;
    }
    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let mut replicas = Replicas::start_at(world, &faulty.url, 2, SOON).await;
    // The homeserver takes it, and the replica never learns of it.
    faulty.next("/send/", [Fault::HoldAfter]);
    let medium = replicas.medium("a medium").await;
    let mxc = medium["mxc"].as_str().expect("mxc").to_owned();
    let link = replicas.all[0].issue(medium).await;
    eventually("a send on its way", async || {
        (faulty.held() == 1).then_some(())
    })
    .await;
    // Whichever of them has it: both go, as by kill -9, and one comes back.
    for service in replicas.all.drain(..) {
        service.abandon().await;
    }
    let clock = medialink::clock::Clock::default();
    clock.advance(60_000);
    let folder = replicas.world.folder.path();
    let next = Service::start_at(folder, &faulty.url, "", "", &clock).await;
    assert_eq!(faulty.seen("/send/"), 1, "the claim has not run out");
    let claimed = next.newest_meta_events(1).await;
    assert_eq!(claimed[0].state, "waiting", "{claimed:?}");
    clock.advance(61_000);
    next.wait_for_usage(&link, "counted").await;
    assert_eq!(faulty.seen("/send/"), 2);
    assert_eq!(replicas.world.references(&mxc).await, 1);
    let room = &replicas.world.room_id;
    assert_eq!(replicas.world.meta_events(room).await.len(), 1);
    let (status, _) = next.call(Method::GET, "/v1/links", &json!({})).await;
    assert_eq!(status, 200);
    next.stop().await;
}
