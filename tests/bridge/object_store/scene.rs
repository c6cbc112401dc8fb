//! Services that share an object store, beside a homeserver that counts its downloads.

use std::sync::Arc;

use medialink::clock::Clock;
use serde_json::{Value, json};
use support::{
    SeaweedFs, Service,
    raw::{Plan, RawServer},
    url,
};

pub const MXC: &str = "mxc://example.org/abc";

pub struct Scene {
    pub homeserver: RawServer,
    pub folder: tempfile::TempDir,
    pub clock: Clock,
    s3: String,
    /// Whether the store answers, and takes the secret.
    is_usable: bool,
}

impl Scene {
    pub async fn new(s3: String, answer: impl Fn(&str) -> Plan + Send + Sync + 'static) -> Self {
        Self {
            homeserver: RawServer::start(answer).await,
            folder: tempfile::tempdir().expect("a folder"),
            clock: Clock::default(),
            s3,
            is_usable: false,
        }
    }

    /// Beside a homeserver that has media of these bytes.
    pub async fn of(store: &SeaweedFs, media: Vec<u8>) -> Self {
        let media = Arc::new(media);
        let scene = Self::new(store.settings(), move |_| {
            support::raw::say_all("200 OK\r\nContent-Type: video/mp4", &*media)
        });
        Self {
            is_usable: true,
            ..scene.await
        }
    }

    /// A service with a cache of its own in this folder.
    pub async fn service(&self, cache: &str) -> Service {
        let more = format!(
            "usage: {{mode: never, touch: never}}\nmedia: {{cache: {{dir: {cache}, s3: {}}}}}",
            self.s3
        );
        let (folder, homeserver) = (self.folder.path(), &self.homeserver.url);
        let service = Service::start_at(folder, homeserver, "", &more, &self.clock).await;
        if self.is_usable {
            service.follows_for_store().await;
        }
        service
    }

    /// How often the whole was asked for.
    pub fn downloads(&self) -> usize {
        let heads = self.homeserver.heads();
        let is_download = |head: &&String| {
            head.starts_with("get")
                && head.contains("/download/")
                && !head.contains("if-none-match")
        };
        heads.iter().filter(is_download).count()
    }
}

pub fn body() -> Value {
    json!({"mxc": MXC, "room_id": "!r:example.org"})
}

/// Bytes that tell their place.
pub fn media(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i / 7 % 251) as u8).collect()
}

/// Follows a link at a service, whichever has issued it; the bytes.
pub async fn read_at(service: &Service, link: &Value) -> Vec<u8> {
    let issued = url(link);
    let path = issued.find("/m/").map(|at| &issued[at..]).expect("a path");
    let answer = service.get(path).await;
    assert_eq!(answer.status(), 200);
    answer.bytes().await.expect("all of it").to_vec()
}
