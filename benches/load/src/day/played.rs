//! The steps of a day as they are played, and what comes of them.

use std::{
    cell::{Cell, OnceCell},
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hyper::Method;
use serde_json::{Value, json};

use crate::{answers::Answers, client::Client};

use super::{Asked, Schedule, What};

/// How soon a redaction holds at all replicas.
const SOON: Duration = Duration::from_secs(1);

pub struct Played<'d> {
    asked: &'d Asked,
    schedule: &'d Schedule,
    posts: Vec<State>,
    served_too_late: Cell<u64>,
}

/// What has come of a post.
#[derive(Default)]
struct State {
    /// The path of its link.
    path: OnceCell<String>,
    /// When its redaction was acknowledged.
    redacted: OnceCell<Instant>,
}

/// The connections of a worker: to each replica one of each kind.
pub struct Clients {
    public: Vec<Client>,
    bridge: Vec<Client>,
    homeserver: Vec<Client>,
    next: usize,
}

impl Clients {
    /// Any balancer goes round.
    fn next(&mut self) -> usize {
        self.next = (self.next + 1) % self.public.len();
        self.next
    }
}

/// Answers by what was asked for.
#[derive(Default)]
pub struct Kinds(BTreeMap<&'static str, Answers>);

impl Kinds {
    fn note(&mut self, kind: &'static str, status: u16, due: Instant) {
        self.0.entry(kind).or_default().note(status, due);
    }

    pub fn merge(&mut self, other: Self) {
        for (kind, answers) in other.0 {
            self.0.entry(kind).or_default().merge(answers);
        }
    }

    pub fn told(self, took: Duration) -> BTreeMap<&'static str, Value> {
        let kinds = self.0.into_iter();
        kinds
            .map(|(kind, answers)| (kind, answers.told(took)))
            .collect()
    }
}

impl<'d> Played<'d> {
    pub fn new(asked: &'d Asked, schedule: &'d Schedule) -> Self {
        Self {
            asked,
            schedule,
            posts: schedule.posts.iter().map(|_| State::default()).collect(),
            served_too_late: Cell::new(0),
        }
    }

    pub fn clients(&self, worker: u64) -> anyhow::Result<Clients> {
        let all = |urls: &[String], token: Option<&str>| {
            let clients = urls.iter().map(|url| Client::new(url, token));
            clients.collect::<anyhow::Result<Vec<_>>>()
        };
        Ok(Clients {
            public: all(&self.asked.public, None)?,
            bridge: all(&self.asked.internal, Some(&self.asked.token))?,
            homeserver: all(&self.asked.internal, Some(&self.asked.hs_token))?,
            next: usize::try_from(worker)?,
        })
    }

    /// How often a link was served by whom had a second to hear of its redaction.
    pub fn served_too_late(&self) -> u64 {
        self.served_too_late.get()
    }

    /// Plays a step that was due then: whatever kept it waiting is a part of its time.
    pub async fn step(&self, what: &What, due: Instant, clients: &mut Clients, kinds: &mut Kinds) {
        let at = clients.next();
        match what {
            What::Post(post) => {
                let body = self.schedule.posts[*post].body.clone().into_bytes();
                let sent = clients.bridge[at].send(Method::POST, "/v1/links", body);
                let answer = sent.await;
                kinds.note("issue", answer.status, due);
                if let Some(path) = path(&answer.body) {
                    self.posts[*post].path.set(path).ok();
                }
            }
            What::Burst(post) => {
                let state = &self.posts[*post];
                // Nobody can follow what is not there yet.
                if let Some(path) = state.path.get() {
                    let (dead, began) = (state.redacted.get(), Instant::now());
                    let answer = clients.public[at].get(path).await;
                    kinds.note("follow a new link", answer.status, due);
                    if answer.status == 200 && dead.is_some_and(|at| *at + SOON < began) {
                        self.served_too_late.update(|count| count + 1);
                    }
                }
            }
            What::Old(path) => {
                let answer = clients.public[at].get(path).await;
                kinds.note("follow an old link", answer.status, due);
            }
            What::Crawl(path) => {
                let answer = clients.public[at].get(path).await;
                kinds.note("crawl", answer.status, due);
            }
            What::Redact(posts) => {
                let (path, body) = self.transaction(posts);
                let sent = clients.homeserver[at].send(Method::PUT, &path, body);
                let answer = sent.await;
                kinds.note("redact 20 events", answer.status, due);
                if answer.status == 200 {
                    for post in posts {
                        self.posts[*post].redacted.set(Instant::now()).ok();
                    }
                }
            }
        }
    }

    fn transaction(&self, posts: &[usize]) -> (String, Vec<u8>) {
        let events = posts.iter().map(|post| {
            let post = &self.schedule.posts[*post];
            let id = &post.event_id;
            json!({"type": "m.room.redaction", "event_id": format!("{id}x"), "room_id": post.room,
                "sender": "@moderator:example.org", "redacts": id, "content": {"redacts": id}})
        });
        let body = json!({"events": events.collect::<Vec<_>>()});
        let ends = [posts.first(), posts.last()].map(|post| post.copied().unwrap_or_default());
        let name = format!("day{}of{}to{}", self.asked.seed, ends[0], ends[1]);
        let path = format!("/_matrix/app/v1/transactions/{name}");
        (path, body.to_string().into_bytes())
    }
}

/// The path of the link that was issued.
fn path(answer: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let url = answer["url"].as_str()?;
    Some(url[url.find("/m/")?..].to_owned())
}
