//! A plain homeserver behind a proxy with faults, a service, and a link that was followed once.

use serde_json::{Value, json};
use support::{
    Service, World, answer, eventually,
    faulty::{Fault, Faulty, error},
    url,
};

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
/// Nothing is touched while a test looks, and nothing is counted.
pub const UNTOUCHED: &str = "usage: {batch_window: 20ms, touch: never}";

pub struct Scene {
    pub world: World,
    pub faulty: Faulty,
    pub service: Service,
    pub mxc: String,
    pub link: Value,
}

impl Scene {
    pub async fn new(more: &str) -> Self {
        let world = World::without_content_tokens().await;
        let faulty = Faulty::start(&world.url).await;
        let service = Service::start(world.folder.path(), &faulty.url, more).await;
        let (mxc, _) = world.upload("some bytes", "text/plain").await;
        let body = json!({"mxc": mxc, "room_id": world.room_id});
        let link = service.issue(body).await;
        let scene = Self {
            world,
            faulty,
            service,
            mxc,
            link,
        };
        assert_eq!(scene.status().await, 200);
        scene
    }

    pub async fn status(&self) -> u16 {
        let response = self.service.follow(&self.link).await;
        let status = response.status().as_u16();
        response.bytes().await.expect("whole");
        status
    }

    /// Status and error code.
    pub async fn told(&self) -> (u16, Value) {
        let (status, told) = answer(self.service.client.get(url(&self.link))).await;
        (status.as_u16(), told["errcode"].clone())
    }

    pub async fn state(&self) -> String {
        let link = self.service.link(&self.link).await;
        link["state"].as_str().expect("a state").to_owned()
    }

    pub async fn is_gone(&self) {
        eventually("the link to be gone", async || {
            (self.state().await == "gone").then_some(())
        })
        .await;
    }

    /// The next questions for the media meet these faults.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.faulty.next("/download/", faults);
    }

    /// The next question is answered by a Matrix error.
    pub fn next_error(&self, status: u16, errcode: &str) {
        self.next([error(status, errcode)]);
    }

    /// How often the homeserver was asked for media.
    pub fn asked(&self) -> usize {
        self.faulty.seen("/download/")
    }

    /// Waits until the homeserver was asked so often.
    pub async fn was_asked(&self, times: usize) {
        eventually("a question", async || (self.asked() >= times).then_some(())).await;
    }
}
