//! What the cache keeps, for whom, and for how long.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::StreamExt;
use serde_json::{Value, json};
use support::{
    Process, Service, World, eventually, files,
    raw::{RawServer, say, say_all},
    url,
};
use tokio::sync::Semaphore;

use super::scene::{in_two, media};

#[tokio::test]
async fn media_of_one_content_token_is_not_served_for_another() {
    let world = World::new().await;
    let service = world.service("").await;
    let (mxc, token) = world.upload("hello world", "text/plain").await;
    let right = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let right = service.issue(right).await;
    assert_eq!(service.follow(&right).await.status(), 200);
    for token in [json!("another-token"), Value::Null] {
        let wrong =
            json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "event_id": "$e"});
        let wrong = service.issue(wrong).await;
        assert_eq!(service.follow(&wrong).await.status(), 502);
    }
    assert_eq!(service.follow(&right).await.status(), 200);
    service.stop().await;
}

#[tokio::test]
async fn media_of_other_servers_is_touched_for_follows_that_the_cache_has_answered() {
    const TWO_HOURS: i64 = 2 * 3_600_000;
    let homeserver = RawServer::start(|head| {
        if head.contains("if-none-match") {
            say("304 Not Modified", "")
        } else {
            say_all("200 OK", "hello")
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = "usage: {mode: never, touch: 1h, touch_rate: 100/s}";
    let service = Service::start(folder.path(), &homeserver.url, more).await;
    let link = json!({"mxc": "mxc://elsewhere.example/abc", "room_id": "!r:example.org"});
    let link = service.issue(link).await;
    let follow = async || {
        let response = service.follow(&link).await;
        assert_eq!(response.text().await.expect("whole"), "hello");
    };
    let touches = || {
        let heads = homeserver.heads();
        let touches = heads.iter().filter(|head| head.contains("if-none-match"));
        touches.count()
    };
    // Longer than the toucher waits when nothing is due.
    let a_while = || tokio::time::sleep(std::time::Duration::from_secs(7));
    follow().await;
    a_while().await;
    service.clock.advance(TWO_HOURS);
    a_while().await;
    assert_eq!(touches(), 0, "nobody has followed it since the download");
    follow().await;
    eventually("a touch", async || (touches() == 1).then_some(())).await;
    follow().await;
    a_while().await;
    assert_eq!(touches(), 1, "it was touched a moment ago");
    service.clock.advance(TWO_HOURS);
    eventually("a touch", async || (touches() == 2).then_some(())).await;
    assert_eq!(homeserver.heads().len(), 3, "one download");
    service.stop().await;
}

#[tokio::test]
async fn the_cache_is_bounded_and_keeps_what_was_read_last() {
    let world = World::new().await;
    let more = "media: {max_size: 1MiB, cache: {dir: c, max_size: 5MiB}}";
    let service = world.service(more).await;
    let mut links = Vec::new();
    // More than what is kept in memory beside the disk.
    for n in 0..60_u8 {
        let (mxc, token) = world.upload(vec![n; 900_000], "video/mp4").await;
        let link = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
        links.push(service.issue(link).await);
        let body = service.follow(&links[usize::from(n)]).await.bytes().await;
        assert!(body.expect("whole").iter().all(|byte| *byte == n));
        service
            .follow(&links[0])
            .await
            .bytes()
            .await
            .expect("whole");
        eventually("what is too much to go", async || {
            (files(&world.folder.path().join("c")).1 <= 5 << 20).then_some(())
        })
        .await;
    }
    let _gone = world.stop_homeserver().await;
    assert_eq!(service.follow(&links[0]).await.status(), 200);
    assert_eq!(service.follow(&links[59]).await.status(), 200);
    assert_ne!(service.follow(&links[1]).await.status(), 200);
    service.leave_unfinished("the homeserver is gone");
    service.stop().await;
}

#[tokio::test]
async fn the_cache_survives_restarts_and_kills_and_tells_no_names() {
    let gate = Arc::new(Semaphore::new(0));
    let (held, asked) = (Arc::clone(&gate), AtomicUsize::new(0));
    let (small, large) = (media(5000), media(3_000_000));
    let (small_too, large_too) = (small.clone(), large.clone());
    let homeserver = RawServer::start(move |head| {
        if head.contains("/download/example.org/small") {
            say_all("200 OK\r\nContent-Type: text/plain", &small_too)
        } else if asked.fetch_add(1, Ordering::SeqCst) == 0 {
            in_two(&large_too, 2_000_000, &held)
        } else {
            say_all("200 OK", &large_too)
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = "usage: {mode: never, touch: never}";
    let mut process = Process::new(folder.path(), &homeserver.url, more);
    process.start().await;
    let issue = |name: &str| json!({"mxc": format!("mxc://example.org/{name}"), "room_id": "!r:example.org"});
    let (a, b) = (
        process.issue(issue("small")).await,
        process.issue(issue("large")).await,
    );
    let get = |link: &Value| process_get(url(link));
    assert!(get(&a).await == small);
    let cache = folder.path().join("data/cache");
    eventually("the file in its place", async || {
        let files = files(&cache).0;
        (files.len() == 1 && !is_growing(&files[0])).then_some(())
    })
    .await;

    // Killed in the middle of a download.
    let client = process.client.clone();
    let response = client.get(url(&b)).send().await.expect("an answer");
    let mut pieces = response.bytes_stream();
    pieces.next().await.expect("a piece").expect("bytes");
    eventually("a growing file", async || {
        files(&cache)
            .0
            .iter()
            .any(|file| is_growing(file))
            .then_some(())
    })
    .await;
    process.kill();
    process.start().await;
    assert_eq!(files(&cache).0.len(), 1, "what was half is gone");
    assert!(get(&b).await == large, "and is never taken for whole");
    assert!(get(&a).await == small);
    let heads = homeserver.heads();
    // After a start it is asked whether the media is still there.
    let is_download = |head: &&String| head.contains("/small") && !head.contains("if-none-match");
    let small_downloads = heads.iter().filter(is_download).count();
    assert_eq!(small_downloads, 1, "it survived");
    names_say_nothing(&cache);
    drop(pieces);
}

/// The name of no file says which medium it is.
fn names_say_nothing(cache: &Path) {
    for path in files(cache).0 {
        let name = path.to_string_lossy().into_owned();
        assert!(
            !name.contains("small") && !name.contains("example"),
            "{name}"
        );
    }
}

/// Whether the file of an object has no name of its own yet.
fn is_growing(file: &Path) -> bool {
    file.parent()
        .is_some_and(|shelf| shelf.ends_with("growing"))
}

async fn process_get(url: String) -> Vec<u8> {
    let response = support::client().get(url).send().await;
    let response = response.expect("an answer");
    assert_eq!(response.status(), 200);
    response.bytes().await.expect("whole").to_vec()
}
