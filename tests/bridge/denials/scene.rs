//! A service beside a homeserver, and the commands of its operator.

use reqwest::Method;
use serde_json::{Value, json};
use support::{Process, Service, World, eventually};

pub const ALICE: &str = "@alice:example.org";

pub struct Scene {
    pub world: World,
    pub service: Service,
    /// For commands beside it.
    process: Process,
}

impl Scene {
    pub async fn new(more: &str) -> Self {
        Self::of(World::new().await, more).await
    }

    pub async fn of(world: World, more: &str) -> Self {
        let more = format!("usage: {{mode: never}}\n{more}");
        Self {
            service: world.service(&more).await,
            process: Process::new(world.folder.path(), &world.url, &more),
            world,
        }
    }

    /// A request for a link to new media, shared by Alice.
    pub async fn request(&self, bytes: &str, mimetype: &str) -> Value {
        let (mxc, token) = self.world.upload(bytes, mimetype).await;
        json!({"mxc": mxc, "content_token": token, "room_id": self.world.room_id, "sender": ALICE})
    }

    /// A link to new media.
    pub async fn link(&self, bytes: &str) -> Value {
        let request = self.request(bytes, "text/plain").await;
        self.service.issue(request).await
    }

    pub async fn status(&self, link: &Value) -> u16 {
        self.service.follow(link).await.status().as_u16()
    }

    /// The status and the error of a request for a link.
    pub async fn asked(&self, request: &Value) -> (u16, Value) {
        let (status, answer) = self.service.call(Method::POST, "/v1/links", request).await;
        (status.as_u16(), answer)
    }

    /// What a command says, and whether it succeeds.
    pub fn says(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.process.run(arguments);
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8(told).expect("UTF-8");
        (output.status.success(), told)
    }

    /// What a command says that succeeds.
    pub fn runs(&self, arguments: &[&str]) -> String {
        let (is_done, told) = self.says(arguments);
        assert!(is_done, "{told}");
        told
    }

    /// Waits until a link answers with this status.
    pub async fn becomes(&self, link: &Value, status: u16) {
        eventually("the status of the link to change", async || {
            (self.status(link).await == status).then_some(())
        })
        .await;
    }

    pub async fn end(self) {
        self.service.stop().await;
    }
}
