//! A model of the ledger beside the real thing: after every step of a random walk, the homeserver
//! counts exactly what is live.

use std::{collections::BTreeMap, time::Duration};

use matrix_test_server::Options;
use medialink::{clock::Clock, storage::meta_events::count_due};
use proptest::{prelude::*, test_runner::TestCaseError};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{BOT, Service, World, answer, eventually, url};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// How long a walk is.
const STEPS: usize = 50;
const WINDOW_MS: i64 = 20;

/// One step. Numbers choose among what there is, whatever their size.
#[derive(Debug, Clone)]
enum Step {
    /// A link to a medium, of a message in a room, new or known.
    Issue {
        room: usize,
        medium: usize,
        new_event: bool,
        for_a_day: bool,
        sealed: bool,
        once: bool,
    },
    Repeat(usize),
    Follow(usize),
    Expire,
    Revoke(usize),
    RevokeMedium(usize),
    Redact(usize),
    Leave(usize),
    Rejoin(usize),
    Upgrade(usize),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0..1000_usize;
    prop_oneof![
        8 => (n.clone(), n.clone(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(room, medium, new_event, for_a_day, sealed, once)| Step::Issue {
                room, medium, new_event, for_a_day, sealed, once,
            }
        ),
        3 => n.clone().prop_map(Step::Repeat),
        4 => n.clone().prop_map(Step::Follow),
        1 => Just(Step::Expire),
        3 => n.clone().prop_map(Step::Revoke),
        1 => n.clone().prop_map(Step::RevokeMedium),
        3 => n.clone().prop_map(Step::Redact),
        2 => n.clone().prop_map(Step::Leave),
        3 => n.clone().prop_map(Step::Rejoin),
        1 => n.prop_map(Step::Upgrade),
        1 => Just(Step::Restart),
    ]
}

/// How the homeserver keeps media.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    /// It does not count.
    Plain,
    /// By references to content tokens (MSC3910).
    Tokens,
    /// By events that media is attached to (MSC3911).
    Linked,
}

struct Room {
    /// The room now, after all replacements.
    home: String,
    is_bot_in: bool,
}

struct Event {
    room: usize,
    /// The room at the time of the event.
    room_id: String,
    medium: usize,
    event_id: String,
    is_redacted: bool,
}

struct Link {
    id: String,
    /// Its path: after a restart the service listens elsewhere.
    path: String,
    event: usize,
    body: Value,
    expires_at: Option<i64>,
    is_once: bool,
    is_sealed: bool,
    ended: Option<&'static str>,
}

impl Link {
    fn state_at(&self, now: i64) -> &'static str {
        match (self.ended, self.expires_at) {
            (Some(state), _) => state,
            (None, Some(end)) if end <= now => "expired",
            (None, _) => "live",
        }
    }
}

/// What is known, beside what is.
struct Walk {
    mode: Mode,
    world: World,
    service: Option<Service>,
    clock: Clock,
    rooms: Vec<Room>,
    media: Vec<(String, String)>,
    events: Vec<Event>,
    links: Vec<Link>,
    /// What is counted: by room of the usage and medium. What happens while the bridge's user is
    /// away changes nothing.
    counted: BTreeMap<(String, usize), bool>,
}

