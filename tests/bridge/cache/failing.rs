//! A cache that fails does no harm.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use support::{
    Service, files,
    raw::{RawServer, say, say_all},
};

use super::scene::{MXC, Scene, media};

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
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    pub fn mount(path: &Path, size: &str) -> Option<Self> {
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

/// The first byte of the range that a request asks for.
fn asked_from(head: &str) -> Option<usize> {
    let (_, range) = head.split_once("range: bytes=")?;
    range.split_once('-')?.0.parse().ok()
}

#[tokio::test]
async fn the_rest_of_what_the_cache_cannot_take_is_asked_for_and_not_all_of_it_again() {
    for (has_ranges, tells_length) in [(true, true), (true, false), (false, false)] {
        let body = media(6_000_000);
        let whole = body.clone();
        let homeserver = RawServer::start(move |head| match asked_from(head) {
            Some(from) if has_ranges => {
                let (last, length) = (whole.len() - 1, whole.len().to_string());
                let length = if tells_length { &length } else { "*" };
                let part =
                    format!("206 Partial Content\r\nContent-Range: bytes {from}-{last}/{length}");
                say_all(&part, &whole[from..])
            }
            _ => {
                let size = format!("{:x}\r\n", whole.len());
                let chunks = [size.as_bytes(), &whole, b"\r\n0\r\n\r\n"].concat();
                say("200 OK\r\nTransfer-Encoding: chunked", &chunks)
            }
        })
        .await;
        let folder = tempfile::tempdir().expect("a folder");
        let Some(_disk) = SmallDisk::mount(&folder.path().join("data/cache"), "4m") else {
            eprintln!("skipped: only root may mount a small file system");
            return;
        };
        let more = "usage: {mode: never, touch: never}";
        let service = Service::start(folder.path(), &homeserver.url, more).await;
        let link = json!({"mxc": MXC, "room_id": "!r:example.org"});
        let link = service.issue(link).await;
        let response = service.follow(&link).await;
        assert!(response.bytes().await.expect("whole") == body);
        let heads = homeserver.heads();
        let rest: Vec<_> = heads.iter().filter_map(|head| asked_from(head)).collect();
        assert!(matches!(rest[..], [from] if from > 1_000_000), "{heads:?}");
        let is_enough = !has_ranges || tells_length;
        assert_eq!(heads.len(), if is_enough { 2 } else { 3 }, "{heads:?}");
        service.stop().await;
    }
}
