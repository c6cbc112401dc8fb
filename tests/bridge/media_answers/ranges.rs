//! Ranges of media that the homeserver tells no length of, or gives only whole.

use std::sync::Arc;

use reqwest::Response;
use support::{
    client,
    raw::{self, Plan, say, say_all},
    url,
};
use tokio::sync::Semaphore;

use super::scene::Scene;

const CHUNKED: &str = "200 OK\r\nContent-Type: video/mp4\r\nTransfer-Encoding: chunked";
const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";
const BOTH: [&str; 2] = ["max_size: 200MiB", "max_size: 200MiB, cache: null"];

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let head = format!("{:x}\r\n", bytes.len());
    [head.as_bytes(), bytes, b"\r\n"].concat()
}

fn chunks(bytes: &[u8]) -> Vec<u8> {
    [
        bytes.chunks(7_000).map(chunk).collect::<Vec<_>>().concat(),
        b"0\r\n\r\n".to_vec(),
    ]
    .concat()
}

async fn range(scene: &Scene, range: &str) -> Response {
    let request = client().get(url(&scene.link)).header("Range", range);
    request.send().await.expect("an answer")
}

fn told(response: &Response) -> (u16, &str) {
    let range = response.headers().get("content-range");
    let range = range.map_or("", |value| value.to_str().expect("text"));
    (response.status().as_u16(), range)
}

#[tokio::test]
async fn the_first_range_of_media_without_a_length_is_given() {
    for media in BOTH {
        for (asked, expected, answered) in [
            ("bytes=0-1", 0..2, (206, "bytes 0-1/24")),
            ("bytes=20-99", 20..24, (206, "bytes 20-23/24")),
            ("bytes=5-", 5..24, (206, "bytes 5-23/24")),
            ("bytes=-3", 21..24, (206, "bytes 21-23/24")),
            ("bytes=24-", 0..0, (416, "bytes */24")),
        ] {
            let scene = Scene::configured("", media, |_| say(CHUNKED, chunks(MP4))).await;
            let response = range(&scene, asked).await;
            assert_eq!(told(&response), answered, "{media}");
            let body = response.bytes().await.expect("whole");
            assert_eq!(&body[..], &MP4[expected], "{asked}");
            scene.service.stop().await;
        }
    }
}

#[tokio::test]
async fn the_first_range_of_long_media_without_a_length_is_given() {
    let long = [MP4, &vec![7; 3 << 20]].concat();
    let body = long.clone();
    let scene = Scene::configured("", BOTH[0], move |_| say(CHUNKED, chunks(&body))).await;
    let response = range(&scene, "bytes=0-1").await;
    let length = long.len();
    assert_eq!(told(&response), (206, &*format!("bytes 0-1/{length}")));
    assert_eq!(response.bytes().await.expect("whole"), &long[..2]);
    scene.service.stop().await;
    // Without a cache nothing waits for the end of it.
    let body = long.clone();
    let scene = Scene::configured("", BOTH[1], move |_| say(CHUNKED, chunks(&body))).await;
    let response = range(&scene, "bytes=0-1").await;
    assert_eq!(told(&response), (206, "bytes 0-1/*"));
    assert_eq!(response.bytes().await.expect("whole"), &long[..2]);
    // A length is needed to tell where these end.
    for asked in ["bytes=5-", "bytes=-5", "bytes=99999999-99999999"] {
        let response = range(&scene, asked).await;
        assert_eq!(told(&response), (200, ""), "{asked}");
        assert!(response.bytes().await.expect("whole") == long, "{asked}");
    }
    scene.service.stop().await;
}

#[tokio::test]
async fn a_range_that_has_arrived_is_given_before_the_rest() {
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let scene = Scene::configured("", BOTH[0], move |_| {
        let begun = format!("HTTP/1.1 {CHUNKED}\r\nConnection: close\r\n\r\n").into_bytes();
        let first = [begun, chunk(MP4)].concat();
        Plan::SayInTwo(first, Arc::clone(&waiting), chunks(&[9; 6]))
    });
    let scene = scene.await;
    // The body of the scene's homeserver may stand still for a second; nothing opens the gate.
    let probe = range(&scene, "bytes=0-1").await;
    assert!(
        matches!(told(&probe), (206 | 502 | 504, _)),
        "{:?}",
        told(&probe)
    );
    gate.add_permits(9);
    let probe = range(&scene, "bytes=0-1").await;
    assert_eq!(told(&probe), (206, "bytes 0-1/30"));
    assert_eq!(probe.bytes().await.expect("whole"), &MP4[..2]);
    scene.service.stop().await;
}

#[tokio::test]
async fn a_range_far_behind_what_the_homeserver_gives_is_not_read_to() {
    const LENGTH: usize = 100_000_000;
    let whole = |_: &str| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n");
        Plan::SayForEver(head.into_bytes(), vec![5; 1 << 16])
    };
    let scene = Scene::configured("", BOTH[1], whole).await;
    for asked in [
        "bytes=99999999-99999999",
        "bytes=9000000-9000001",
        "bytes=-1",
    ] {
        let response = range(&scene, asked).await;
        assert_eq!(told(&response), (200, ""), "{asked}");
        assert_eq!(response.headers()["content-length"], LENGTH.to_string());
    }
    for (asked, answered) in [
        ("bytes=100000000-", (416, "bytes */100000000")),
        (
            "bytes=8388608-8388610",
            (206, "bytes 8388608-8388610/100000000"),
        ),
        ("bytes=0-2", (206, "bytes 0-2/100000000")),
    ] {
        let response = range(&scene, asked).await;
        assert_eq!(told(&response), answered);
        let expected = if answered.0 == 206 { 3 } else { 0 };
        assert_eq!(response.bytes().await.expect("whole").len(), expected);
    }
    scene.service.stop().await;
}

#[tokio::test]
async fn a_range_on_its_condition_is_left_to_a_homeserver_that_has_ranges() {
    let media: Vec<u8> = (0..100).collect();
    let body = media.clone();
    let scene = Scene::configured("", BOTH[1], move |head| {
        if head.contains("\r\nrange: bytes=90-") {
            let part = "206 Partial Content\r\nContent-Range: bytes 90-99/100";
            say_all(part, &body[90..])
        } else {
            say_all("200 OK", &body)
        }
    })
    .await;
    let whole = scene.get().await;
    let etag = whole
        .head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "));
    // The client of these tests tells heads in lower case.
    let response = client()
        .get(url(&scene.link))
        .send()
        .await
        .expect("an answer");
    let etag_as_told = response.headers()["etag"]
        .to_str()
        .expect("text")
        .to_owned();
    assert_eq!(etag, Some(etag_as_told.to_lowercase().as_str()));
    for (validator, status, expected) in [
        (etag_as_told.as_str(), 206, &media[90..]),
        ("\"other\"", 200, &media[..]),
    ] {
        let headers = format!("Range: bytes=90-\r\nIf-Range: {validator}\r\n");
        let answer = raw::request("GET", &url(&scene.link), &headers).await;
        assert_eq!((answer.status, &answer.body[..]), (status, expected));
        assert!(answer.is_complete);
    }
    let heads = scene.homeserver.heads();
    assert_eq!(
        heads
            .iter()
            .filter(|head| head.contains("\r\nrange:"))
            .count(),
        2
    );
    scene.service.stop().await;
}
