//! The usage worker is woken by what there is to do; its poll is longer than any test waits. An idle
//! service leaves the database alone.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use support::{Service, World, eventually};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

async fn issue(world: &World, service: &Service, lifetime_ms: i64) -> (Value, String) {
    let (mxc, token) = world.upload(lifetime_ms.to_string(), "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "lifetime_ms": lifetime_ms});
    (service.issue(body).await, mxc)
}

#[tokio::test]
async fn each_wish_wakes_the_worker() {
    let world = World::new().await;
    let usage = "usage: {batch_window: 10ms}";
    let service = Service::start(world.folder.path(), &world.url, usage).await;
    service.drained().await;
    // New media, the end of a link by a request, and by its time.
    let (link, revoked) = issue(&world, &service, DAY).await;
    service.wait_for_usage(&link, "counted").await;
    let (expiring, expired) = issue(&world, &service, HOUR).await;
    service.wait_for_usage(&expiring, "counted").await;
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
    let (status, _) = service.call(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    service.wait_for_usage(&link, "released").await;
    assert_eq!(world.references(&revoked).await, 0);
    service.clock.advance(HOUR);
    service.wait_for_usage(&expiring, "released").await;
    assert_eq!(world.references(&expired).await, 0);
    service.stop().await;
}

#[tokio::test]
async fn work_that_is_left_from_before_is_done_at_the_start() {
    let world = World::new().await;
    let usage = "usage: {batch_window: 1h}";
    let service = Service::start(world.folder.path(), &world.url, usage).await;
    let (link, _) = issue(&world, &service, HOUR).await;
    service.leave_unfinished("the next service begins with it");
    service.stop().await;
    let usage = "usage: {batch_window: 10ms}";
    let service = Service::start(world.folder.path(), &world.url, usage).await;
    service.wait_for_usage(&link, "counted").await;
    service.stop().await;
}

#[tokio::test]
async fn an_idle_service_commits_nothing() {
    let world = World::new().await;
    let usage = "usage: {batch_window: 10ms}";
    let service = Service::start(world.folder.path(), &world.url, usage).await;
    let (link, _) = issue(&world, &service, DAY).await;
    service.wait_for_usage(&link, "counted").await;
    service.drained().await;
    let commits = || service.database().writer().commits();
    let commits_of_a_while = async || {
        let before = commits();
        service.clock.advance(60_000);
        tokio::time::sleep(Duration::from_millis(700)).await;
        commits() - before
    };
    // What comes with the start may still be written, such as the first touch of the media.
    eventually("an idle service", async || {
        (commits_of_a_while().await == 0).then_some(())
    })
    .await;
    for _ in 0..3 {
        assert_eq!(commits_of_a_while().await, 0);
    }
    service.stop().await;
}
