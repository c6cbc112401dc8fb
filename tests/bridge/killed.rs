//! kill -9 at any moment: what was acknowledged holds, and everything is counted once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use support::{Process, World, Xorshift, claims_run_out, url};

const KILLS: usize = 100;
const MEDIA: usize = 24;
const ROOMS: usize = 3;
const TASKS: u64 = 4;
/// Media whose first link is never revoked.
const STAYING: usize = 4;

/// What was acknowledged of one link.
#[derive(Debug, Clone)]
struct Known {
    link: Value,
    media: usize,
    room: usize,
    /// `Some(true)`: revoked for sure. `None`: a revocation was not answered.
    revoked: Option<bool>,
}

#[derive(Default)]
struct Acknowledged {
    /// By link ID.
    links: BTreeMap<String, Known>,
    /// Media in rooms for which an issue was not answered: there may be a link that nobody knows.
    unanswered: BTreeSet<(usize, usize)>,
}

/// What was there before the first kill, and what has been acknowledged since.
struct Promised {
    media: Vec<(String, String, Vec<u8>)>,
    rooms: Vec<String>,
    acknowledged: Acknowledged,
}

struct Load {
    process: Mutex<Process>,
    internal: String,
    client: reqwest::Client,
    media: Vec<(String, String, Vec<u8>)>,
    rooms: Vec<String>,
    acknowledged: Mutex<Acknowledged>,
    stop: AtomicBool,
}

