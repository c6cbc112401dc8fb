//! What bridges, people and the homeserver ask of the replicas meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use support::{API_TOKEN, HS_TOKEN, Xorshift};

use super::{
    breaking::{GRACE, REPLICAS, Scene},
    ledger::{Event, Known, Ledger},
    one_time::OneTimeLinks,
};

pub const MEDIA: usize = 24;
/// Media whose links are never ended.
pub const STAYING: usize = 4;
pub const ROOMS: usize = 3;
/// The service closes a connection on which nothing came for long, just as a request is sent there: nobody has read
/// it, and it may be repeated (RFC 9110, section 15.5.9).
const IDLE: u16 = 408;
/// How many links are remembered before something breaks, and ended after that.
const REMEMBERED: usize = 6;
/// Follows alone.
pub const FOLLOWS: u64 = 45;
/// Everything.
pub const ALL: u64 = 100;
const FOLLOW_WITHIN: Duration = Duration::from_secs(2);

/// A medium of the homeserver.
pub struct Medium {
    pub mxc: String,
    pub token: String,
    pub bytes: Vec<u8>,
}

pub struct Load {
    pub scene: Arc<Scene>,
    pub ledger: Ledger,
    pub one_time: OneTimeLinks,
    pub media: Vec<Medium>,
    pub rooms: Vec<String>,
    events: AtomicU64,
    pub stop: AtomicBool,
}

impl Load {
    pub async fn on(scene: Arc<Scene>) -> Arc<Self> {
        let world = &scene.world;
        let mut rooms = vec![world.room_id.clone()];
        while rooms.len() < ROOMS {
            rooms.push(world.new_room().await);
        }
        let mut media = Vec::new();
        for number in 0..MEDIA {
            let bytes = format!("medium number {number}").into_bytes();
            let (mxc, token) = world.upload(bytes.clone(), "text/plain").await;
            media.push(Medium { mxc, token, bytes });
        }
        Arc::new(Self {
            scene,
            ledger: Ledger::default(),
            one_time: OneTimeLinks::default(),
            media,
            rooms,
            events: AtomicU64::new(1),
            stop: AtomicBool::new(false),
        })
    }

    /// Asks one thing after the other until it is stopped: as many kinds of things as are allowed, of [`FOLLOWS`] to
    /// [`ALL`].
    pub async fn work(self: Arc<Self>, seed: u64, kinds: u64) {
        let mut random = Xorshift(seed);
        while !self.stop.load(Ordering::Relaxed) {
            match random.below(kinds) {
                0..45 => self.follow_any(&mut random).await,
                45..75 => self.issue_any(&mut random).await,
                75..84 => self.revoke_any(&mut random).await,
                84..88 => self.revoke_event(&mut random).await,
                88..94 => self.redact_any(&mut random).await,
                _ => self.one_time.any(&self, &mut random).await,
            }
            tokio::time::sleep(Duration::from_millis(random.below(20))).await;
        }
    }

