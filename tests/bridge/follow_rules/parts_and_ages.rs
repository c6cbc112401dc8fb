//! Ranges, and how long readers may keep media.

use matrix_test_server::Options;
use serde_json::{Value, json};
use support::{Service, World, url};

use super::scene::{get_with, link_to, scene};

#[tokio::test]
async fn ranges_are_handed_through_where_the_homeserver_has_them() {
    let options = Options {
        ranges: true,
        ..Options::default()
    };
    let world = World::with(options).await;
    let service = world.service("").await;
    let bytes: Vec<u8> = (0..100).collect();
    let link = link_to(&world, &service, (&bytes, "video/mp4"), json!({})).await;
    let whole = service.follow(&link).await;
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    for (range, told, expected) in [
        ("bytes=0-9", "bytes 0-9/100", 0..10),
        ("bytes=90-", "bytes 90-99/100", 90..100),
        ("bytes=-5", "bytes 95-99/100", 95..100),
        ("bytes=50-1000", "bytes 50-99/100", 50..100),
    ] {
        let response = get_with(&service, &url(&link), "Range", range).await;
        assert_eq!(response.status(), 206, "{range}");
        assert_eq!(response.headers()["content-range"], told);
        assert_eq!(
            response.headers()["content-length"],
            expected.len().to_string()
        );
        assert_eq!(response.bytes().await.expect("whole"), bytes[expected]);
    }
    let response = get_with(&service, &url(&link), "Range", "bytes=100-").await;
    assert_eq!(response.status(), 416);
    assert_eq!(response.headers()["content-range"], "bytes */100");
    assert_eq!(response.bytes().await.expect("whole"), "");
    for range in [
        "bytes=0-1,5-6",
        "bytes=9-0",
        "items=0-1",
        "bytes=x-",
        "bytes=",
    ] {
        let response = get_with(&service, &url(&link), "Range", range).await;
        assert_eq!(response.status(), 200, "{range}");
        assert_eq!(response.bytes().await.expect("whole"), bytes);
    }
    let request = service.client.get(url(&link)).header("Range", "bytes=0-1");
    let conditional = request.header("If-Range", "\"x\"").send().await;
    assert_eq!(conditional.expect("an answer").status(), 200);

    a_limited_link_has_no_ranges(&world, &service, &bytes).await;
    service.stop().await;
}

/// A link that may be followed so often is given whole.
async fn a_limited_link_has_no_ranges(world: &World, service: &Service, bytes: &[u8]) {
    let limited = link_to(
        world,
        service,
        (bytes, "video/mp4"),
        json!({"max_follows": 1}),
    )
    .await;
    let response = get_with(service, &url(&limited), "Range", "bytes=0-1").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(
        !response.headers().contains_key("accept-ranges"),
        "ranges of it cannot be asked for"
    );
    assert_eq!(response.bytes().await.expect("whole"), bytes);
}

#[tokio::test]
async fn readers_may_keep_media_no_longer_than_the_link_lives() {
    let (world, service) = scene("media: {cache_control_max: 30m}").await;
    let max_age = async |link: &Value| -> u64 {
        let response = service.follow(link).await;
        let control = response.headers()["cache-control"].to_str().expect("text");
        let age = control.rsplit("max-age=").next().expect("an age");
        age.parse().expect("a number")
    };
    let png: (&[u8], &str) = (b"\x89PNG\r\n\x1a\n", "image/png");
    let long = link_to(&world, &service, png, json!({})).await;
    assert_eq!(max_age(&long).await, 1800);
    let ever = link_to(&world, &service, png, json!({"lifetime_ms": 0})).await;
    assert_eq!(ever["expires_ts"], json!(null));
    assert_eq!(max_age(&ever).await, 1800);
    let brief = link_to(&world, &service, png, json!({"lifetime_ms": 100_000})).await;
    assert!((90..=100).contains(&max_age(&brief).await));
    service.clock.advance(60_000);
    assert!((30..=40).contains(&max_age(&brief).await));
    service.stop().await;
}