impl Load {
    async fn call(&self, method: Method, path: &str, body: &Value) -> Option<(u16, Value)> {
        let request = self
            .client
            .request(method, format!("{}{path}", self.internal))
            .bearer_auth(support::API_TOKEN)
            .json(body);
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.json().await.ok()?))
    }

    fn body(&self, media: usize, room: usize, event: u64) -> Value {
        let (mxc, token, _) = &self.media[media];
        json!({"mxc": mxc, "content_token": token, "room_id": self.rooms[room], "event_id": format!("$event{event}")})
    }

    async fn issue(&self, media: usize, room: usize, event: u64) {
        self.acknowledged
            .lock()
            .expect("acknowledged")
            .unanswered
            .insert((media, room));
        let outcome = self
            .call(Method::POST, "/v1/links", &self.body(media, room, event))
            .await;
        let Some((status, link)) = outcome else {
            return;
        };
        assert!(status == 200 || status == 201, "{status} {link}");
        let id = link["link_id"].as_str().expect("an ID").to_owned();
        let mut acknowledged = self.acknowledged.lock().expect("no panic");
        acknowledged.links.entry(id).or_insert(Known {
            link,
            media,
            room,
            revoked: Some(false),
        });
    }

    async fn revoke(&self, random: &mut Xorshift) {
        let id = {
            let mut acknowledged = self.acknowledged.lock().expect("no panic");
            let live: Vec<String> = acknowledged
                .links
                .iter()
                .filter(|(_, known)| known.media >= STAYING && known.revoked == Some(false))
                .map(|(id, _)| id.clone())
                .collect();
            if live.is_empty() {
                return;
            }
            let at = usize::try_from(random.below(live.len() as u64)).expect("small");
            let id = live[at].clone();
            acknowledged.links.get_mut(&id).expect("known").revoked = None;
            id
        };
        let path = format!("/v1/links/{id}");
        // Most bridges ask again when there was no answer.
        loop {
            if let Some((status, link)) = self.call(Method::DELETE, &path, &json!({})).await {
                assert_eq!(status, 200, "{link}");
                let mut acknowledged = self.acknowledged.lock().expect("no panic");
                acknowledged.links.get_mut(&id).expect("known").revoked = Some(true);
                return;
            }
            if random.below(8) == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Looks whether a link that the service says is counted is counted by the homeserver, now, in
    /// the middle of it all. `false`: it was not said, or the link may be dead meanwhile.
    async fn sample(&self, world: &World, random: &mut Xorshift) -> bool {
        let (id, media) = {
            let acknowledged = self.acknowledged.lock().expect("no panic");
            let live: Vec<_> = acknowledged
                .links
                .iter()
                .filter(|(_, known)| known.revoked == Some(false))
                .collect();
            let at = usize::try_from(random.below(live.len() as u64)).expect("small");
            (live[at].0.clone(), live[at].1.media)
        };
        let path = format!("/v1/links/{id}");
        let Some((200, link)) = self.call(Method::GET, &path, &json!({})).await else {
            return false;
        };
        if link["state"] != "live" || link["usage"]["state"] != "counted" {
            return false;
        }
        let counted = world.media(&self.media[media].0).await;
        let acknowledged = self.acknowledged.lock().expect("no panic");
        if acknowledged.links[&id].revoked != Some(false) {
            return false;
        }
        assert!(
            counted["references"].as_i64() >= Some(1),
            "said to be counted, and is not: {link} {counted}"
        );
        true
    }

    async fn work(self: Arc<Self>, seed: u64) {
        let mut random = Xorshift(seed);
        while !self.stop.load(Ordering::Relaxed) {
            let media = usize::try_from(random.below(MEDIA as u64)).expect("small");
            let room = usize::try_from(random.below(ROOMS as u64)).expect("small");
            if random.below(10) < 3 {
                self.revoke(&mut random).await;
            } else {
                let event = random.below(3);
                self.issue(media, room, event).await;
            }
            tokio::time::sleep(Duration::from_millis(random.below(8))).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_requests_survive_a_hundred_kills_and_are_counted_once() {
    let seed = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_nanos() as u64 | 1;
    eprintln!("seed {seed}");
    let mut random = Xorshift(seed);
    let world = World::new().await;
    let load = load(&world).await;
    // Media that stays linked for the whole run, counted before the first kill, in one meta event
    // with media that does not.
    for number in 0..MEDIA {
        load.issue(number, 0, 99).await;
    }
    for number in 0..STAYING {
        let mxc = &load.media[number].0;
        support::eventually("a count", async || {
            (world.references(mxc).await == 1).then_some(())
        })
        .await;
    }
    let tasks: Vec<_> = (0..TASKS)
        .map(|n| tokio::spawn(Arc::clone(&load).work(seed ^ (n + 1) << 20 | 1)))
        .collect();
    let sampled = kill_again_and_again(&world, &load, &mut random).await;
    load.stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("the load went well");
    }
    let load = Arc::into_inner(load).expect("no task is left");
    let process = load.process.into_inner().expect("process");

    let load = Promised {
        media: load.media,
        rooms: load.rooms,
        acknowledged: load.acknowledged.into_inner().expect("no panic"),
    };
    compare(&world, &process, &load, sampled).await;
}

/// Kills it again and again, and looks meanwhile; how often something was seen.
async fn kill_again_and_again(world: &World, load: &Load, random: &mut Xorshift) -> usize {
    let mut sampled = 0;
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(5 + random.below(145))).await;
        load.process.lock().expect("process").kill();
        claims_run_out(world.folder.path()).await;
        load.process.lock().expect("process").spawn();
        let health = format!("{}/health", load.internal);
        support::eventually("the service to answer", async || {
            load.client.get(&health).send().await.ok().map(drop)
        })
        .await;
        for _ in 0..5 {
            sampled += usize::from(load.sample(world, random).await);
        }
    }
    sampled
}

/// A service under load, and the homeserver behind it.
async fn load(world: &World) -> Arc<Load> {
    let mut rooms = vec![world.room_id.clone()];
    while rooms.len() < ROOMS {
        rooms.push(world.new_room().await);
    }
    let mut media = Vec::new();
    for n in 0..MEDIA {
        let bytes = format!("media number {n}").into_bytes();
        let (mxc, token) = world.upload(bytes.clone(), "text/plain").await;
        media.push((mxc, token, bytes));
    }
    let mut process = Process::new(
        world.folder.path(),
        &world.url,
        "usage: {batch_window: 50ms}",
    );
    process.start().await;
    Arc::new(Load {
        internal: process.internal.clone(),
        client: process.client.clone(),
        process: Mutex::new(process),
        media,
        rooms,
        acknowledged: Mutex::default(),
        stop: AtomicBool::new(false),
    })
}

/// Compares what the service says now with what it had acknowledged, and with the count.
async fn compare(world: &World, process: &Process, load: &Promised, sampled: usize) {
    let live_places = live_places(process).await;
    let mut checked = [0, 0];
    for known in load.acknowledged.links.values() {
        let response = process
            .client
            .get(url(&known.link))
            .send()
            .await
            .expect("an answer");
        let status = response.status().as_u16();
        match known.revoked {
            Some(false) => {
                assert_eq!(status, 200, "an acknowledged link does not work: {known:?}");
                assert_eq!(
                    response.bytes().await.expect("a body"),
                    load.media[known.media].2
                );
                let place = (
                    load.media[known.media].0.clone(),
                    load.rooms[known.room].clone(),
                );
                assert!(live_places.contains(&place), "{known:?}");
                checked[0] += 1;
            }
            Some(true) => {
                assert_eq!(
                    status, 410,
                    "an acknowledged revocation does not hold: {known:?}"
                );
                checked[1] += 1;
            }
            None => assert!(status == 200 || status == 410, "{status}"),
        }
    }
    process.drained().await;
    assert_counts(world, load, &live_places).await;
    eprintln!(
        "{KILLS} kills, {} links acknowledged: {} live and {} revoked checked, {sampled} samples meanwhile",
        load.acknowledged.links.len(),
        checked[0],
        checked[1]
    );
    assert!(
        checked[0] > 20 && checked[1] > 20 && sampled > 20,
        "too little happened: {checked:?}, {sampled} samples"
    );
}

/// The homeserver counts each medium once for each room with a live link.
async fn assert_counts(world: &World, load: &Promised, live_places: &BTreeSet<(String, String)>) {
    for (number, (mxc, _, _)) in load.media.iter().enumerate() {
        let expected = live_places
            .iter()
            .filter(|(linked, _)| linked == mxc)
            .count();
        let media = world.media(mxc).await;
        assert_eq!(
            media["references"],
            json!(expected),
            "medium {number} is counted wrongly: {media}"
        );
        if number < STAYING {
            let lowest = media["min_references_since_counted"]
                .as_i64()
                .expect("a number");
            assert!(
                lowest >= 1,
                "medium {number} was uncounted while it was linked: {media}"
            );
        }
    }
}

/// Media and room of every link that the service says is live.
async fn live_places(process: &Process) -> BTreeSet<(String, String)> {
    let mut live_places = BTreeSet::new();
    let mut from = String::new();
    loop {
        let path = format!("/v1/links?state=live&limit=1000{from}");
        let (_, page) = process
            .call(Method::GET, &path, &json!({}))
            .await
            .expect("an answer");
        for link in page["links"].as_array().expect("links") {
            let place = (
                link["mxc"].as_str().expect("mxc").to_owned(),
                link["room_id"].as_str().expect("room").to_owned(),
            );
            live_places.insert(place);
        }
        let Some(next) = page["next"].as_str() else {
            break;
        };
        from = format!("&from={next}");
    }
    live_places
}
