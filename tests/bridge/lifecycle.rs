//! One life of media and its links, on the three kinds of homeservers: whoever follows a link sees
//! the same on each.

use matrix_test_server::Options;
use medialink::clock::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Service, World, answer, eventually, url};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    /// Media needs an access token (MSC3916), and nobody counts.
    Plain,
    /// References to content tokens are counted (MSC3910).
    Tokens,
    /// Media is attached to events (MSC3911).
    Linked,
}

/// What somebody has got who followed a link.
type Seen = (u16, String, Vec<u8>);

struct Scene {
    mode: Mode,
    world: World,
    service: Service,
    seen: Vec<Seen>,
}

/// A message with media.
struct Shared {
    mxc: String,
    token: String,
    event_id: String,
}

impl Scene {
    async fn new(mode: Mode) -> Self {
        let world = World::with(Options {
            content_tokens: mode == Mode::Tokens,
            linked_media: mode == Mode::Linked,
            ..Options::default()
        })
        .await;
        // Without a cache, so that it is the homeserver's media that is seen.
        let more = "usage: {batch_window: 20ms, touch: never}\nmedia: {cache: null}";
        let clock = Clock::default();
        let folder = world.folder.path();
        let service = Service::start_at(folder, &world.url, "", more, &clock).await;
        let address = Some(service.internal.clone());
        assert!(world.homeserver.set_appservice_url("medialink", address));
        Self {
            mode,
            world,
            service,
            seen: Vec::new(),
        }
    }

    /// As Alice's client does it on such a homeserver.
    async fn share(&self, bytes: &[u8]) -> Shared {
        let (world, room) = (&self.world, &self.world.room_id);
        if self.mode != Mode::Linked {
            let (mxc, token) = world.upload(bytes, "text/plain").await;
            let mut content = json!({"msgtype": "m.file", "body": "a.txt", "url": mxc});
            if !token.is_empty() {
                content["content_token"] = json!(token);
            }
            let event_id = world.send(room, "m.room.message", &content).await;
            return Shared {
                mxc,
                token,
                event_id,
            };
        }
        let upload = "_matrix/client/unstable/org.matrix.msc3911/media/upload";
        let upload = world.client.post(format!("{}/{upload}", world.url));
        let upload = upload.bearer_auth(&world.alice);
        let upload = upload
            .header("Content-Type", "text/plain")
            .body(bytes.to_vec());
        let (status, told) = answer(upload).await;
        assert_eq!(status, 200, "{told}");
        let mxc = told["content_uri"].as_str().expect("a URI").to_owned();
        let content = json!({"msgtype": "m.file", "body": "a.txt", "url": mxc});
        let path = format!(
            "/_matrix/client/v3/rooms/{room}/send/m.room.message/{}",
            &mxc[8..20].replace('/', "")
        );
        let send = world.client.put(format!("{}{path}", world.url));
        let send = send
            .bearer_auth(&world.alice)
            .query(&[("attach_media", &mxc)]);
        let (status, sent) = answer(send.json(&content)).await;
        assert_eq!(status, 200, "{sent}");
        Shared {
            mxc,
            token: String::new(),
            event_id: sent["event_id"].as_str().expect("an ID").to_owned(),
        }
    }

    async fn link(&self, shared: &Shared, more: Value) -> Value {
        let mut body =
            json!({"mxc": shared.mxc, "room_id": self.world.room_id, "filename": "a.txt"});
        if !shared.token.is_empty() {
            body["content_token"] = json!(shared.token);
        }
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        let link = self.service.issue(body).await;
        if self.mode != Mode::Plain {
            self.service.wait_for_usage(&link, "counted").await;
        }
        link
    }

    /// Somebody follows a link, and it is written down what they see.
    async fn follow(&mut self, link: &Value) {
        for (header, value) in [("Accept", "text/html"), ("Range", "bytes=2-5")] {
            let get = self.service.client.get(url(link)).header(header, value);
            let response = get.send().await.expect("an answer");
            let kind = response.headers()["content-type"]
                .to_str()
                .expect("text")
                .to_owned();
            let status = response.status().as_u16();
            let body = response.bytes().await.expect("whole").to_vec();
            self.seen.push((status, kind, body));
        }
    }

