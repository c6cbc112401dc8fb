//! The kinds of homeservers, a service, and pastes as their bridge and their readers see them.

use matrix_test_server::Options;
use medialink::clock::Clock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{AS_TOKEN, BOT, Service, World, eventually, faulty::Faulty};

/// Without a cache, so that every follow shows what the homeserver gives.
pub const UNCACHED: &str = "usage: {batch_window: 20ms, touch: never}\nmedia: {cache: null}";

pub const TEXT: &str = "fn main() {\n    println!(\"<hello> & 'goodbye' ünï\");\n}\n";

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// Media needs an access token (MSC3916), and nobody counts.
    Plain,
    /// References to content tokens are counted (MSC3910).
    Tokens,
    /// Media is attached to events (MSC3911).
    Linked,
}

pub const MODES: [Mode; 3] = [Mode::Plain, Mode::Tokens, Mode::Linked];

pub fn options(mode: Mode) -> Options {
    Options {
        content_tokens: mode == Mode::Tokens,
        linked_media: mode == Mode::Linked,
        ..Options::default()
    }
}

pub struct Scene {
    pub mode: Mode,
    pub world: World,
    pub faulty: Faulty,
    pub service: Service,
}

impl Scene {
    pub async fn new(mode: Mode) -> Self {
        Self::with(options(mode), mode, UNCACHED).await
    }

    pub async fn with(options: Options, mode: Mode, more: &str) -> Self {
        let world = World::with(options).await;
        let faulty = Faulty::start(&world.url).await;
        let (folder, clock) = (world.folder.path(), Clock::default());
        let service = Service::start_at(folder, &faulty.url, "", more, &clock).await;
        let address = Some(service.internal.clone());
        assert!(world.homeserver.set_appservice_url("medialink", address));
        if mode == Mode::Linked {
            service.knows_linked_media().await;
        }
        Self {
            mode,
            world,
            faulty,
            service,
        }
    }

    pub async fn message(&self, body: &str) -> String {
        let content = json!({"msgtype": "m.text", "body": body});
        self.world
            .send(&self.world.room_id, "m.room.message", &content)
            .await
    }

    pub async fn ask(&self, more: Value) -> (StatusCode, Value) {
        let mut body = json!({"text": TEXT, "room_id": self.world.room_id});
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        self.service.call(Method::POST, "/v1/pastes", &body).await
    }

    pub async fn paste(&self, more: Value) -> Value {
        let (status, link) = self.ask(more).await;
        assert_eq!(status, 201, "{link}");
        link
    }

    /// Waits until the paste is counted, where that can be.
    pub async fn counted(&self, link: &Value) {
        match self.mode {
            Mode::Plain => assert_eq!(link["usage"]["state"], "disabled"),
            _ => drop(self.service.wait_for_usage(link, "counted").await),
        }
    }

    pub async fn ends(&self, link: &Value, state: &str) {
        eventually(state, async || {
            (self.service.link(link).await["state"] == state).then_some(())
        })
        .await;
    }

    pub async fn text(&self, link: &Value) -> (u16, String) {
        let response = self.service.follow(link).await;
        (
            response.status().as_u16(),
            response.text().await.expect("a body"),
        )
    }

    /// What the homeserver says of the paste's media.
    pub async fn media(&self, link: &Value) -> Value {
        self.world.media(link["mxc"].as_str().expect("mxc")).await
    }

    pub async fn revoke(&self, link: &Value) {
        let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
        let (status, told) = self.service.call(Method::DELETE, &path, &json!({})).await;
        assert_eq!(status, 200, "{told}");
    }

    pub async fn page(&self, link: &Value) -> String {
        let url = link["page_url"].as_str().expect("a URL");
        let response = self.service.client.get(url).send().await.expect("a page");
        assert_eq!(response.status(), 200);
        let csp = response.headers()["content-security-policy"].to_str();
        assert!(!csp.expect("text").contains("unsafe-inline"));
        response.text().await.expect("a page")
    }

    /// The bytes and the type that the homeserver has.
    pub async fn stored(&self, link: &Value) -> (Vec<u8>, String, Option<String>) {
        let path = link["mxc"].as_str().expect("mxc").replacen("mxc://", "", 1);
        let url = format!("{}/_matrix/client/v1/media/download/{path}", self.world.url);
        let row = self.row(link).await;
        let mut request = self.service.client.get(url).query(&[("user_id", BOT)]);
        if let Some(token) = &row.claims.content_token {
            request = request.header("X-Matrix-Content-Token", token.expose());
        }
        let response = request
            .bearer_auth(AS_TOKEN)
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 200);
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().expect("text").to_owned())
        };
        let (kind, name) = (header("content-type"), header("content-disposition"));
        let bytes = response.bytes().await.expect("whole").to_vec();
        (
            bytes,
            kind.expect("a type"),
            name.filter(|name| name.contains("filename")),
        )
    }

    pub async fn row(&self, link: &Value) -> medialink::storage::links::LinkRow {
        self.service.stored(link).await.as_ref().clone()
    }

    pub async fn encrypt_room(&self) {
        let room = &self.world.room_id;
        let path = format!("/_matrix/client/v3/rooms/{room}/state/m.room.encryption/");
        let content = json!({"algorithm": "m.megolm.v1.aes-sha2"});
        let (status, told) = self.world.as_alice(Method::PUT, &path, &content).await;
        assert_eq!(status, 200, "{told}");
    }

    /// How many media the homeserver was given.
    pub async fn uploads(&self) -> i64 {
        self.world.requests("media.upload").await
            + self.world.requests("media.upload_restricted").await
    }
}
