//! A homeserver behind a proxy with faults, a service, and a medium.

use reqwest::Method;
use serde_json::{Value, json};
use support::{
    AS_TOKEN, BOT, Service, World, answer, eventually,
    faulty::{Fault, Faulty},
};

pub const MINUTE: i64 = 60_000;

pub const HOUR: i64 = 60 * MINUTE;

pub struct Play {
    pub world: World,
    pub faulty: Faulty,
    pub service: Service,
    pub mxc: String,
    pub token: String,
}

impl Play {
    pub async fn new(more: &str) -> Self {
        let world = World::new().await;
        let faulty = Faulty::start(&world.url).await;
        let more = if more.is_empty() {
            "usage: {batch_window: 20ms}"
        } else {
            more
        };
        let service = Service::start(world.folder.path(), &faulty.url, more).await;
        let (mxc, token) = world.upload("some bytes", "text/plain").await;
        Self {
            world,
            faulty,
            service,
            mxc,
            token,
        }
    }

    pub async fn issue(&self) -> Value {
        let body = json!({"mxc": self.mxc, "content_token": self.token, "room_id": self.world.room_id, "event_id": "$e"});
        self.service.issue(body).await
    }

    /// Moves the clock from retry to retry, until the usage is in this state.
    pub async fn skip_to(&self, link: &Value, state: &str) {
        eventually(&format!("usage {state}"), async || {
            self.service.clock.advance(500);
            (self.service.link(link).await["usage"]["state"] == state).then_some(())
        })
        .await;
    }

    /// Issues under faults of the sends, revokes under faults of the redaction.
    pub async fn holds_under(self, sends: Vec<Fault>, redactions: Vec<Fault>) {
        self.faulty.next("/send/", sends);
        let link = self.issue().await;
        self.skip_to(&link, "counted").await;
        assert_eq!(self.faulty.left(), 0, "every fault has happened");
        self.counted(1).await;
        self.faulty.next("/redact/", redactions);
        self.revoke(&link).await;
        self.skip_to(&link, "released").await;
        assert_eq!(self.faulty.left(), 0, "every fault has happened");
        self.counted(0).await;
        assert_eq!(
            self.world.media(&self.mxc).await["max_references"],
            1,
            "never counted twice"
        );
        self.service.stop().await;
    }

    /// Waits until an attempt has failed.
    pub async fn one_has_failed(&self) {
        eventually("a failed attempt", async || {
            let rows = self.service.newest_meta_events(9).await;
            rows.iter()
                .any(|row| row.next_attempt_at.is_some() && row.last_error.is_some())
                .then_some(())
        })
        .await;
    }

    pub async fn encrypt(&self) {
        let room = &self.world.room_id;
        let path = format!("/_matrix/client/v3/rooms/{room}/state/m.room.encryption");
        let content = json!({"algorithm": "m.megolm.v1.aes-sha2"});
        let (status, told) = self.world.as_alice(Method::PUT, &path, &content).await;
        assert_eq!(status, 200, "{told}");
    }

    pub async fn revoke(&self, link: &Value) {
        let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
        assert_eq!(
            self.service.call(Method::DELETE, &path, &json!({})).await.0,
            200
        );
    }

    pub async fn counted(&self, expected: usize) {
        assert_eq!(
            self.world.references(&self.mxc).await,
            i64::try_from(expected).expect("small")
        );
        assert_eq!(
            self.world.meta_events(&self.world.room_id).await.len(),
            expected,
            "meta events in the room"
        );
    }

    pub async fn bot(&self, action: &str) {
        let room = &self.world.room_id;
        let request = self.world.client.post(format!(
            "{}/_matrix/client/v3/rooms/{room}/{action}",
            self.world.url
        ));
        let (status, told) = answer(
            request
                .query(&[("user_id", BOT)])
                .bearer_auth(AS_TOKEN)
                .json(&json!({})),
        )
        .await;
        assert_eq!(status, 200, "{told}");
    }

    pub async fn invite(&self) {
        let path = format!("/_matrix/client/v3/rooms/{}/invite", self.world.room_id);
        assert_eq!(
            self.world
                .as_alice(Method::POST, &path, &json!({"user_id": BOT}))
                .await
                .0,
            200
        );
    }
}

pub fn limited() -> Fault {
    Fault::Answer(
        429,
        "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"error\": \"slow\", \"retry_after_ms\": 2500}"
            .to_owned(),
    )
}
