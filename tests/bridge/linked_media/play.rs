//! A homeserver that attaches media to events, behind a proxy with faults, and a service.

use matrix_test_server::Options;
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    Service, World, answer, eventually,
    faulty::{Fault, Faulty},
};

pub const MINUTE: i64 = 60_000;

/// Without a cache, so that every follow shows what the homeserver gives.
pub const UNCACHED: &str = "usage: {batch_window: 20ms}\nmedia: {cache: null}";

pub fn linked() -> Options {
    Options {
        linked_media: true,
        content_tokens: false,
        ..Options::default()
    }
}

/// Uploads media as a user, and attaches it to an event of that user's in a room; its URI and the
/// event.
pub async fn share(world: &World, token: &str, user: Option<&str>, room: &str) -> (String, String) {
    let user: Vec<(&str, &str)> = user.map(|user| ("user_id", user)).into_iter().collect();
    let request = world
        .client
        .post(format!(
            "{}/_matrix/client/unstable/org.matrix.msc3911/media/upload",
            world.url
        ))
        .query(&user)
        .bearer_auth(token)
        .header("Content-Type", "text/plain")
        .body("restricted bytes");
    let (status, uploaded) = answer(request).await;
    assert_eq!(status, 200, "{uploaded}");
    let mxc = uploaded["content_uri"].as_str().expect("a URI").to_owned();
    let request = world
        .client
        .put(format!(
            "{}/_matrix/client/v3/rooms/{room}/send/m.room.message/share",
            world.url
        ))
        .query(&user)
        .query(&[("attach_media", &mxc)])
        .bearer_auth(token)
        .json(&json!({"msgtype": "m.file", "body": "file", "url": mxc}));
    let (status, event) = answer(request).await;
    assert_eq!(status, 200, "{event}");
    (mxc, event["event_id"].as_str().expect("an ID").to_owned())
}

pub async fn share_as_alice(world: &World) -> (String, String) {
    share(world, &world.alice, None, &world.room_id).await
}

pub async fn revoke(service: &Service, link: &Value) {
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
    assert_eq!(service.call(Method::DELETE, &path, &json!({})).await.0, 200);
}

pub async fn text(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    (status, response.text().await.expect("a body"))
}

pub struct Play {
    pub world: World,
    pub faulty: Faulty,
    pub service: Service,
    pub mxc: String,
    pub event_id: String,
}

impl Play {
    pub async fn new() -> Self {
        let world = World::with(linked()).await;
        let faulty = Faulty::start(&world.url).await;
        let service = Service::start(world.folder.path(), &faulty.url, UNCACHED).await;
        service.knows_linked_media().await;
        let (mxc, event_id) = share_as_alice(&world).await;
        Self {
            world,
            faulty,
            service,
            mxc,
            event_id,
        }
    }

    pub async fn issue(&self) -> Value {
        let body =
            json!({"mxc": self.mxc, "room_id": self.world.room_id, "event_id": self.event_id});
        self.service.issue(body).await
    }

    /// Moves the clock to the next attempt, if one waits for it.
    pub async fn skip(&self) {
        let rows = self.service.newest_meta_events(1).await;
        let next = rows.first().and_then(|row| row.next_attempt_at);
        let wait = next.unwrap_or(0) - self.service.clock.now_ms();
        if wait > 0 {
            self.service.clock.advance(wait);
        }
    }

    /// Goes from attempt to attempt, until the usage is in this state.
    pub async fn skip_to(&self, link: &Value, state: &str) {
        eventually(&format!("usage {state}"), async || {
            self.skip().await;
            (self.service.link(link).await["usage"]["state"] == state).then_some(())
        })
        .await;
    }

    /// Goes from attempt to attempt, until every planned fault has happened.
    pub async fn skip_to_no_faults(&self) {
        eventually("the faults", async || {
            if self.faulty.left() == 0 {
                return Some(());
            }
            self.skip().await;
            None
        })
        .await;
    }

    /// The usage is counted by one event, to which the copy is attached that the link serves.
    pub async fn is_counted_once(&self, link: &Value) {
        let events = self.world.meta_events(&self.world.room_id).await;
        assert_eq!(events.len(), 1, "{events:?}");
        let copy = self.service.copy_of(link).await.expect("a copy");
        let media = self.world.media(&copy).await;
        assert_eq!(media["attached_to"], events[0]["event_id"], "{media}");
        assert_eq!(
            text(self.service.follow(link).await).await,
            (200, "restricted bytes".to_owned())
        );
    }

    /// Lives through these faults of copies and sends.
    pub async fn holds_under(faults: Vec<(&str, Vec<Fault>)>) {
        let play = Self::new().await;
        for (word, faults) in faults {
            play.faulty.next(word, faults);
        }
        let link = play.issue().await;
        play.skip_to(&link, "counted").await;
        assert_eq!(play.faulty.left(), 0, "every fault has happened");
        play.is_counted_once(&link).await;
        play.service.stop().await;
    }

    /// What went wrong with the newest meta event.
    pub async fn last_error(&self) -> String {
        let row = self.service.newest_meta_events(1).await.remove(0);
        row.last_error.unwrap_or_default()
    }
}

/// A limit for so many milliseconds.
pub fn limited(wait: i64) -> Fault {
    let told = json!({"errcode": "M_LIMIT_EXCEEDED", "error": "slow", "retry_after_ms": wait});
    Fault::Answer(429, told.to_string())
}
