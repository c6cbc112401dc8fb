//! Texts whose links have ended are deleted from a homeserver that lets users do so (MSC4322).

use matrix_test_server::Options;
use medialink::{clock::Clock, homeserver::MEDIA_DELETION};
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    Service, World, eventually,
    faulty::{Fault, Faulty, error},
};

const MORE: &str = "usage: {batch_window: 20ms}\nmedia: {cache: null}";

struct Scene {
    world: World,
    faulty: Faulty,
    clock: Clock,
}

impl Scene {
    async fn new(options: Options) -> Self {
        let world = World::with(options).await;
        let faulty = Faulty::start(&world.url).await;
        Self {
            world,
            faulty,
            clock: Clock::default(),
        }
    }

    async fn start(&self) -> Service {
        let folder = self.world.folder.path();
        Service::start_at(folder, &self.faulty.url, "", MORE, &self.clock).await
    }

    async fn paste(&self, service: &Service, text: &str) -> Value {
        let body = json!({"text": text, "room_id": self.world.room_id});
        let (status, link) = service.call(Method::POST, "/v1/pastes", &body).await;
        assert_eq!(status, 201, "{link}");
        service.wait_for_usage(&link, "counted").await
    }

    async fn is_deleted(&self, link: &Value) -> bool {
        let mxc = link["mxc"].as_str().expect("a URI");
        self.world.media(mxc).await["deleted"] == true
    }

    async fn until_deleted(&self, service: &Service, link: &Value) {
        eventually("the text to be deleted", async || {
            service.clock.advance(61_000);
            self.is_deleted(link).await.then_some(())
        })
        .await;
    }
}

/// A homeserver that offers it, and takes content tokens or links media to events.
fn offering(linked_media: bool) -> Options {
    Options {
        media_redaction: true,
        content_tokens: !linked_media,
        linked_media,
        ..Options::default()
    }
}

#[tokio::test]
async fn a_text_is_deleted_after_its_last_link_and_what_others_uploaded_is_not() {
    let scene = Scene::new(offering(false)).await;
    let service = scene.start().await;
    service.knows_feature(MEDIA_DELETION).await;
    let link = scene.paste(&service, "a text").await;
    let stored = service.stored(&link).await;
    let token = stored.claims.content_token.as_ref().expect("a token");
    let second = service
        .issue(json!({"mxc": link["mxc"], "content_token": token.expose(),
            "room_id": scene.world.room_id, "event_id": "$second"}))
        .await;
    let (mxc, token) = scene.world.upload("of Alice", "text/plain").await;
    let other = service
        .issue(json!({"mxc": mxc, "content_token": token, "room_id": scene.world.room_id}))
        .await;
    for ended in [&link, &other] {
        service.revoke(ended).await;
    }
    service.wait_for_usage(&other, "released").await;
    service.clock.advance(200_000);
    service.drained().await;
    assert_eq!(scene.world.requests("media.redact").await, 0);
    service.revoke(&second).await;
    scene.until_deleted(&service, &link).await;
    assert!(!scene.is_deleted(&other).await);
    assert_eq!(scene.world.requests("media.redact").await, 1);
    let released = service.link(&link).await;
    assert_eq!(released["usage"]["state"], "released");
    service.stop().await;
}

#[tokio::test]
async fn it_is_tried_until_it_succeeds_also_after_a_restart() {
    for linked_media in [false, true] {
        let scene = Scene::new(offering(linked_media)).await;
        let service = scene.start().await;
        service.knows_feature(MEDIA_DELETION).await;
        let link = scene.paste(&service, "a text").await;
        let word = "/media/redact/";
        scene.faulty.next(
            word,
            [
                error(502, ""),
                error(429, "M_LIMIT_EXCEEDED"),
                Fault::DropAfter,
            ],
        );
        service.revoke(&link).await;
        eventually("an attempt", async || {
            service.clock.advance(61_000);
            (scene.faulty.seen(word) > 0).then_some(())
        })
        .await;
        service.stop().await;
        let service = scene.start().await;
        eventually("a success", async || {
            service.clock.advance(600_000);
            (scene.faulty.seen(word) == 4).then_some(())
        })
        .await;
        scene.until_deleted(&service, &link).await;
        assert_eq!(scene.faulty.left(), 0);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_homeserver_that_does_not_offer_it_is_not_asked() {
    let scene = Scene::new(Options::default()).await;
    let service = scene.start().await;
    let link = scene.paste(&service, "a text").await;
    service.revoke(&link).await;
    service.wait_for_usage(&link, "released").await;
    service.clock.advance(200_000);
    service.drained().await;
    assert_eq!(scene.faulty.seen("/media/redact/"), 0);
    service.stop().await;
}