impl Walk {
    async fn new(mode: Mode) -> Self {
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

    async fn start(&mut self) {
        let (folder, url) = (self.world.folder.path(), &self.world.url);
        let service = Service::start_at(folder, url, "", CONFIG, &self.clock).await;
        let address = Some(service.internal.clone());
        assert!(
            self.world
                .homeserver
                .set_appservice_url("medialink", address)
        );
        self.service = Some(service);
    }

    fn service(&self) -> &Service {
        self.service.as_ref().expect("it runs")
    }

    fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    async fn take(&mut self, step: &Step) {
        match *step {
            Step::Issue {
                room,
                medium,
                new_event,
                for_a_day,
                sealed,
                once,
            } => {
                let (room, medium) = (room % self.rooms.len(), medium % self.media.len());
                let event = self.event(room, medium, new_event).await;
                self.issue(event, for_a_day, sealed, once && !sealed).await;
            }
            Step::Repeat(n) => {
                if let Some(at) = choose(n, &self.links) {
                    let link = &self.links[at];
                    let (event, body, is_once) = (link.event, link.body.clone(), link.is_once);
                    self.issue_body(event, body, is_once).await;
                }
            }
            Step::Follow(n) => {
                if let Some(at) = choose(n, &self.links) {
                    self.follow(at).await;
                }
            }
            Step::Expire => {
                self.clock.advance(2 * DAY);
                // `release_after` counts from when the end is noted down.
                self.until_nothing_is_due().await;
            }
            Step::Revoke(n) => {
                if let Some(at) = choose(n, &self.links) {
                    let path = format!("/v1/links/{}", self.links[at].id);
                    let told = self.service().call(Method::DELETE, &path, &json!({})).await;
                    assert_eq!(told.0, 200, "{}", told.1);
                    self.end(|index, _| index == at, "revoked");
                }
            }
            Step::RevokeMedium(n) => {
                let medium = n % self.media.len();
                let body = json!({"mxc": self.media[medium].0});
                let told = self
                    .service()
                    .call(Method::POST, "/v1/revocations", &body)
                    .await;
                assert_eq!(told.0, 200, "{}", told.1);
                self.end(|_, event| event.medium == medium, "revoked");
            }
            Step::Redact(n) => {
                if let Some(at) = choose(n, &self.events) {
                    let event = &self.events[at];
                    // Whoever is not in the room is not told.
                    if self.rooms[event.room].is_bot_in && !event.is_redacted {
                        self.world.redact(&event.room_id, &event.event_id).await;
                        self.events[at].is_redacted = true;
                        let links = &self.links;
                        let of_event: Vec<usize> =
                            (0..links.len()).filter(|l| links[*l].event == at).collect();
                        self.end(|index, _| of_event.contains(&index), "redacted");
                    }
                }
            }
            Step::Leave(n) => {
                let room = n % self.rooms.len();
                if std::mem::take(&mut self.rooms[room].is_bot_in) {
                    self.world.by_bot(&self.rooms[room].home, "leave").await;
                }
            }
            Step::Rejoin(n) => {
                let room = n % self.rooms.len();
                if !self.rooms[room].is_bot_in {
                    self.invite(room).await;
                }
            }
            Step::Upgrade(n) => {
                let room = n % self.rooms.len();
                // Who is away is not told, either.
                if self.rooms[room].is_bot_in {
                    let home = self.rooms[room].home.clone();
                    self.rooms[room].home = self.world.replace_room(&home, &home).await;
                    self.invite(room).await;
                }
            }
            Step::Restart => {
                if let Some(service) = self.service.take() {
                    service.stop().await;
                }
                self.start().await;
            }
        }
    }

    /// The invite is accepted by the service.
    async fn invite(&mut self, room: usize) {
        let home = self.rooms[room].home.clone();
        self.world
            .by_alice(&home, "invite", &json!({"user_id": BOT}))
            .await;
        let path = format!("/_matrix/client/v3/rooms/{home}/joined_members");
        eventually("the bridge's user to join", async || {
            let (_, members) = self.world.as_alice(Method::GET, &path, &json!({})).await;
            members["joined"].get(BOT).map(drop)
        })
        .await;
        self.rooms[room].is_bot_in = true;
    }

    /// A message that shares a medium.
    async fn event(&mut self, room: usize, medium: usize, is_new: bool) -> usize {
        let is_known = |event: &Event| event.room == room && event.medium == medium;
        let known = self.events.iter().position(is_known).filter(|_| !is_new);
        if let Some(known) = known {
            return known;
        }
        let (room_id, mxc) = (self.rooms[room].home.clone(), &self.media[medium].0);
        let content = json!({"msgtype": "m.file", "body": "x", "url": mxc, "n": self.events.len()});
        let event_id = self.world.send(&room_id, "m.room.message", &content).await;
        self.events.push(Event {
            room,
            room_id,
            medium,
            event_id,
            is_redacted: false,
        });
        self.events.len() - 1
    }

    async fn issue(&mut self, event: usize, for_a_day: bool, sealed: bool, once: bool) {
        let shared = &self.events[event];
        let (mxc, token) = &self.media[shared.medium];
        let mut body = json!({"mxc": mxc, "room_id": shared.room_id, "event_id": shared.event_id,
            "form": if sealed { "self_contained" } else { "short" },
            "lifetime_ms": if for_a_day { DAY } else { 0 }});
        if !token.is_empty() {
            body["content_token"] = json!(token);
        }
        if once {
            body["max_follows"] = json!(1);
        }
        self.issue_body(event, body, once).await;
    }

    async fn issue_body(&mut self, event: usize, body: Value, is_once: bool) {
        let told = self.service().call(Method::POST, "/v1/links", &body).await;
        let (status, link) = (told.0.as_u16(), told.1);
        if self.events[event].is_redacted {
            assert_eq!((status, &link["errcode"]), (410, &json!("M_GONE")));
            return;
        }
        let id = link["link_id"]
            .as_str()
            .unwrap_or_else(|| panic!("{status} {link}"))
            .to_owned();
        let known = self.links.iter().position(|link| link.id == id);
        assert_eq!(known.is_some(), status == 200, "{link}");
        let is_sealed = body["form"] == "self_contained";
        if let Some(known) = known {
            assert_eq!(
                self.links[known].state_at(self.now()),
                "live",
                "only what is live is given again"
            );
            self.links[known].expires_at = link["expires_ts"].as_i64();
            self.links[known].body = body;
            return;
        }
        let now = self.now();
        let twin = |link: &Link| {
            link.event == event
                && link.is_sealed == is_sealed
                && !link.is_once
                && link.state_at(now) == "live"
        };
        assert!(
            is_once || is_sealed || !self.links.iter().any(twin),
            "one live link each"
        );
        self.links.push(Link {
            id,
            path: url(&link).replacen(&self.service().public, "", 1),
            event,
            expires_at: link["expires_ts"].as_i64(),
            body,
            is_once,
            is_sealed,
            ended: None,
        });
    }

    async fn follow(&mut self, at: usize) {
        let link = &self.links[at];
        let state = link.state_at(self.now());
        let url = format!("{}{}", self.service().public, link.path);
        let response = self.service().client.get(url).send().await;
        let response = response.expect("an answer");
        let expected = if state == "live" { 200 } else { 410 };
        assert_eq!(response.status(), expected, "{state}");
        if state == "live" {
            let medium = self.events[link.event].medium;
            let body = response.text().await.expect("whole");
            assert_eq!(body, format!("medium {medium}"));
            if link.is_once {
                self.end(|index, _| index == at, "spent");
            }
        }
    }

    /// Ends those that are live.
    fn end(&mut self, which: impl Fn(usize, &Event) -> bool, state: &'static str) {
        let now = self.now();
        for (index, link) in self.links.iter_mut().enumerate() {
            if link.state_at(now) == "live" && which(index, &self.events[link.event]) {
                link.ended = Some(state);
            }
        }
    }

    /// Moves the clock on until nothing is to come: what merely expires may stay counted for
    /// `release_after`.
    async fn settle(&self) {
        quickly("the pushes", async || self.has_heard_all()).await;
        loop {
            self.clock.advance(2 * HOUR);
            self.until_nothing_is_due().await;
            let now = self.now();
            let expired_lately = |link: &Link| {
                let end = link.expires_at.unwrap_or(i64::MAX);
                (now - 4 * HOUR..=now).contains(&end)
            };
            if !self.links.iter().any(expired_lately) {
                break;
            }
        }
    }

    fn has_heard_all(&self) -> Option<()> {
        self.world.homeserver.has_pushed_everything().then_some(())
    }

    /// Waits until nothing is due, and nothing will be in a moment.
    async fn until_nothing_is_due(&self) {
        let reader = self.service().database.reader();
        // What was done may bring something to be pushed, and that something to be done.
        for _ in 0..2 {
            quickly("an empty outbox", async || {
                let now = self.now();
                let due = count_due(reader, now, now + 2 * WINDOW_MS).await;
                (due.expect("counts") == 0).then_some(())
            })
            .await;
            quickly("the pushes", async || self.has_heard_all()).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Compares everything.
    async fn check(&mut self) -> Result<(), TestCaseError> {
        let now = self.now();
        let states = self.service().api(Method::GET, "/v1/links?limit=1000");
        let states = answer(states).await.1;
        let told: BTreeMap<&str, &str> = states["links"]
            .as_array()
            .expect("links")
            .iter()
            .filter_map(|link| Some((link["link_id"].as_str()?, link["state"].as_str()?)))
            .collect();
        let known: BTreeMap<&str, &str> = self
            .links
            .iter()
            .map(|link| (link.id.as_str(), link.state_at(now)))
            .collect();
        prop_assert_eq!(told, known);

        let mut live: BTreeMap<(String, usize), bool> = BTreeMap::new();
        for link in &self.links {
            let event = &self.events[link.event];
            *live
                .entry((event.room_id.clone(), event.medium))
                .or_default() |= link.state_at(now) == "live";
        }
        for ((room_id, medium), is_live) in live {
            let of_room = |event: &&Event| event.room_id == room_id;
            let room = self
                .events
                .iter()
                .find(of_room)
                .expect("it has an event")
                .room;
            if self.rooms[room].is_bot_in {
                self.counted.insert((room_id, medium), is_live);
            }
        }
        for (medium, (mxc, _)) in self.media.iter().enumerate() {
            let expected = self
                .counted
                .iter()
                .filter(|((_, m), counted)| *m == medium && **counted);
            let expected = i64::try_from(expected.count()).expect("few");
            let told = self.world.media(mxc).await;
            let count = match self.mode {
                Mode::Plain => continue,
                Mode::Tokens => &told["references"],
                Mode::Linked => &told["copies"],
            };
            prop_assert_eq!(
                count.as_i64(),
                Some(expected),
                "medium {}: {}",
                medium,
                told
            );
        }
        Ok(())
    }

    /// On a homeserver that does not count, what is live is touched, and nothing else.
    async fn check_touches(&self) -> Result<(), TestCaseError> {
        let now = self.now();
        let mut before = Vec::new();
        for (mxc, _) in &self.media {
            before.push(self.world.media(mxc).await["not_modified"].as_i64());
        }
        self.clock.advance(8 * DAY);
        let later = now + 8 * DAY;
        let is_live = |medium: usize| {
            let of_medium = |link: &&Link| self.events[link.event].medium == medium;
            self.links
                .iter()
                .filter(of_medium)
                .any(|link| link.state_at(later) == "live")
        };
        for (medium, (mxc, _)) in self.media.iter().enumerate() {
            if is_live(medium) {
                eventually("a touch", async || {
                    (self.world.media(mxc).await["not_modified"].as_i64() > before[medium])
                        .then_some(())
                })
                .await;
            }
        }
        for (medium, (mxc, _)) in self.media.iter().enumerate() {
            if !is_live(medium) {
                let now = self.world.media(mxc).await["not_modified"].as_i64();
                prop_assert_eq!(now, before[medium], "nobody has a live link to it");
            }
        }
        Ok(())
    }
}

const CONFIG: &str = "usage: {batch_window: 20ms, release_after: 1h}\nlinks: {max_lifetime: never}";

fn choose<T>(n: usize, of: &[T]) -> Option<usize> {
    n.checked_rem(of.len())
}

/// Asks often: there are many steps.
async fn quickly(what: &str, mut ask: impl AsyncFnMut() -> Option<()>) {
    for _ in 0..200 {
        if ask().await.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    eventually(what, ask).await;
}

async fn walk(mode: Mode, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut walk = Walk::new(mode).await;
    for (at, step) in steps.iter().enumerate() {
        walk.take(step).await;
        walk.settle().await;
        let told = |error: TestCaseError| {
            TestCaseError::fail(format!("after step {at}, {step:?}: {error}"))
        };
        walk.check().await.map_err(told)?;
    }
    if mode == Mode::Plain {
        walk.check_touches().await?;
    }
    Ok(())
}

/// Random walks, as many as it takes for so many steps; one that fails is made shorter.
fn walks(mode: Mode, steps: usize) {
    let config = ProptestConfig {
        cases: u32::try_from(steps / STEPS).expect("few"),
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    proptest!(config, |(steps in proptest::collection::vec(step(), STEPS))| {
        runtime.block_on(walk(mode, steps))?;
    });
}

#[test]
fn after_each_of_a_thousand_steps_the_references_to_content_tokens_are_right() {
    walks(Mode::Tokens, 1000);
}

#[test]
fn after_each_of_a_thousand_steps_the_attached_copies_are_right() {
    walks(Mode::Linked, 1000);
}

#[tokio::test]
async fn what_expires_beside_what_lives_is_released_later() {
    let issue = |medium: usize, for_a_day: bool| Step::Issue {
        room: 0,
        medium,
        new_event: false,
        for_a_day,
        sealed: false,
        once: false,
    };
    let steps = vec![
        Step::Leave(0),
        issue(0, false),
        issue(1, true),
        Step::Rejoin(0),
        Step::Expire,
    ];
    let walked = walk(Mode::Tokens, steps).await;
    walked.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn where_nothing_is_counted_states_are_right_and_what_is_live_is_touched() {
    walks(Mode::Plain, 250);
}
