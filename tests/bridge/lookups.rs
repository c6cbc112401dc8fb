//! What following a link costs the database.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::json;

use support::{Service, World, is_postgres};

/// Issues ten links a second until told to stop; how many.
async fn issue_until(service: &Service, world: &World, stop: &AtomicBool) -> u64 {
    let mut issued = 0;
    while !stop.load(Ordering::Relaxed) {
        let (mxc, token) = world.upload(format!("other {issued}"), "text/plain").await;
        let body = json!({"room_id": world.room_id, "mxc": mxc, "content_token": token});
        service.issue(body).await;
        issued += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    issued
}

#[tokio::test]
async fn a_known_link_is_followed_without_lookups_beside_other_issues() {
    let world = World::new().await;
    let service = world.service("usage: {batch_window: 100ms}").await;
    let (mxc, token) = world.upload("media", "text/plain").await;
    let body = json!({"room_id": world.room_id, "mxc": mxc, "content_token": token});
    let link = service.issue(body).await;
    service.wait_for_usage(&link, "counted").await;
    assert_eq!(service.follow(&link).await.status(), 200);
    let before = service.database().link_lookups();
    let stop = AtomicBool::new(false);
    let follow = async {
        for _ in 0..1000 {
            assert_eq!(service.follow(&link).await.status(), 200);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (issued, ()) = tokio::join!(issue_until(&service, &world, &stop), follow);
    let made = service.database().link_lookups() - before;
    println!("{made} lookups in 1,000 follows beside {issued} issues");
    assert!(issued >= 10, "{issued}");
    // The first follow may find that another issue's commit was just under way. PostgreSQL tells us of our
    // own commits as of those of others, so that there are more of such moments.
    let most = if is_postgres() { 10 } else { 1 };
    assert!(made <= most, "{made}");
    service.stop().await;
}
