//! Any steps in any order: the homeserver counts exactly the media of live links.

use std::{collections::BTreeMap, time::Duration};

use medialink::clock::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Service, World, Xorshift, eventually, is_postgres};

use super::requests::{redact, revoke};

const STEPS: usize = 300;
const MEDIA: u64 = 6;
const ROOMS: u64 = 2;

/// A live link as it was issued.
#[derive(Clone, Copy)]
struct Known {
    medium: usize,
    room: usize,
    event: usize,
    ends_at: Option<i64>,
}

struct Walk {
    world: World,
    rooms: [String; 2],
    media: Vec<(String, String)>,
    clock: Clock,
    service: Option<Service>,
    random: Xorshift,
    /// By link ID.
    live: BTreeMap<String, Known>,
    events: usize,
}

impl Walk {
    async fn new(seed: u64) -> Self {
        let world = World::new().await;
        let rooms = [world.room_id.clone(), world.new_room().await];
        let mut media = Vec::new();
        for n in 0..MEDIA {
            media.push(world.upload(format!("{n}"), "text/plain").await);
        }
        let mut walk = Self {
            world,
            rooms,
            media,
            clock: Clock::default(),
            service: None,
            random: Xorshift(seed),
            live: BTreeMap::new(),
            events: 0,
        };
        walk.start().await;
        walk
    }

    async fn start(&mut self) {
        let usage = "usage: {batch_window: 20ms, release_after: 10s}";
        let (folder, url) = (self.world.folder.path(), &self.world.url);
        self.service = Some(Service::start_at(folder, url, "", usage, &self.clock).await);
    }

    async fn restart(&mut self) {
        self.service()
            .leave_unfinished("the next service goes on with it");
        self.stop().await;
        self.start().await;
    }

    async fn stop(&mut self) {
        self.service.take().expect("it runs").stop().await;
    }

    fn service(&self) -> &Service {
        self.service.as_ref().expect("it runs")
    }

    fn pick(&mut self, bound: u64) -> usize {
        usize::try_from(self.random.below(bound)).expect("small")
    }

    /// Chooses a live link, or none.
    fn pick_live(&mut self) -> Option<(String, Known)> {
        let at = self.pick(1 + self.live.len() as u64);
        let (id, known) = self.live.iter().nth(at)?;
        Some((id.clone(), *known))
    }

    fn body(&self, (mxc, token): &(String, String), room: usize, event: &str) -> Value {
        json!({"mxc": mxc, "content_token": token, "room_id": self.rooms[room], "event_id": event})
    }

    /// Counts all media by one event, together with media that stays linked: it moves from event
    /// to event, and is never uncounted.
    async fn issue_beside(&mut self, staying: &(String, String)) {
        let body = |one, ends_in: i64| {
            let mut body = self.body(one, 0, "$first");
            body["lifetime_ms"] = json!(ends_in);
            body
        };
        let mut first = vec![body(staying, 0)];
        first.extend(
            self.media
                .iter()
                .zip(1..)
                .map(|(one, n)| body(one, 3000 * n)),
        );
        let batch = json!({"links": first});
        let (_, batch) = self
            .service()
            .call(Method::POST, "/v1/links/batch", &batch)
            .await;
        let links = batch["results"].as_array().expect("results");
        self.service().wait_for_usage(&links[0], "counted").await;
        for (medium, link) in links[1..].iter().enumerate() {
            self.know(link, medium, 0, 0);
        }
    }

    fn know(&mut self, link: &Value, medium: usize, room: usize, event: usize) {
        let id = link["link_id"].as_str().expect("ID").to_owned();
        let ends_at = link["expires_ts"].as_i64();
        let known = Known {
            medium,
            room,
            event,
            ends_at,
        };
        self.live.insert(id, known);
    }

