//! A cache that fails does no harm.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use support::{
    Service, files,
    raw::{RawServer, say_all},
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
