//! Work that one replica does at a time.

use std::sync::Arc;

use medialink::storage::leases::Lease;
use support::{World, eventually, faulty::Faulty, only_on_postgres};
use tokio::sync::Notify;

use super::scene::{REASON, Replicas};

#[tokio::test]
async fn work_is_done_by_one_at_a_time_and_renewed_as_long_as_it_goes_on() {
    if !only_on_postgres(REASON) {
        return;
    }
    let replicas = Replicas::start(2, "usage: {mode: never}").await;
    let clock = replicas.all[0].clock.clone();
    let leases = replicas.all.iter();
    let leases = leases.map(|service| Lease::new(service.database(), &clock, "test"));
    let leases: Vec<Lease> = leases.collect();
    let (begun, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let work = {
        let (first, begun, end) = (leases[0].clone(), Arc::clone(&begun), Arc::clone(&end));
        tokio::spawn(async move {
            let work = async {
                begun.notify_one();
                end.notified().await;
                "done"
            };
            first.during(work).await.expect("the database answers")
        })
    };
    begun.notified().await;
    let other = async || leases[1].during(async {}).await.expect("answers");
    assert_eq!(other().await, None);
    // It is held for longer than it would hold by itself.
    for _ in 0..4 {
        let commits = replicas.all[0].database().writer().commits();
        clock.advance(15_000);
        eventually("a renewal", async || {
            let now = replicas.all[0].database().writer().commits();
            (now > commits && leases[0].is_ours().await.expect("answers")).then_some(())
        })
        .await;
        assert_eq!(other().await, None);
    }
    end.notify_one();
    assert_eq!(work.await.expect("no panic"), Some("done"));
    assert_eq!(other().await, Some(()));
    replicas.stop().await;
}

#[tokio::test]
async fn the_work_of_a_replica_that_has_died_goes_to_another() {
    if !only_on_postgres(REASON) {
        return;
    }
    let replicas = Replicas::start(2, "usage: {mode: never}").await;
    let clock = replicas.all[0].clock.clone();
    let dead = Lease::new(replicas.all[0].database(), &clock, "test");
    let other = Lease::new(replicas.all[1].database(), &clock, "test");
    // Nobody renews it any more.
    assert!(dead.is_ours().await.expect("answers"));
    clock.advance(19_000);
    assert!(!other.is_ours().await.expect("answers"));
    clock.advance(1_001);
    assert!(other.is_ours().await.expect("answers"));
    assert!(!dead.is_ours().await.expect("answers"), "it has lost it");
    // One that stops leaves its work at once.
    let mut all = replicas.all.into_iter();
    let (first, second) = (all.next().expect("one"), all.next().expect("another"));
    second.stop().await;
    assert!(dead.is_ours().await.expect("answers"));
    dead.release().await.expect("answers");
    first.stop().await;
}

#[tokio::test]
async fn media_is_touched_once_by_all_together() {
    if !only_on_postgres(REASON) {
        return;
    }
    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let more = "usage: {mode: never, touch: 1h, touch_rate: 50/s}";
    let replicas = Replicas::start_at(world, &faulty.url, 3, more).await;
    let mut media = Vec::new();
    for n in 0..20 {
        let body = replicas.medium(&format!("medium {n}")).await;
        media.push(replicas.nth(n).issue(body).await);
    }
    assert_eq!(faulty.seen("/download/"), 0);
    replicas.all[0].clock.advance(3_600_000);
    eventually("all touches", async || {
        (faulty.seen("/download/") >= media.len()).then_some(())
    })
    .await;
    // All look again, and find nothing.
    for _ in 0..3 {
        replicas.all[0].clock.advance(6_000);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(faulty.seen("/download/"), media.len());
    replicas.stop().await;
}