    /// A request of the bridge to a replica.
    pub fn api(&self, replica: usize, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.scene.replicas[replica].internal);
        let request = self.scene.client.request(method, url);
        request.bearer_auth(API_TOKEN)
    }

    /// The answer to a request. `None`: there was none, or it can be repeated.
    pub async fn asked(&self, request: RequestBuilder) -> Option<(u16, Value)> {
        let answered = async {
            let response = request.send().await.ok()?;
            let status = response.status().as_u16();
            let body = response.json().await.ok()?;
            (status != 503 && status != IDLE).then_some((status, body))
        };
        let answered = answered.await;
        if answered.is_none() {
            self.ledger.count(|counts| counts.unanswered += 1);
        }
        answered
    }

    /// What asks for a link.
    pub fn body(&self, medium: usize, event: &Event) -> Value {
        let Medium { mxc, token, .. } = &self.media[medium];
        json!({"mxc": mxc, "content_token": token, "room_id": self.rooms[event.room], "event_id": event.id()})
    }

    async fn issue_any(&self, random: &mut Xorshift) {
        let replica = any(REPLICAS, random);
        if random.below(10) == 0
            && let Some(event) = self.ledger.pick_redacted(random)
        {
            return self.issue(replica, any(MEDIA, random), event).await;
        }
        let newest = self.events.load(Ordering::Relaxed);
        let number = if newest > 8 && random.below(3) == 0 {
            // For the same event as others just now, maybe of another medium.
            newest - random.below(8)
        } else {
            self.events.fetch_add(1, Ordering::Relaxed) + 1
        };
        let room = usize::try_from(number % ROOMS as u64).expect("small");
        let event = Event { room, number };
        let medium = any(MEDIA, random);
        self.issue(replica, medium, event).await;
    }

    /// Asks a replica for a link.
    pub async fn issue(&self, replica: usize, medium: usize, event: Event) {
        self.ledger.asks(&event);
        let body = self.body(medium, &event);
        let began = Instant::now();
        let request = self.api(replica, Method::POST, "/v1/links").json(&body);
        match self.asked(request).await {
            Some((200 | 201, link)) => self.ledger.issued(link, medium, event, began),
            Some((410, _)) => self.ledger.refused(&event),
            Some((status, body)) => self.ledger.fault(format!(
                "replica {replica} answers {status} to an issue: {body}"
            )),
            None => {}
        }
    }

    /// Follows a link at a replica; its status, once its body is here.
    pub async fn follow(&self, replica: usize, link: &Value, medium: usize) -> Option<u16> {
        let issued = link["url"].as_str().expect("a URL");
        let at = issued.find("/m/").expect("a path");
        let url = format!("{}{}", self.scene.replicas[replica].public, &issued[at..]);
        // What a replica remembers, it tells at once; for all else it may wait until it knows that it is cut off.
        let request = self.scene.client.get(url).timeout(FOLLOW_WITHIN);
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        if status == IDLE {
            return None;
        }
        if status == 200 {
            // A replica may be killed in the midst of it.
            let body = response.bytes().await;
            if body.is_ok_and(|body| body != self.media[medium].bytes) {
                self.ledger
                    .fault(format!("replica {replica} gives other bytes for {link}"));
            }
        }
        Some(status)
    }

    /// The same when nothing breaks any more: a second time if there was no answer.
    pub async fn follow_at_last(&self, replica: usize, link: &Value, medium: usize) -> Option<u16> {
        match self.follow(replica, link, medium).await {
            None => self.follow(replica, link, medium).await,
            answer => answer,
        }
    }

    async fn follow_any(&self, random: &mut Xorshift) {
        if let Some(known) = self.ledger.pick(random) {
            self.follow_known(&known, any(REPLICAS, random)).await;
        }
    }

    /// Follows a link of which this is known.
    async fn follow_known(&self, known: &Known, replica: usize) {
        let began = Instant::now();
        match self.follow(replica, &known.link, known.medium).await {
            Some(status) => self.ledger.judge(known, replica, began, status),
            None => self.ledger.count(|counts| counts.unanswered += 1),
        }
    }

    /// Follows a link at all replicas at once, by what is known of it now.
    async fn follow_everywhere(&self, id: &str) {
        let known = self.ledger.known(id);
        join_all((0..REPLICAS).map(|replica| self.follow_known(&known, replica))).await;
    }

    async fn revoke_any(&self, random: &mut Xorshift) {
        let Some(Known { id, .. }) = self.ledger.pick_to_revoke(STAYING, random) else {
            return;
        };
        // Now all of them remember it.
        for _ in 0..random.below(3) {
            self.follow_everywhere(&id).await;
        }
        self.revoke(&id, random).await;
        self.follow_everywhere(&id).await;
    }

    /// Revokes a link of which it is known that it may be either from now on.
    async fn revoke(&self, id: &str, random: &mut Xorshift) {
        let path = format!("/v1/links/{id}");
        let request = |replica: usize| self.api(replica, Method::DELETE, &path).json(&json!({}));
        if self.until_answered("a revocation", random, request).await {
            self.ledger.revoked(id);
        }
    }

    /// Links that all replicas remember, and that nobody else ends.
    pub async fn remembered(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for n in 0..REMEMBERED {
            let number = self.events.fetch_add(1, Ordering::Relaxed) + 1;
            let event = Event {
                room: ROOMS - 1,
                number,
            };
            self.issue(n % REPLICAS, STAYING + n, event.clone()).await;
            let known = self.ledger.links_of(&event);
            self.ledger.sets_apart(&event);
            ids.extend(known);
        }
        for id in ids.iter().chain(&ids) {
            self.follow_everywhere(id).await;
        }
        ids
    }

    /// Ends them while something is broken, and looks who still serves them.
    pub async fn end(&self, ids: &[String], random: &mut Xorshift) {
        for id in ids {
            self.revoke(id, random).await;
        }
        let until = Instant::now() + GRACE * 3;
        while Instant::now() < until {
            join_all(ids.iter().map(|id| self.follow_everywhere(id))).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Revokes all links of an event, by their criteria.
    async fn revoke_event(&self, random: &mut Xorshift) {
        let Some(event) = self.ledger.pick_to_end(STAYING, random) else {
            return;
        };
        let known = self.ledger.links_of(&event);
        let criteria = json!({"room_id": self.rooms[event.room], "event_id": event.id()});
        let request = |replica: usize| {
            self.api(replica, Method::POST, "/v1/revocations")
                .json(&criteria)
        };
        if self.until_answered("revocations", random, request).await {
            self.ledger.revoked_all(&known);
        }
    }

    /// Redacts an event, as the homeserver tells it: the same transaction until it is taken.
    async fn redact_any(&self, random: &mut Xorshift) {
        let Some(event) = self.ledger.pick_to_end(STAYING, random) else {
            return;
        };
        let (id, room) = (event.id(), &self.rooms[event.room]);
        let redaction = json!({"type": "m.room.redaction", "event_id": format!("{id}-redaction"),
            "room_id": room, "sender": "@alice:example.org", "redacts": id, "content": {"redacts": id}});
        let path = format!("/_matrix/app/v1/transactions/redacts{}", event.number);
        let body = json!({"events": [redaction]});
        let request = |replica: usize| {
            let url = format!("{}{path}", self.scene.replicas[replica].internal);
            self.scene.client.put(url).bearer_auth(HS_TOKEN).json(&body)
        };
        if self.until_answered("a redaction", random, request).await {
            self.ledger.redacted(&event);
        }
    }

    /// Asks any replica again and again; mostly until there is an answer.
    async fn until_answered(
        &self,
        what: &str,
        random: &mut Xorshift,
        request: impl Fn(usize) -> RequestBuilder,
    ) -> bool {
        loop {
            let replica = any(REPLICAS, random);
            match self.asked(request(replica)).await {
                Some((200, _)) => return true,
                Some((status, body)) => {
                    self.ledger.fault(format!(
                        "replica {replica} answers {status} to {what}: {body}"
                    ));
                    return false;
                }
                None if random.below(16) == 0 => return false,
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

/// Any number below this one.
pub fn any(bound: usize, random: &mut Xorshift) -> usize {
    usize::try_from(random.below(bound as u64)).expect("small")
}
