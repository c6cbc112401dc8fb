//! Readers that ask for nonsense, and readers that go away at any byte: each gets what HTTP allows,
//! and harms nobody else.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use support::{Service, World, client, eventually, raw, url};

const LENGTH: usize = 300_000;

fn media() -> Vec<u8> {
    (0..LENGTH).map(|i| (i / 7 % 251) as u8).collect()
}

async fn scene(more: &str) -> (World, Service, Value) {
    let world = World::new().await;
    let service = world.service(more).await;
    let (mxc, token) = world.upload(media(), "application/zip").await;
    let link = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = service.issue(link).await;
    (world, service, link)
}

#[tokio::test]
async fn ranges_of_any_kind_are_given_refused_or_ignored() {
    let whole = media();
    let many = (0..1000).map(|n| format!("{n}-{n}")).collect::<Vec<_>>();
    let many = format!("bytes={}", many.join(","));
    for more in ["", "media: {cache: null}"] {
        let (_world, service, link) = scene(more).await;
        for (range, status) in [
            ("bytes=0-299999", 206),
            ("bytes=0-999999999999999999999999", 206),
            ("bytes=-999999999999999999999999", 206),
            ("bytes=299999-", 206),
            ("bytes=300000-", 416),
            ("bytes=18446744073709551615-", 416),
            ("bytes=18446744073709551616-18446744073709551617", 416),
            ("bytes=-0", 416),
            ("bytes=0-0,0-0", 200),
            ("bytes=0-,0-,0-", 200),
            ("bytes=5-2", 200),
            ("bytes=--1", 200),
            ("bytes=0x10-0x20", 200),
            ("bytes=\u{e9}-1", 200),
            ("bytes", 200),
            ("=", 200),
            ("-", 200),
            (&many, 200),
        ] {
            let headers = format!("Range: {range}\r\n");
            let answer = raw::request("GET", &url(&link), &headers).await;
            assert_eq!(answer.status, status, "{range:.60}");
            assert!(answer.is_complete, "{range:.60}");
            match status {
                200 => assert!(answer.body == whole, "{range:.60}"),
                206 => assert!(whole.ends_with(&answer.body), "{range:.60}"),
                _ => assert!(answer.body.is_empty(), "{range:.60}"),
            }
        }
        // Two headers are no range that anybody could mean.
        let twice = "Range: bytes=0-1\r\nRange: bytes=2-3\r\n";
        let answer = raw::request("GET", &url(&link), twice).await;
        assert_eq!((answer.status, answer.body.len()), (200, LENGTH));
        service.stop().await;
    }
}

/// Sends this much of a request, reads that much of the answer, and is gone.
async fn vanish(link: &str, sent: usize, read: usize) {
    let (address, path) = link
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .expect("a URL");
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let sent = &request.as_bytes()[..sent.min(request.len())];
    stream.write_all(sent).await.expect("sent");
    let mut buffer = vec![0; read];
    if read > 0 {
        stream.read_exact(&mut buffer).await.expect("an answer");
    }
}

#[tokio::test]
async fn readers_who_go_away_at_any_byte_harm_nobody() {
    for more in ["", "media: {cache: null}"] {
        let (world, service, link) = scene(more).await;
        let address = url(&link);
        for sent in 0..address.len() + 40 {
            vanish(&address, sent, 0).await;
        }
        let all = usize::MAX;
        let inside_the_head = (1..800).step_by(37);
        let inside_the_body = (1000..LENGTH).step_by(29_989);
        for read in inside_the_head.chain(inside_the_body) {
            vanish(&address, all, read).await;
        }
        // In the middle of a first download, too.
        for read in [0, 1, 100_000] {
            let (mxc, token) = world.upload(media(), "application/zip").await;
            let other = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
            let other = service.issue(other).await;
            vanish(&url(&other), all, read).await;
            let after = client().get(url(&other)).send().await.expect("an answer");
            assert!(after.bytes().await.expect("whole") == media());
        }
        let after = client().get(&address).send().await.expect("an answer");
        assert!(after.bytes().await.expect("whole") == media());
        eventually("nothing half in the cache", async || {
            let growing = world.folder.path().join("data/cache/growing");
            let files = std::fs::read_dir(growing).map_or(0, Iterator::count);
            (files == 0).then_some(())
        })
        .await;
        service.stop().await;
    }
}

#[tokio::test]
async fn a_reader_that_reads_nothing_holds_up_nobody() {
    let (_world, service, link) = scene("").await;
    let mut stalled = Vec::new();
    for _ in 0..50 {
        let address = url(&link);
        let (address, path) = address
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
            .expect("a URL");
        let mut stream = TcpStream::connect(address).await.expect("connects");
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        stalled.push(stream);
    }
    let reading = async {
        let response = service.follow(&link).await;
        assert!(response.bytes().await.expect("whole") == media());
    };
    tokio::time::timeout(Duration::from_secs(20), reading)
        .await
        .expect("in time");
    drop(stalled);
    service.stop().await;
}

#[tokio::test]
async fn web_apps_of_others_may_embed_media() {
    let (_world, service, link) = scene("").await;
    let response = service.follow(&link).await;
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(
        response.headers()["cross-origin-resource-policy"],
        "cross-origin"
    );
    let exposed = response.headers()["access-control-expose-headers"].to_str();
    let exposed = exposed.expect("text").to_owned();
    for name in [
        "Accept-Ranges",
        "Content-Disposition",
        "Content-Range",
        "ETag",
    ] {
        assert!(exposed.contains(name), "{exposed}");
    }
    // A browser asks before it sends a condition.
    let asked = client()
        .request(Method::OPTIONS, url(&link))
        .header("Origin", "https://app.example.org")
        .header("Access-Control-Request-Method", "GET")
        .header("Access-Control-Request-Headers", "if-range,range");
    let allowed = asked.send().await.expect("an answer");
    assert_eq!(allowed.status(), 204);
    assert_eq!(allowed.headers()["access-control-allow-origin"], "*");
    assert_eq!(
        allowed.headers()["access-control-allow-methods"],
        "GET, HEAD"
    );
    let headers = allowed.headers()["access-control-allow-headers"].to_str();
    assert!(headers.expect("text").contains("Range"));
    let post = client().post(url(&link)).send().await.expect("an answer");
    assert_eq!(post.status(), 405);
    assert_eq!(post.headers()["allow"], "GET, HEAD, OPTIONS");
    service.stop().await;
}
