//! The system's clock is set for a moment, or for good.

use medialink::clock::Clock;
use serde_json::{Value, json};
use support::{Service, World, eventually};

const MINUTE_MS: i64 = 60_000;
const YEARS_MS: i64 = 2 * 365 * 86_400_000;
const SETTINGS: &str = "links: {lifetime: 30d, max_lifetime: 30d}\nusage: {batch_window: 20ms, release_after: 1s}\nmedia: {cache: null}";

struct Scene {
    world: World,
    service: Service,
    body: Value,
    link: Value,
    /// The body of a request for media of an event that was redacted.
    redacted: Value,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let service = world.service(SETTINGS).await;
        let (mxc, token) = world.upload("hello", "text/plain").await;
        let body =
            json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "event_id": "$e"});
        let link = service.issue(body.clone()).await;
        service.wait_for_usage(&link, "counted").await;
        service.redact(&world.room_id, "$redacted").await;
        let mut redacted = body.clone();
        redacted["event_id"] = json!("$redacted");
        Self {
            world,
            service,
            body,
            link,
            redacted,
        }
    }

    /// Has the worker look at everything.
    async fn look(&self) {
        self.service.clock.advance(MINUTE_MS);
        let mut other = self.body.clone();
        other["event_id"] = json!(format!("$other{}", self.service.clock.now_ms()));
        let other = self.service.issue(other).await;
        self.service.wait_for_usage(&other, "counted").await;
        self.service.drained().await;
    }

    async fn is_as_before(&self) {
        let link = self.service.link(&self.link).await;
        assert_eq!(link["state"], "live", "{link}");
        assert_eq!(link["usage"]["state"], "counted", "{link}");
        assert_eq!(self.service.follow(&self.link).await.status(), 200);
        let (status, _) = self.call_redacted().await;
        assert_eq!(status, 410, "the redaction is remembered");
        let stored = self.service.stored(&self.link).await;
        assert_eq!(stored.state.as_str(), "live");
    }

    async fn call_redacted(&self) -> (u16, Value) {
        let called = self
            .service
            .call(reqwest::Method::POST, "/v1/links", &self.redacted);
        let (status, answer) = called.await;
        (status.as_u16(), answer)
    }
}

#[tokio::test]
async fn a_clock_that_jumps_for_a_moment_ends_no_link_and_forgets_nothing() {
    let scene = Scene::new().await;
    for jump in [YEARS_MS, -YEARS_MS] {
        scene.service.clock.set_wall(jump);
        scene.look().await;
        scene.is_as_before().await;
        let issued = scene.service.link(&scene.link).await["issued_ts"].clone();
        let mut other = scene.body.clone();
        other["event_id"] = json!(format!("$in_the_moment{jump}"));
        let other = scene.service.issue(other).await;
        let between =
            other["issued_ts"].as_i64().expect("a time") - issued.as_i64().expect("a time");
        assert!((0..10 * MINUTE_MS).contains(&between), "{between}");
        scene.service.clock.set_wall(-jump);
        scene.look().await;
        scene.is_as_before().await;
    }
    scene.service.stop().await;
}

#[tokio::test]
async fn a_clock_that_keeps_its_new_time_is_believed() {
    let scene = Scene::new().await;
    scene.service.clock.set_wall(YEARS_MS);
    scene.service.clock.advance(8 * MINUTE_MS);
    scene.look().await;
    scene.is_as_before().await;
    scene.service.clock.advance(2 * MINUTE_MS);
    eventually("the link to expire", async || {
        let link = scene.service.stored(&scene.link).await;
        (link.state.as_str() == "expired").then_some(())
    })
    .await;
    scene.service.wait_for_usage(&scene.link, "released").await;
    eventually("the redaction to be forgotten", async || {
        let (status, _) = scene.call_redacted().await;
        (status == 201).then_some(())
    })
    .await;
    assert_eq!(scene.service.follow(&scene.link).await.status(), 410);
    let mxc = scene.body["mxc"].as_str().expect("a URI");
    eventually("the new link to be counted", async || {
        (scene.world.references(mxc).await == 1).then_some(())
    })
    .await;
    scene.service.stop().await;
}

#[tokio::test]
async fn a_clock_that_goes_back_for_good_puts_nothing_off() {
    let scene = Scene::new().await;
    scene.service.clock.set_wall(-YEARS_MS);
    scene.service.clock.advance(11 * MINUTE_MS);
    scene.look().await;
    scene.service.stop().await;
}

#[tokio::test]
async fn a_start_with_a_wrong_clock_ends_no_link() {
    let scene = Scene::new().await;
    let (world, link) = (scene.world, scene.link);
    scene.service.stop().await;
    let clock = Clock::default();
    clock.advance(YEARS_MS);
    let folder = world.folder.path();
    let service = Service::start_at(folder, &world.url, "", SETTINGS, &clock).await;
    let state = async || service.stored(&link).await.state;
    clock.advance(9 * MINUTE_MS);
    service.drained().await;
    service.expire_links().await;
    assert_eq!(state().await.as_str(), "live");
    // The network tells the right time, which is believed at once.
    clock.set_wall(-YEARS_MS);
    // Its address has changed with the service's.
    let shown = service.link(&link).await;
    assert_eq!(service.follow(&shown).await.status(), 200);
    assert_eq!(state().await.as_str(), "live");
    service.stop().await;

    let clock = Clock::default();
    clock.advance(YEARS_MS);
    let service = Service::start_at(folder, &world.url, "", SETTINGS, &clock).await;
    assert_eq!(service.stored(&link).await.state.as_str(), "live");
    clock.advance(11 * MINUTE_MS);
    service.wait_for_usage(&link, "released").await;
    service.stop().await;
}