    /// How much the homeserver counts; `None`: it does not.
    async fn count(&self, shared: &Shared) -> Option<i64> {
        let media = self.world.media(&shared.mxc).await;
        match self.mode {
            Mode::Plain => None,
            Mode::Tokens => media["references"].as_i64(),
            Mode::Linked => media["copies"].as_i64(),
        }
    }

    async fn expect_count(&self, shared: &Shared, ours: i64, of_message: i64) {
        self.service.drained().await;
        let expected = match self.mode {
            Mode::Plain => None,
            Mode::Tokens => Some(ours + of_message),
            Mode::Linked => Some(ours),
        };
        assert_eq!(self.count(shared).await, expected, "{:?}", self.mode);
    }

    async fn ends(&self, link: &Value, state: &str) {
        eventually(state, async || {
            (self.service.link(link).await["state"] == state).then_some(())
        })
        .await;
    }
}

async fn life(mode: Mode) -> Vec<Seen> {
    let mut scene = Scene::new(mode).await;
    let room = scene.world.room_id.clone();

    redacted_message(&mut scene, mode).await;

    // A link of no event lives on when the message is redacted, and keeps the media.
    let second = scene.share(b"second words").await;
    let link = scene.link(&second, json!({})).await;
    scene.world.redact(&room, &second.event_id).await;
    scene.expect_count(&second, 1, 0).await;
    if mode != Mode::Plain {
        scene.world.clean_up().await;
    }
    scene.follow(&link).await;
    // It is revoked.
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
    let told = scene.service.call(Method::DELETE, &path, &json!({})).await;
    assert_eq!(told.0, 200, "{}", told.1);
    scene.follow(&link).await;
    scene.expect_count(&second, 0, 0).await;

    expired_and_spent(&mut scene, mode).await;

    // A link that holds everything itself.
    let fourth = scene.share(b"fourth words").await;
    let sealed = json!({"event_id": fourth.event_id, "form": "self_contained"});
    let sealed = scene.link(&fourth, sealed).await;
    scene.follow(&sealed).await;
    scene.expect_count(&fourth, 1, 1).await;
    scene.service.stop().await;
    scene.seen
}

/// One link expires, another one is followed as often as it may be.
async fn expired_and_spent(scene: &mut Scene, mode: Mode) {
    let third = scene.share(b"third words").await;
    let short = json!({"event_id": third.event_id, "lifetime_ms": 60_000});
    let short = scene.link(&third, short).await;
    let once = scene
        .link(
            &third,
            json!({"event_id": third.event_id, "max_follows": 1}),
        )
        .await;
    scene.expect_count(&third, 1, 1).await;
    scene.service.clock.advance(61_000);
    scene.follow(&short).await;
    scene.follow(&once).await;
    scene.ends(&once, "spent").await;
    if mode != Mode::Plain {
        // That a link is over by its time is written down a little later.
        scene.service.wait_for_usage(&short, "released").await;
    }
    scene.expect_count(&third, 0, 1).await;
}

/// A message is redacted: its link ends, and the media can go.
async fn redacted_message(scene: &mut Scene, mode: Mode) {
    let room = scene.world.room_id.clone();
    let first = scene.share(b"first words").await;
    let link = scene
        .link(&first, json!({"event_id": first.event_id}))
        .await;
    scene.follow(&link).await;
    scene.expect_count(&first, 1, 1).await;
    scene.world.redact(&room, &first.event_id).await;
    scene.ends(&link, "redacted").await;
    scene.follow(&link).await;
    scene.expect_count(&first, 0, 0).await;
    if mode != Mode::Plain {
        scene.world.clean_up().await;
        assert_eq!(
            scene.world.media(&first.mxc).await["deleted"],
            json!(true),
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn on_the_three_kinds_of_homeservers_whoever_follows_a_link_sees_the_same() {
    let plain = life(Mode::Plain).await;
    let statuses: Vec<u16> = plain.iter().map(|seen| seen.0).collect();
    assert_eq!(
        statuses,
        [
            200, 206, 410, 410, 200, 206, 410, 410, 410, 410, 200, 410, 200, 206
        ]
    );
    assert_eq!(plain[0].2, b"first words");
    for mode in [Mode::Tokens, Mode::Linked] {
        let seen = life(mode).await;
        assert!(seen == plain, "{mode:?}: {seen:?}");
    }
}
