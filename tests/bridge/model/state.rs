//! What the model knows: rooms, events, links, and what has to be counted.

use std::{collections::BTreeMap, time::Duration};

use matrix_test_server::Options;
use medialink::clock::Clock;
use serde_json::Value;
use support::{Service, World, eventually};

use super::checks::HOUR;

pub const DAY: i64 = 24 * HOUR;

/// How the homeserver keeps media.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mode {
    /// It does not count.
    Plain,
    /// By references to content tokens (MSC3910).
    Tokens,
    /// By events that media is attached to (MSC3911).
    Linked,
}

pub struct Room {
    /// The room now, after all replacements.
    pub home: String,
    pub is_bot_in: bool,
}

pub struct Event {
    pub room: usize,
    /// The room at the time of the event.
    pub room_id: String,
    pub medium: usize,
    pub event_id: String,
    pub is_redacted: bool,
}

pub struct Link {
    pub id: String,
    /// Its path: after a restart the service listens elsewhere.
    pub path: String,
    pub event: usize,
    pub body: Value,
    pub expires_at: Option<i64>,
    pub is_once: bool,
    pub is_sealed: bool,
    pub ended: Option<&'static str>,
}

impl Link {
    pub fn state_at(&self, now: i64) -> &'static str {
        match (self.ended, self.expires_at) {
            (Some(state), _) => state,
            (None, Some(end)) if end <= now => "expired",
            (None, _) => "live",
        }
    }
}

/// What is known, beside what is.
pub struct Walk {
    pub mode: Mode,
    pub world: World,
    pub service: Option<Service>,
    pub clock: Clock,
    pub rooms: Vec<Room>,
    pub media: Vec<(String, String)>,
    pub events: Vec<Event>,
    pub links: Vec<Link>,
    /// What is counted: by room of the usage and medium. What happens while the bridge's user is
    /// away changes nothing.
    pub counted: BTreeMap<(String, usize), bool>,
}

impl Walk {
    pub async fn new(mode: Mode) -> Self {
        let options = Options {
            content_tokens: mode == Mode::Tokens,
            linked_media: mode == Mode::Linked,
            ..Options::default()
        };
        let world = World::with(options).await;
        let mut walk = Self {
            mode,
            rooms: vec![
                Room {
                    home: world.room_id.clone(),
                    is_bot_in: true,
                },
                Room {
                    home: world.new_room().await,
                    is_bot_in: true,
                },
            ],
            world,
            service: None,
            clock: Clock::default(),
            media: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            counted: BTreeMap::new(),
        };
        for n in 0..3 {
            let medium = walk.world.upload(format!("medium {n}"), "text/plain").await;
            walk.media.push(medium);
        }
        walk.start().await;
        walk
    }

    pub async fn start(&mut self) {
        let (folder, url) = (self.world.folder.path(), &self.world.url);
        let service = Service::start_at(folder, url, "", CONFIG, &self.clock).await;
        service.expect_errors("a room that the bridge's user has left refuses meta events");
        let address = Some(service.internal.clone());
        assert!(
            self.world
                .homeserver
                .set_appservice_url("medialink", address)
        );
        self.service = Some(service);
    }

    pub async fn stop(&mut self) {
        self.service.take().expect("it runs").stop().await;
    }

    pub fn service(&self) -> &Service {
        self.service.as_ref().expect("it runs")
    }

    pub fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Ends those that are live.
    pub fn end(&mut self, which: impl Fn(usize, &Event) -> bool, state: &'static str) {
        let now = self.now();
        for (index, link) in self.links.iter_mut().enumerate() {
            if link.state_at(now) == "live" && which(index, &self.events[link.event]) {
                link.ended = Some(state);
            }
        }
    }
}

pub const CONFIG: &str =
    "usage: {batch_window: 20ms, release_after: 1h}\nlinks: {max_lifetime: never}";

pub fn choose<T>(n: usize, of: &[T]) -> Option<usize> {
    n.checked_rem(of.len())
}

/// Asks often: there are many steps.
pub async fn quickly(what: &str, mut ask: impl AsyncFnMut() -> Option<()>) {
    for _ in 0..200 {
        if ask().await.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    eventually(what, ask).await;
}
