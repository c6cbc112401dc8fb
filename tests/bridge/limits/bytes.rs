//! Bytes that clients, links and rooms may have, charged as they flow.

use medialink::clock::Clock;
use serde_json::json;
use support::{Service, url};

use super::{limited, link_of, retry_after, sent};

const KIB: usize = 1024;

/// Follows a link to the end: all of it is charged.
async fn whole(service: &Service, link: &serde_json::Value) {
    let followed = service.follow(link).await;
    assert_eq!(followed.status(), 200);
    followed.bytes().await.expect("the whole");
}

#[tokio::test]
async fn bytes_are_charged_as_they_are_sent() {
    let (world, service) = limited("{per_client: {bytes: 100KiB/hour}}").await;
    let link = link_of(&world, &service, 40 * KIB).await;
    let client = "198.51.100.1";
    let get = || service.client.get(url(&link));
    for _ in 0..20 {
        // Neither costs anything.
        assert_eq!(
            sent(service.client.head(url(&link)), client).await.status(),
            200
        );
    }
    let etag = sent(service.client.head(url(&link)), client)
        .await
        .headers()["etag"]
        .clone();
    assert_eq!(
        sent(get().header("If-None-Match", etag), client)
            .await
            .status(),
        304
    );
    for _ in 0..5 {
        let part = sent(get().header("Range", "bytes=0-1023"), client).await;
        assert_eq!(part.status(), 206);
        assert_eq!(part.bytes().await.expect("a part").len(), KIB);
    }
    for _ in 0..2 {
        let whole = sent(get(), client).await.bytes().await.expect("the whole");
        assert_eq!(whole.len(), 40 * KIB);
    }
    // 15 KiB are left: what begins within them is sent whole.
    let whole = sent(get(), client).await.bytes().await.expect("the whole");
    assert_eq!(whole.len(), 40 * KIB);
    let wait = retry_after(&sent(get(), client).await);
    // 25 KiB more than there were flow back in a quarter of the hour.
    assert!((890..=910).contains(&wait), "{wait}");
    assert_eq!(
        sent(service.client.head(url(&link)), client).await.status(),
        200
    );
    assert_eq!(sent(get(), "198.51.100.2").await.status(), 200);
    service
        .clock
        .advance(i64::try_from(wait).expect("fits") * 1000);
    assert_eq!(sent(get(), client).await.status(), 200);
    service.stop().await;
}

#[tokio::test]
async fn what_has_begun_is_slowed_down_and_comes_whole() {
    let (world, service) = limited("{per_link: {bytes: 1MiB/s}}").await;
    let link = link_of(&world, &service, 2048 * KIB).await;
    let whole = service.follow(&link).await;
    assert_eq!(whole.status(), 200);
    let bytes = whole.bytes().await.expect("the whole");
    assert_eq!(bytes.len(), 2048 * KIB);
    assert!(bytes.iter().all(|byte| *byte == b'x'));
    service.stop().await;
}

#[tokio::test]
async fn a_link_and_a_room_have_budgets_of_their_own() {
    let limits = "{per_link: {follows: 2/day, bytes: 50KiB/day}, per_room: {bytes: 70KiB/day}}";
    let (world, service) = limited(limits).await;
    let small = link_of(&world, &service, 10).await;
    for (client, status) in [
        ("198.51.100.1", 200),
        ("198.51.100.2", 200),
        ("198.51.100.3", 429),
    ] {
        assert_eq!(
            sent(service.client.get(url(&small)), client).await.status(),
            status
        );
    }
    let large = link_of(&world, &service, 60 * KIB).await;
    whole(&service, &large).await;
    let refused = service.follow(&large).await;
    assert!(retry_after(&refused) > 60);
    // The room has 10 KiB left, and then none.
    let third = link_of(&world, &service, 20 * KIB).await;
    whole(&service, &third).await;
    let fourth = link_of(&world, &service, 20).await;
    assert_eq!(service.follow(&fourth).await.status(), 429);
    let room = world.new_room().await;
    let (mxc, token) = world.upload("elsewhere", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": room});
    let elsewhere = service.issue(body).await;
    assert_eq!(service.follow(&elsewhere).await.status(), 200);
    service.stop().await;
}

#[tokio::test]
async fn a_one_time_link_is_not_used_up_by_a_follow_over_a_limit() {
    let (world, service) =
        limited("{per_link: {bytes: 1KiB/hour}, per_room: {bytes: 2KiB/hour}}").await;
    let large = link_of(&world, &service, 4 * KIB).await;
    whole(&service, &large).await;
    let (mxc, token) = world.upload("once", "text/plain").await;
    let body =
        json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "max_follows": 1});
    let once = service.issue(body).await;
    let wait = retry_after(&service.follow(&once).await);
    assert_eq!(service.link(&once).await["state"], "live");
    service
        .clock
        .advance(i64::try_from(wait).expect("fits") * 1000);
    assert_eq!(service.follow(&once).await.status(), 200);
    assert_eq!(service.follow(&once).await.status(), 410);
    service.stop().await;
}

#[tokio::test]
async fn budgets_survive_a_restart() {
    let (world, service) = limited("{per_room: {bytes: 50KiB/day}}").await;
    let link = link_of(&world, &service, 60 * KIB).await;
    whole(&service, &link).await;
    let before = retry_after(&service.follow(&link).await);
    service.stop().await;
    let more = "limits: {per_room: {bytes: 50KiB/day}}";
    let (folder, clock) = (world.folder.path(), Clock::default());
    let service = Service::start_at(folder, &world.url, "", more, &clock).await;
    let path = url(&link);
    let path = &path[path.find("/m/").expect("a path")..];
    let after = retry_after(&service.get(path).await);
    assert!(after <= before && after + 60 > before, "{before} {after}");
    service.stop().await;
}
