//! A room whose version may be read or not, behind a proxy with faults.

use medialink::clock::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    AS_TOKEN, BOT, HS_TOKEN, Service, World, answer, eventually,
    faulty::{Fault, Faulty, error},
};

/// What tells the version of a room.
pub const VERSION: &str = "/state/m.room.create";

pub struct Scene {
    pub world: World,
    pub faulty: Faulty,
    pub service: Service,
    /// A room in which the version decides what a redaction means.
    pub room: String,
    pub mxc: String,
    pub token: String,
}

impl Scene {
    /// A room of this version.
    pub async fn new(version: &str, more: &str) -> Self {
        let world = World::new().await;
        let room = room_of_version(&world, version).await;
        assert!(room.contains(':'), "its name does not tell its version");
        let faulty = Faulty::start(&world.url).await;
        let more = format!("{more}\nusage: {{batch_window: 20ms, touch: never}}");
        let (folder, clock) = (world.folder.path(), Clock::default());
        let service = Service::start_at(folder, &faulty.url, "", &more, &clock).await;
        let (mxc, token) = world.upload("hello", "text/plain").await;
        Self {
            world,
            faulty,
            service,
            room,
            mxc,
            token,
        }
    }

    /// The version of no room can be read.
    pub fn hide_versions(&self) {
        self.faulty.always(VERSION, &error(500, "M_UNKNOWN"));
    }

    pub fn body(&self, event_id: &str) -> Value {
        json!({"mxc": self.mxc, "content_token": self.token, "room_id": self.room, "event_id": event_id})
    }

    pub async fn link(&self, event_id: &str) -> Value {
        self.service.issue(self.body(event_id)).await
    }

    /// Pushes a transaction with this name, which has to be accepted.
    pub async fn push(&self, txn: &str, events: Value) {
        let told = push(&self.service.client, &self.service.internal, txn, events).await;
        assert_eq!(told, (200, json!({})), "{txn}");
    }

    pub async fn status(&self, link: &Value) -> u16 {
        self.service.follow(link).await.status().as_u16()
    }

    pub async fn state(&self, link: &Value) -> String {
        let link = self.service.link(link).await;
        link["state"].as_str().expect("a state").to_owned()
    }

    pub async fn becomes(&self, link: &Value, status: u16) {
        eventually(&format!("{status} of a link"), async || {
            (self.status(link).await == status).then_some(())
        })
        .await;
    }

    /// The bridge's user is told to be in the room, which makes questions due.
    pub async fn joined(&self, txn: &str) {
        let event = json!({"type": "m.room.member", "event_id": "$j", "room_id": self.room, "sender": BOT,
            "state_key": BOT, "content": {"membership": "join"}});
        self.push(txn, json!([event])).await;
    }

    /// Lets the next question meet this fault, and waits for it; how long it was planned to wait.
    pub async fn asked_in_vain(&self, word: &str, fault: &Fault) -> i64 {
        self.faulty.forgive();
        self.faulty.always(word, fault);
        let before = self.faulty.seen(word);
        let wait = eventually("a plan", async || {
            let wait = self.service.next_question_at().await? - self.service.clock.now_ms();
            (wait > 0).then_some(wait)
        })
        .await;
        self.service.clock.advance(wait);
        eventually("another question", async || {
            (self.faulty.seen(word) > before).then_some(())
        })
        .await;
        wait
    }
}

/// A room of Alice's and the bridge's user.
pub async fn room_of_version(world: &World, version: &str) -> String {
    let create = json!({"invite": [BOT], "room_version": version});
    let (status, room) = world
        .as_alice(Method::POST, "/_matrix/client/v3/createRoom", &create)
        .await;
    assert_eq!(status, 200, "{room}");
    let room = room["room_id"].as_str().expect("an ID").to_owned();
    let join = format!("{}/_matrix/client/v3/rooms/{room}/join", world.url);
    let join = world.client.post(join).query(&[("user_id", BOT)]);
    let join = join.bearer_auth(AS_TOKEN).json(&json!({}));
    assert_eq!(answer(join).await.0, 200);
    room
}

pub async fn push(
    client: &reqwest::Client,
    internal: &str,
    txn: &str,
    events: Value,
) -> (u16, Value) {
    let url = format!("{internal}/_matrix/app/v1/transactions/{txn}");
    let request = client.put(url).bearer_auth(HS_TOKEN);
    let (status, told) = answer(request.json(&json!({"events": events}))).await;
    (status.as_u16(), told)
}

/// A redaction that names one event at the top level and another one in its content.
pub fn redaction(room: &str, top_level: &str, in_content: &str) -> Value {
    json!({"type": "m.room.redaction", "event_id": "$r", "room_id": room, "sender": "@alice:example.org",
        "redacts": top_level, "content": {"redacts": in_content}})
}
