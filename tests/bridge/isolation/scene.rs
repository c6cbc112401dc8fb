//! Two bridges with a room each, behind a proxy that can keep answers back.

use matrix_test_server::{Appservice, Options};
use medialink::clock::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    API_TOKEN, Service, World, answer, appservice, eventually,
    faulty::{Fault, Faulty},
};

/// The API token of the second bridge; its others are made of it.
const OTHER_TOKEN: &str = "second-token-0123456789";
const OTHER_BOT: &str = "@a-second:example.org";

/// More faults than any test waits for.
const MANY: usize = 5000;

pub struct Scene {
    pub world: World,
    pub faulty: Faulty,
    /// Of the first bridge.
    pub room: String,
    /// Of the second one.
    pub other_room: String,
}

impl Scene {
    pub async fn new() -> Self {
        let second = Appservice {
            id: "second".to_owned(),
            as_token: format!("as-{OTHER_TOKEN}"),
            hs_token: format!("hs-{OTHER_TOKEN}"),
            url: None,
            sender: OTHER_BOT.to_owned(),
            users: vec![],
        };
        let world = World::with(Options {
            appservices: vec![appservice(None), second],
            ..Options::default()
        })
        .await;
        let faulty = Faulty::start(&world.url).await;
        let (room, other_room) = (world.room_id.clone(), world.new_room().await);
        let invite = json!({"user_id": OTHER_BOT});
        world.by_alice(&other_room, "invite", &invite).await;
        let join = format!("{}/_matrix/client/v3/rooms/{other_room}/join", world.url);
        let join = world.client.post(join).query(&[("user_id", OTHER_BOT)]);
        let join = join
            .bearer_auth(format!("as-{OTHER_TOKEN}"))
            .json(&json!({}));
        assert_eq!(answer(join).await.0, 200);
        Self {
            world,
            faulty,
            room,
            other_room,
        }
    }

    /// A service for both bridges, the second one first in every order; or without that one.
    pub async fn service(&self, has_second: bool, usage: &str) -> Service {
        self.service_at(has_second, usage, &Clock::default()).await
    }

    /// The same with a clock.
    pub async fn service_at(&self, has_second: bool, usage: &str, clock: &Clock) -> Service {
        let second = format!(
            "  - {{id: a-second, appservice_id: second, api_token: {OTHER_TOKEN}, as_token: as-{OTHER_TOKEN}, \
             hs_token: hs-{OTHER_TOKEN}, user_id: '{OTHER_BOT}'}}\n"
        );
        let second = if has_second { second.as_str() } else { "" };
        let more = format!("{second}usage: {{batch_window: 20ms, {usage}}}");
        let folder = self.world.folder.path();
        Service::start_at(folder, &self.faulty.url, "", &more, clock).await
    }

    /// Requests whose path holds the word get no answer from now on.
    pub fn keep_back(&self, word: &str) {
        let faults = std::iter::repeat_with(|| Fault::HoldAfter).take(MANY);
        self.faulty.next(word, faults);
    }

    /// A link of the first bridge to new media.
    pub async fn issue(&self, service: &Service, room: &str, lifetime_ms: i64) -> Value {
        let text = format!("{room} {lifetime_ms}");
        let (mxc, token) = self.world.upload(text, "text/plain").await;
        let body = json!({"mxc": mxc, "content_token": token, "room_id": room, "lifetime_ms": lifetime_ms});
        service.issue(body).await
    }

    /// So many links to media of a room at once, of the second bridge or of the first. Nobody
    /// downloads it, so it need not be there.
    pub async fn issue_many(
        &self,
        service: &Service,
        is_second: bool,
        room: &str,
        count: usize,
        lifetime_ms: i64,
    ) -> Vec<Value> {
        let links: Vec<Value> = (0..count)
            .map(|n| {
                json!({"mxc": format!("mxc://example.org/many{n}"), "content_token": "t", "room_id": room,
                    "lifetime_ms": lifetime_ms})
            })
            .collect();
        let token = if is_second { OTHER_TOKEN } else { API_TOKEN };
        let request = service
            .client
            .request(Method::POST, format!("{}/v1/links/batch", service.internal))
            .bearer_auth(token)
            .json(&json!({"links": links}));
        let (status, told) = answer(request).await;
        assert_eq!(status, 200, "{told}");
        told["results"].as_array().expect("results").clone()
    }

    /// How many meta events of a room count.
    pub async fn counting(&self, room: &str) -> usize {
        self.world.meta_events(room).await.len()
    }

    /// Waits until a request whose path holds the word has come.
    pub async fn asked(&self, word: &str) {
        eventually("the request", async || {
            (self.faulty.seen(word) > 0).then_some(())
        })
        .await;
    }
}

/// The path of a request that sends into a room, from the room on.
pub fn sends_into(room: &str) -> String {
    format!("{}/send/", in_path(room))
}

/// A room's ID as paths have it.
pub fn in_path(room: &str) -> String {
    room.replace('!', "%21").replace(':', "%3A")
}

/// The bridge's user of the second bridge, as queries have it.
pub fn second_user() -> String {
    OTHER_BOT.replace('@', "%40").replace(':', "%3A")
}
