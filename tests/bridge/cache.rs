//! The cache: one download for all, nothing half, and no harm where it fails.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::StreamExt;
use serde_json::{Value, json};
use support::{
    Process, Service, World, eventually, files,
    raw::{Plan, RawServer, say, say_all},
    url,
};
use tokio::sync::Semaphore;

const MXC: &str = "mxc://example.org/abc";

/// Bytes that tell their place.
fn media(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i / 7 % 251) as u8).collect()
}

struct Scene {
    homeserver: RawServer,
    service: Service,
    link: Value,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn new(answer: impl Fn(&str) -> Plan + Send + Sync + 'static) -> Self {
        let homeserver = RawServer::start(answer).await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = "usage: {mode: never, touch: never}";
        let service = Service::start(folder.path(), &homeserver.url, more).await;
        let link = service
            .issue(json!({"mxc": MXC, "room_id": "!r:example.org"}))
            .await;
        Self {
            homeserver,
            service,
            link,
            folder,
        }
    }

    fn downloads(&self) -> usize {
        let heads = self.homeserver.heads();
        let is_download = |head: &&String| head.starts_with("get") && head.contains("/download/");
        heads.iter().filter(is_download).count()
    }

    fn growing(&self) -> usize {
        let folder = self.folder.path().join("data/cache/growing");
        std::fs::read_dir(folder).expect("a cache").count()
    }
}

