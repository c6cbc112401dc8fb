//! A homeserver behind a proxy with faults, and a service that asks it for events.

use medialink::clock::Clock;
use medialink_link::{
    LinkClaims,
    matrix::{ContentToken, EventId, MxcUri, RoomId},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Service, World, answer, client, eventually, faulty::Faulty};

pub const OTHER_TOKEN: &str = "another-api-token-0123456789";

/// A homeserver behind a proxy with faults, and a service that asks it for events.
pub struct Scene {
    pub world: World,
    pub faulty: Faulty,
    pub service: Service,
    pub mxc: String,
    pub token: String,
}

impl Scene {
    pub async fn new(links: &str) -> Self {
        let world = World::new().await;
        let faulty = Faulty::start(&world.url).await;
        let more = format!("usage: {{batch_window: 20ms}}\nlinks: {{{links}}}");
        // A second bridge, which the homeserver does not know.
        let edit = |text: String| {
            let bridge = format!(
                "  - {{id: xmpp, api_token: {OTHER_TOKEN}, as_token: as-{OTHER_TOKEN}, hs_token: hs-{OTHER_TOKEN}, user_id: '@xmpp:example.org'}}\n"
            );
            text.replacen("usage:", &format!("{bridge}usage:"), 1)
        };
        let (folder, clock) = (world.folder.path(), Clock::default());
        let service = Service::start_edited(folder, &faulty.url, "", &more, &clock, edit).await;
        let (mxc, token) = world.upload("hello", "text/plain").await;
        Self {
            world,
            faulty,
            service,
            mxc,
            token,
        }
    }

    /// The content of a message that shares the media.
    pub fn message(&self) -> Value {
        json!({"msgtype": "m.file", "body": "a.txt", "url": self.mxc, "content_token": self.token})
    }

    /// What to ask for, without a content token.
    pub fn body(&self, event_id: &str) -> Value {
        json!({"mxc": self.mxc, "room_id": self.world.room_id, "event_id": event_id})
    }

    pub async fn link(&self, event_id: &str) -> Value {
        let mut body = self.body(event_id);
        body["content_token"] = json!(self.token);
        self.service.issue(body).await
    }

    /// Status and error code of a request for a link.
    pub async fn asks(&self, body: &Value) -> (u16, String) {
        let (status, told) = self.service.call(Method::POST, "/v1/links", body).await;
        let errcode = told["errcode"].as_str().unwrap_or_default();
        (status.as_u16(), errcode.to_owned())
    }

    /// Follows a URL until it is answered with this status.
    pub async fn becomes(&self, url: &str, status: u16) {
        eventually(&format!("{status} of a link"), async || {
            (status_of(url).await.0.as_u16() == status).then_some(())
        })
        .await;
    }
}

pub async fn status_of(url: &str) -> (StatusCode, Value) {
    answer(client().get(url)).await
}

pub fn refused(status: u16, errcode: &str) -> (u16, String) {
    (status, errcode.to_owned())
}

pub fn claims(scene: &Scene, event_id: Option<&str>) -> LinkClaims {
    let room_id = RoomId::parse(&scene.world.room_id).expect("a room ID");
    let mut claims = LinkClaims::new(room_id, MxcUri::parse(&scene.mxc).expect("a URI"));
    claims.event_id = event_id.map(|id| EventId::parse(id).expect("an event ID"));
    claims.content_token = Some(ContentToken::parse(&scene.token).expect("a token"));
    claims
}
