//! Services that share a database and a key file, and a homeserver.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use support::{HS_TOKEN, Service, World, answer, url};

use medialink::clock::Clock;

/// Why these tests need PostgreSQL.
pub const REASON: &str = "a SQLite file has one service";

pub struct Replicas {
    pub world: World,
    pub all: Vec<Service>,
}

impl Replicas {
    /// So many, with these lines in their configurations. They have one clock.
    pub async fn start(count: usize, more: &str) -> Self {
        let world = World::new().await;
        let at = world.url.clone();
        Self::start_at(world, &at, count, more).await
    }

    /// The same, where the homeserver is behind this URL.
    pub async fn start_at(world: World, homeserver: &str, count: usize, more: &str) -> Self {
        let clock = Clock::default();
        let mut all = Vec::with_capacity(count);
        for number in 0..count {
            let more = format!("{more}\nmedia: {{cache: {{dir: data/cache{number}}}}}");
            let folder = world.folder.path();
            all.push(Service::start_at(folder, homeserver, "", &more, &clock).await);
        }
        Self { world, all }
    }

    /// The one with this number; they begin again after the last one.
    pub fn nth(&self, number: usize) -> &Service {
        &self.all[number % self.all.len()]
    }

    /// A medium of the homeserver as a request for a link to it.
    pub async fn medium(&self, bytes: &str) -> Value {
        let (mxc, token) = self.world.upload(bytes, "text/plain").await;
        json!({"mxc": mxc, "content_token": token, "room_id": self.world.room_id})
    }

    /// The live links of the bridge.
    pub async fn live(&self) -> Vec<Value> {
        let mut listed = self.all[0].listed().await;
        listed.retain(|link| link["state"] == "live");
        listed
    }

    pub async fn stop(self) {
        // What is left is done by any of them, so the first one waits for it.
        for service in self.all {
            service.stop().await;
        }
    }
}

/// Follows a link at a replica, whichever has issued it.
pub async fn follow_at(service: &Service, link: &Value) -> u16 {
    let issued = url(link);
    let path = issued.find("/m/").map(|at| &issued[at..]).expect("a path");
    service.get(path).await.status().as_u16()
}

/// Asks all of these for a link at the same time; the answers.
pub async fn issue_at_once(services: &[Service], body: &Value) -> Vec<(u16, Value)> {
    let requests = services.iter().map(|service| async move {
        let (status, link) = service.call(Method::POST, "/v1/links", body).await;
        (status.as_u16(), link)
    });
    join_all(requests).await
}

/// Pushes a transaction to a replica.
pub async fn push(service: &Service, txn: &str, events: &Value) -> u16 {
    let url = format!("{}/_matrix/app/v1/transactions/{txn}", service.internal);
    let request = service.client.put(url).bearer_auth(HS_TOKEN);
    let (status, _) = answer(request.json(&json!({"events": events}))).await;
    status.as_u16()
}

/// The redaction of an event.
pub fn redaction(room: &str, event: &str) -> Value {
    json!({"type": "m.room.redaction", "event_id": format!("{event}-redaction"), "room_id": room,
        "sender": "@a:example.org", "redacts": event, "content": {"redacts": event}})
}