/// The head of a whole answer, and its body cut in two; the second half waits for the gate.
fn in_two(body: &[u8], first: usize, gate: &Arc<Semaphore>) -> Plan {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let first_part = [head.as_bytes(), &body[..first]].concat();
    Plan::SayInTwo(first_part, Arc::clone(gate), body[first..].to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_followers_cost_one_download_and_read_while_it_grows() {
    const FOLLOWERS: usize = 1000;
    let gate = Arc::new(Semaphore::new(0));
    let body = media(600_000);
    let (held, whole) = (Arc::clone(&gate), body.clone());
    let scene = Scene::new(move |_| in_two(&whole, 300_000, &held)).await;
    let began = Arc::new(AtomicUsize::new(0));
    let followers: Vec<_> = (0..FOLLOWERS)
        .map(|_| {
            let (client, link) = (scene.service.client.clone(), url(&scene.link));
            let (began, body) = (Arc::clone(&began), body.clone());
            tokio::spawn(async move {
                let response = client.get(link).send().await.expect("an answer");
                let mut pieces = response.bytes_stream();
                let mut read = pieces
                    .next()
                    .await
                    .expect("a piece")
                    .expect("bytes")
                    .to_vec();
                began.fetch_add(1, Ordering::SeqCst);
                while let Some(piece) = pieces.next().await {
                    read.extend_from_slice(&piece.expect("bytes"));
                }
                assert!(read == body, "{} bytes", read.len());
            })
        })
        .collect();
    eventually("everybody's first bytes", async || {
        (began.load(Ordering::SeqCst) == FOLLOWERS).then_some(())
    })
    .await;
    gate.add_permits(1);
    for follower in followers {
        follower.await.expect("read");
    }
    assert_eq!(scene.downloads(), 1);
    let later = scene.service.follow(&scene.link).await;
    assert!(later.bytes().await.expect("whole") == body);
    assert_eq!(scene.downloads(), 1, "and nothing later");
    scene.service.stop().await;
}

#[tokio::test]
async fn a_range_waits_for_its_bytes_and_downloads_nothing_twice() {
    let gate = Arc::new(Semaphore::new(0));
    let body = media(400_000);
    let (held, whole) = (Arc::clone(&gate), body.clone());
    let scene = Scene::new(move |_| in_two(&whole, 1000, &held)).await;
    let range = |range: &'static str| {
        let request = scene.service.client.get(url(&scene.link));
        tokio::spawn(request.header("Range", range).send())
    };
    let whole = scene.service.follow(&scene.link).await;
    let first = range("bytes=0-9")
        .await
        .expect("no panic")
        .expect("at once");
    assert_eq!(first.status(), 206);
    assert!(first.bytes().await.expect("a part") == body[..10]);
    let late = [
        range("bytes=-5"),
        range("bytes=399990-399999"),
        range("bytes=0-"),
    ];
    gate.add_permits(1);
    for (late, from) in late.into_iter().zip([399_995, 399_990, 0]) {
        let response = late.await.expect("no panic").expect("an answer");
        assert_eq!(response.status(), 206);
        assert!(
            response.bytes().await.expect("a part") == body[from..],
            "{from}"
        );
    }
    assert!(whole.bytes().await.expect("all of it") == body);
    assert_eq!(scene.downloads(), 1);
    scene.service.stop().await;
}

#[tokio::test]
async fn a_failure_reaches_every_reader_and_the_next_follow_starts_anew() {
    let gate = Arc::new(Semaphore::new(0));
    let (held, asked) = (Arc::clone(&gate), AtomicUsize::new(0));
    let (first, second) = (vec![1; 500_000], vec![2; 400_000]);
    let other = second.clone();
    let scene = Scene::new(move |head| {
        if !head.contains("/download/") || asked.fetch_add(1, Ordering::SeqCst) > 0 {
            return say_all("200 OK", &other);
        }
        match in_two(&first, 200_000, &held) {
            Plan::SayInTwo(head, gate, _) => Plan::SayInTwo(head, gate, Vec::new()),
            plan => plan,
        }
    })
    .await;
    let mut readers = Vec::new();
    for _ in 0..10 {
        let response = scene.service.follow(&scene.link).await;
        assert_eq!(response.status(), 200);
        readers.push(tokio::spawn(response.bytes()));
    }
    gate.add_permits(1);
    for reader in readers {
        assert!(reader.await.expect("no panic").is_err(), "visibly broken");
    }
    assert_eq!(scene.downloads(), 1);
    let anew = scene.service.follow(&scene.link).await;
    assert!(
        anew.bytes().await.expect("whole") == second,
        "nothing is mixed"
    );
    assert_eq!(scene.downloads(), 2);
    eventually("the end", async || (scene.growing() == 0).then_some(())).await;
    scene.service.stop().await;
}

#[tokio::test]
async fn a_download_that_nobody_reads_any_more_is_given_up() {
    let scene = Scene::new(|_| {
        let mut begin = b"HTTP/1.1 200 OK\r\nContent-Length: 90000000\r\n\r\n".to_vec();
        begin.extend(media(1_000_000));
        Plan::SayAndWait(begin)
    })
    .await;
    let response = scene.service.follow(&scene.link).await;
    let mut pieces = response.bytes_stream();
    pieces.next().await.expect("a piece").expect("bytes");
    assert_eq!(scene.growing(), 1);
    drop(pieces);
    eventually("the file to go", async || {
        (scene.growing() == 0).then_some(())
    })
    .await;
    let again = scene.service.follow(&scene.link).await;
    assert_eq!((again.status().as_u16(), scene.downloads()), (200, 2));
    scene.service.stop().await;
}

#[tokio::test]
async fn what_the_homeserver_gave_for_one_content_token_is_not_given_for_another() {
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
    let small_downloads = heads.iter().filter(|head| head.contains("/small")).count();
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

#[tokio::test]
async fn a_cache_that_is_taken_away_does_no_harm() {
    let body = media(700_000);
    let whole = body.clone();
    let scene = Scene::new(move |_| say_all("200 OK", &whole)).await;
    let cache = scene.folder.path().join("data/cache");
    std::fs::remove_dir_all(&cache).expect("removed");
    std::fs::write(&cache, "in the way").expect("written");
    for _ in 0..3 {
        let response = scene.service.follow(&scene.link).await;
        assert_eq!(response.status(), 200);
        assert!(response.bytes().await.expect("whole") == body);
    }
    scene.service.stop().await;
}

/// A file system of a size, for as long as this lives.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(path).expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(path)
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(path.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a file may still be open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_makes_a_stream_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(_disk) = SmallDisk::mount(&folder.path().join("data/cache"), "1m") else {
        eprintln!("skipped: only root may mount a small file system");
        return;
    };
    let body = media(3_000_000);
    let whole = body.clone();
    let homeserver = RawServer::start(move |_| say_all("200 OK", &whole)).await;
    let more = "usage: {mode: never, touch: never}";
    let service = Service::start(folder.path(), &homeserver.url, more).await;
    let link = service
        .issue(json!({"mxc": MXC, "room_id": "!r:example.org"}))
        .await;
    for _ in 0..3 {
        let response = service.follow(&link).await;
        assert_eq!(response.status(), 200);
        assert!(response.bytes().await.expect("whole") == body);
    }
    assert_eq!(files(&folder.path().join("data/cache")).0.len(), 0);
    service.stop().await;
}
