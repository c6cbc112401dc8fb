//! The cache takes no more of the disk than it may, and keeps what fits.

use std::{collections::HashMap, os::unix::fs::MetadataExt, sync::Arc, time::Duration};

use serde_json::{Value, json};
use support::{
    Service, eventually, files,
    raw::{RawServer, say, say_all},
    url,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
};

use super::{
    failing::SmallDisk,
    scene::{in_two, media},
};

const MAX_BYTES: u64 = 40 << 20;

/// A service whose cache has 40 MiB, beside a homeserver with media of so many bytes as its ID says.
struct Scene {
    homeserver: RawServer,
    service: Service,
    folder: TempDir,
    /// Opens for the second half of media that is gated.
    gate: Arc<Semaphore>,
}

impl Scene {
    async fn new() -> Self {
        Self::in_folder(tempfile::tempdir().expect("a folder")).await
    }

    async fn in_folder(folder: TempDir) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let held = Arc::clone(&gate);
        let homeserver = RawServer::start(move |head| {
            let path = head.split(' ').nth(1).expect("a path");
            let name = path.rsplit('/').next().expect("a name");
            let length = name.split(['-', '?']).next().expect("a length");
            let body = media(length.parse().expect("a length"));
            if name.contains("gated") {
                in_two(&body, body.len() / 2, &held)
            } else if name.contains("untold") {
                say("200 OK", body)
            } else {
                say_all("200 OK", body)
            }
        })
        .await;
        let more = "usage: {mode: never, touch: never}\nmedia: {max_size: 40MiB, cache: {dir: data/cache, max_size: 40MiB}}";
        let service = Service::start(folder.path(), &homeserver.url, more).await;
        Self {
            homeserver,
            service,
            folder,
            gate,
        }
    }

    async fn issue(&self, name: &str) -> Value {
        let link = json!({"mxc": format!("mxc://example.org/{name}"), "room_id": "!r:example.org"});
        self.service.issue(link).await
    }

    async fn read(&self, link: &Value) {
        let response = self.service.follow(link).await;
        assert_eq!(response.status(), 200);
        let body = response.bytes().await.expect("whole");
        assert!(body == media(body.len()));
    }

    /// Reads media, and waits until it is in the cache, or is not going to be.
    async fn read_and_settle(&self, link: &Value) {
        self.read(link).await;
        eventually("no growing file", async || {
            let growing = self.folder.path().join("data/cache/growing");
            let count = std::fs::read_dir(growing).map(Iterator::count);
            (count.ok() == Some(0)).then_some(())
        })
        .await;
        // The index hears of a file that has got its name a moment later.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    fn downloads(&self) -> usize {
        self.homeserver.heads().len()
    }

    /// The bytes of all files with a name, and of those without one that somebody holds open.
    fn on_disk(&self) -> u64 {
        let cache = self.folder.path().join("data/cache");
        let named = files(&cache).1;
        let open = std::fs::read_dir("/proc/self/fd").expect("the system tells");
        let nameless = open.flatten().filter_map(|entry| {
            let target = std::fs::read_link(entry.path()).ok()?;
            let target = target.to_string_lossy().into_owned();
            let is_ours = target.starts_with(&*cache.to_string_lossy());
            (is_ours && target.ends_with(" (deleted)"))
                .then(|| std::fs::metadata(entry.path()).ok())
                .flatten()
        });
        let mut inodes = HashMap::new();
        for metadata in nameless {
            inodes.insert(metadata.ino(), metadata.len());
        }
        named + inodes.values().sum::<u64>()
    }
}

#[tokio::test]
async fn an_item_of_more_than_half_of_the_cache_is_kept_beside_others() {
    let scene = Scene::new().await;
    let small = scene.issue("12000000").await;
    let large = scene.issue("25200000").await;
    for _ in 0..3 {
        for link in [&small, &large] {
            scene.read_and_settle(link).await;
        }
    }
    assert_eq!(scene.downloads(), 2, "both are kept");
    // As are those of unknown length.
    let untold = scene.issue("24800000-untold").await;
    for _ in 0..3 {
        scene.read_and_settle(&untold).await;
    }
    assert_eq!(scene.downloads(), 3);
    assert!(scene.on_disk() <= MAX_BYTES);
    scene.service.stop().await;
}