    async fn step(&mut self) {
        match self.pick(21) {
            0..10 => self.issue().await,
            10..15 => {
                if let Some((id, _)) = self.pick_live() {
                    revoke(self.service(), &json!({"link_id": id})).await;
                    self.live.remove(&id);
                }
            }
            15 | 16 => {
                if let Some((_, Known { room, event, .. })) = self.pick_live() {
                    redact(self.service(), &self.rooms[room], &format!("$e{event}")).await;
                    self.live
                        .retain(|_, known| (known.room, known.event) != (room, event));
                }
            }
            17 => {
                let seconds = i64::try_from(self.pick(20)).expect("small");
                self.clock.advance(1000 * seconds);
            }
            18 => self.restart().await,
            19 => self.revoke_medium().await,
            _ => self.service().drained().await,
        }
        self.forget_expired();
    }

    async fn issue(&mut self) {
        let (medium, room) = (self.pick(MEDIA), self.pick(ROOMS));
        if self.pick(3) != 0 {
            self.events += 1;
        }
        let event = self.events;
        let mut body = self.body(&self.media[medium], room, &format!("$e{event}"));
        if self.pick(3) == 0 {
            body["lifetime_ms"] = json!(1000 * (1 + self.pick(60)));
        }
        let (status, link) = self.service().call(Method::POST, "/v1/links", &body).await;
        if status != 410 {
            assert!(status.is_success(), "{link}");
            self.know(&link, medium, room, event);
        }
    }

    async fn revoke_medium(&mut self) {
        let (room, medium) = (self.pick(ROOMS), self.pick(MEDIA));
        let criteria = json!({"mxc": self.media[medium].0, "room_id": self.rooms[room]});
        self.service().revoke_matching(criteria).await;
        self.live
            .retain(|_, known| (known.medium, known.room) != (medium, room));
    }

    fn forget_expired(&mut self) {
        let now = self.clock.now_ms();
        self.live
            .retain(|_, known| known.ends_at.is_none_or(|end| end > now));
    }

    /// Compares with what the homeserver counts: media that expires beside living media is
    /// released in the end, so that is waited for.
    async fn check(&mut self, step: usize) {
        self.clock.advance(11_000);
        self.forget_expired();
        // Expiry is noted by the worker's next look.
        tokio::time::sleep(Duration::from_millis(200)).await;
        // On PostgreSQL, the claims of a service that was stopped have to run out.
        self.clock
            .advance(if is_postgres() { 121_000 } else { 11_000 });
        self.forget_expired();
        for medium in 0..self.media.len() {
            let what = format!("the right count of medium {medium} after step {step}");
            eventually(&what, async || {
                self.service().drained().await;
                let count = self.world.references(&self.media[medium].0).await;
                (count == self.expected(medium)).then_some(())
            })
            .await;
        }
    }

    /// In how many rooms the medium has a live link. Links go on expiring while we look.
    fn expected(&self, medium: usize) -> i64 {
        let now = self.clock.now_ms();
        let is_live = |room: usize| {
            self.live.values().any(|known| {
                (known.medium, known.room) == (medium, room)
                    && known.ends_at.is_none_or(|end| end > now)
            })
        };
        let rooms = (0..self.rooms.len()).filter(|room| is_live(*room));
        i64::try_from(rooms.count()).expect("small")
    }
}

/// Random steps, the same for the same seed.
#[tokio::test]
async fn after_any_steps_the_count_is_that_of_the_links() {
    let seed = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_nanos() as u64 | 1;
    eprintln!("seed {seed}");
    let mut walk = Walk::new(seed).await;
    let staying = walk.world.upload("staying", "text/plain").await;
    walk.issue_beside(&staying).await;
    for step in 0..STEPS {
        walk.step().await;
        if step % 50 == 49 {
            walk.check(step).await;
        }
    }
    let media = walk.world.media(&staying.0).await;
    assert_eq!(
        (&media["references"], &media["min_references_since_counted"]),
        (&json!(1), &json!(1)),
        "what stays linked stays counted: {media}"
    );
    walk.stop().await;
}
