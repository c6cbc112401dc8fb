//! Answers and downloads at the same time.

use std::time::Duration;

use support::{World, eventually, url};

use super::{limited, link_of, retry_after, sent};

/// More than all buffers between a service and a reader hold.
const LARGE: usize = 32 << 20;

#[tokio::test]
async fn each_client_has_so_many_answers_at_the_same_time() {
    let (world, service) = limited("{per_client: {streams: 2}, total: {streams: 3}}").await;
    let link = link_of(&world, &service, LARGE).await;
    let get = |client| sent(service.client.get(url(&link)), client);
    let first = get("198.51.100.1").await;
    let second = get("198.51.100.1").await;
    assert_eq!(
        (first.status().as_u16(), second.status().as_u16()),
        (200, 200)
    );
    retry_after(&get("198.51.100.1").await);
    let head = sent(service.client.head(url(&link)), "198.51.100.1").await;
    assert_eq!(head.status(), 200);
    let other = get("198.51.100.2").await;
    assert_eq!(other.status(), 200);
    retry_after(&get("198.51.100.3").await);
    drop(first);
    eventually("a free place", async || {
        (get("198.51.100.3").await.status() == 200).then_some(())
    })
    .await;
    let bytes = second.bytes().await.expect("what has begun comes whole");
    assert_eq!(bytes.len(), LARGE);
    drop(other);
    service.stop().await;
}

#[tokio::test]
async fn so_many_downloads_are_under_way_at_the_same_time() {
    let world = World::new().await;
    let more = "limits: {total: {upstream_fetches: 1}}\nmedia: {cache: null}";
    let service = world.service(more).await;
    let large = link_of(&world, &service, LARGE).await;
    let small = link_of(&world, &service, 10).await;
    let reading = service.follow(&large).await;
    assert_eq!(reading.status(), 200);
    let refused = service.follow(&small).await;
    retry_after(&refused);
    // One that waits gets its turn when the other download ends.
    let waiting = service.follow(&small);
    let ended = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(reading);
    };
    let (waited, ()) = tokio::join!(waiting, ended);
    assert_eq!(waited.status(), 200);
    service.stop().await;
}