/// Has begun to read, and takes no more than a small buffer holds.
async fn slow_reader(link: &Value) -> TcpStream {
    let url = url(link);
    let rest = url.strip_prefix("http://").expect("http");
    let (address, path) = rest.split_once('/').expect("a path");
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(64 << 10).expect("bounded");
    let address = address.parse().expect("an address");
    let mut stream = socket.connect(address).await.expect("connects");
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream.read_u8().await.expect("the first byte");
    stream
}

#[tokio::test]
async fn files_that_slow_readers_hold_are_counted() {
    let scene = Scene::new().await;
    let mut readers = Vec::new();
    for n in 0..3 {
        let link = scene.issue(&format!("12000000-{n}")).await;
        scene.read_and_settle(&link).await;
        readers.push((slow_reader(&link).await, link));
    }
    let other = scene.issue("20000000").await;
    for _ in 0..2 {
        scene.read_and_settle(&other).await;
        assert!(scene.on_disk() <= MAX_BYTES, "{}", scene.on_disk());
    }
    let (kept, _) = files(&scene.folder.path().join("data/cache"));
    assert_eq!(kept.len(), 3, "there is no room for another one");
    // One that is withdrawn loses its name at once, and counts until it is read to its end.
    for (_, link) in &readers {
        scene.service.revoke(link).await;
    }
    eventually("the files to lose their names", async || {
        (files(&scene.folder.path().join("data/cache")).1 == 0).then_some(())
    })
    .await;
    assert!(scene.on_disk() > 32_000_000, "they are still held");
    scene.read_and_settle(&other).await;
    assert!(scene.on_disk() <= MAX_BYTES, "{}", scene.on_disk());
    for (mut reader, _) in readers {
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).await.expect("the rest");
        assert!(rest.ends_with(&media(12_000_000)[11_000_000..]));
    }
    eventually("room for the other one", async || {
        scene.read_and_settle(&other).await;
        (files(&scene.folder.path().join("data/cache")).1 > 20_000_000).then_some(())
    })
    .await;
    scene.service.stop().await;
}

#[tokio::test]
async fn some_of_the_disk_is_left_to_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(_disk) = SmallDisk::mount(&folder.path().join("data/cache"), "8m") else {
        eprintln!("skipped: only root may mount a small file system");
        return;
    };
    let scene = Scene::in_folder(folder).await;
    let others = scene.folder.path().join("data/cache/others");
    std::fs::write(&others, vec![1; 4 << 20]).expect("written");
    // It would fit, and leave less than a twentieth; the other one leaves more.
    for (name, kept) in [("4000000", 0), ("4000000-untold", 0), ("3000000", 1)] {
        let link = scene.issue(name).await;
        scene.read_and_settle(&link).await;
        let (found, _) = files(&scene.folder.path().join("data/cache"));
        assert_eq!(found.len(), kept + 1, "{name}");
    }
    // Full in the middle of a download that had room at its beginning.
    std::fs::write(&others, "").expect("written");
    scene.service.expect_errors("the disk is full");
    let link = scene.issue("4200000-gated").await;
    let response = scene.service.follow(&link).await;
    eventually("a growing file", async || {
        let growing = scene.folder.path().join("data/cache/growing");
        let count = std::fs::read_dir(growing).map(Iterator::count);
        (count.ok() == Some(1)).then_some(())
    })
    .await;
    let full = std::fs::write(&others, vec![1; 8 << 20]);
    assert!(full.is_err(), "there is no more");
    scene.gate.add_permits(1);
    let body = response.bytes().await.expect("whole");
    assert!(body == media(4_200_000));
    scene.service.stop().await;
}
