//! A service beside a homeserver that answers as a test wants, and a link.

use std::sync::Arc;

use serde_json::{Value, json};
use support::{
    Service,
    raw::{Plan, RawServer},
};
use tokio::sync::Semaphore;

pub const MXC: &str = "mxc://example.org/abc";

/// Bytes that tell their place.
pub fn media(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i / 7 % 251) as u8).collect()
}

pub struct Scene {
    pub homeserver: RawServer,
    pub service: Service,
    pub link: Value,
    pub folder: tempfile::TempDir,
}

impl Scene {
    pub async fn new(answer: impl Fn(&str) -> Plan + Send + Sync + 'static) -> Self {
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

    pub fn downloads(&self) -> usize {
        let heads = self.homeserver.heads();
        let is_download = |head: &&String| head.starts_with("get") && head.contains("/download/");
        heads.iter().filter(is_download).count()
    }

    pub fn growing(&self) -> usize {
        let folder = self.folder.path().join("data/cache/growing");
        std::fs::read_dir(folder).expect("a cache").count()
    }
}

/// The head of a whole answer, and its body cut in two; the second half waits for the gate.
pub fn in_two(body: &[u8], first: usize, gate: &Arc<Semaphore>) -> Plan {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let first_part = [head.as_bytes(), &body[..first]].concat();
    Plan::SayInTwo(first_part, Arc::clone(gate), body[first..].to_vec())
}
