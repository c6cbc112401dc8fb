//! The rows of the database.

use medialink::storage::engine::query_scalar;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use support::{Service, World, encrypted::encrypted_file, eventually, patiently};

pub const DAY: i64 = 86_400_000;

pub const MORE: &str =
    "usage: {batch_window: 20ms, reconcile: never}\nmedia: {cache: {dir: data/cache}}";

pub async fn count(service: &Service, table: &str) -> i64 {
    let count = query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}")));
    count
        .fetch_one(service.database().reader())
        .await
        .expect("counts")
}

/// Waits until what has ended within so many days, and is not needed any more, has been thinned.
pub async fn thinned(service: &Service, after: i64) {
    service.drained().await;
    service.clock.advance(after);
    service.expire_links().await;
    service.drained().await;
    // The second purge of the cache, and what is wiped.
    service.clock.advance(DAY);
    eventually("the purges", async || {
        let purges = count(service, "cache_purges").await;
        let secrets = count(service, "links WHERE state <> 'live' AND file IS NOT NULL").await;
        // What is purged is wiped by the next pass.
        service.clock.advance(60_000);
        (purges + secrets == 0).then_some(())
    })
    .await;
    service.clock.advance(91 * DAY);
    patiently("a pass", async || {
        let ended = count(service, "links WHERE state <> 'live'").await;
        let events = count(service, "meta_events WHERE state <> 'sent'").await;
        (ended + events == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn nothing_of_a_usage_stays_that_is_over() {
    let world = World::new().await;
    let service = world.service(MORE).await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let (file, file_token) = encrypted_file(&world, b"bytes").await;
    for body in [
        json!({"mxc": mxc, "content_token": token, "room_id": world.room_id}),
        json!({"file": file, "content_token": file_token, "room_id": world.room_id}),
        json!({"mxc": mxc, "room_id": world.room_id}),
    ] {
        let link = service.issue(body).await;
        if link["usage"]["state"] != "disabled" {
            assert_eq!(service.follow(&link).await.status(), 200);
            service.wait_for_usage(&link, "counted").await;
        }
        service.revoke(&link).await;
    }
    thinned(&service, 0).await;
    eventually("no rows", async || {
        let mut left = 0;
        for table in [
            "links",
            "media_references",
            "meta_events",
            "meta_event_members",
        ] {
            left += count(&service, table).await;
        }
        (left == 0).then_some(())
    })
    .await;
    assert!(count(&service, "tombstones").await > 0);
    // The events in the room, and the usage at the homeserver, are as they were.
    let report = service.compare(&world.url).await;
    assert_eq!((report.strays_redacted, report.counted_anew), (0, 0));
    assert_eq!(world.references(&mxc).await, 0);
    let again = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let again: Value = service.issue(again).await;
    service.wait_for_usage(&again, "counted").await;
    assert_eq!(world.references(&mxc).await, 1);
    service.stop().await;
}

#[tokio::test]
async fn what_is_counted_still_is_not_forgotten() {
    let world = World::new().await;
    let service = world.service(MORE).await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let link = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = service.issue(link).await;
    service.wait_for_usage(&link, "counted").await;
    let gone = world.stop_homeserver().await;
    service.revoke(&link).await;
    service.clock.advance(500 * DAY);
    let other = service
        .issue(json!({"mxc": "mxc://example.org/a", "room_id": world.room_id}))
        .await;
    service.revoke(&other).await;
    service.clock.advance(500 * DAY);
    // The cache is purged twice before.
    eventually("a pass", async || {
        service.clock.advance(DAY);
        (count(&service, "links").await == 1).then_some(())
    })
    .await;
    assert_eq!(service.link(&link).await["mxc"], mxc);
    service.leave_unfinished("the homeserver is gone");
    service.expect_errors("the homeserver is gone");
    drop(gone);
    service.stop().await;
}
