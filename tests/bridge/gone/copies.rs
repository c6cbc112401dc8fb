//! Media that is served by a copy (MSC3911), and media that its event hides.

use matrix_test_server::Options;
use serde_json::{Value, json};
use support::{
    Service, World,
    faulty::{Faulty, error},
};

use super::scene::{HOUR, MINUTE};

struct Copied {
    world: World,
    faulty: Faulty,
    service: Service,
    link: Value,
}

/// A link that serves its copy.
async fn copied() -> Copied {
    let world = World::with(Options {
        content_tokens: false,
        linked_media: true,
        ..Options::default()
    })
    .await;
    let faulty = Faulty::start(&world.url).await;
    let more = "usage: {batch_window: 20ms, touch: never}";
    let service = Service::start(world.folder.path(), &faulty.url, more).await;
    service.knows_linked_media().await;
    let (mxc, _) = world.upload("some bytes", "text/plain").await;
    let link = json!({"mxc": mxc, "room_id": world.room_id});
    let link = service.issue(link).await;
    service.wait_for_usage(&link, "counted").await;
    assert!(service.copy_of(&link).await.is_some());
    assert_eq!(service.follow(&link).await.status(), 200);
    Copied {
        world,
        faulty,
        service,
        link,
    }
}

impl Copied {
    async fn status(&self) -> u16 {
        self.service.follow(&self.link).await.status().as_u16()
    }

    async fn state(&self) -> Value {
        self.service.link(&self.link).await["state"].clone()
    }
}

#[tokio::test]
async fn media_is_there_as_long_as_its_copy_or_its_original_is() {
    let scene = copied().await;
    let path = |mxc: &str| mxc.replacen("mxc://", "/download/", 1);
    let mxc = scene.link["mxc"].as_str().expect("mxc");
    let copy = scene.service.copy_of(&scene.link).await.expect("a copy");
    for (missing, other) in [(path(&copy), path(mxc)), (path(mxc), path(&copy))] {
        for _ in 0..2 {
            scene.service.clock.advance(HOUR);
            let before = scene.faulty.seen(&other);
            scene.faulty.next(&missing, [error(404, "M_NOT_FOUND")]);
            assert_eq!(scene.status().await, 200);
            assert!(scene.faulty.seen(&other) > before);
        }
    }
    assert_eq!(scene.state().await, "live");
    scene.service.stop().await;
}

#[tokio::test]
async fn media_whose_event_is_hidden_is_gone_and_forbidden_media_is_withheld() {
    for (errcode, last) in [("M_UNAUTHORIZED", "gone"), ("M_FORBIDDEN", "live")] {
        let scene = copied().await;
        scene.service.clock.advance(HOUR);
        for _ in 0..2 {
            scene
                .faulty
                .next("/download/", [error(403, errcode), error(403, errcode)]);
            let status = scene.status().await;
            assert!(status == 502 || status == 404, "{errcode}: {status}");
            scene.service.clock.advance(MINUTE);
        }
        assert_eq!(scene.state().await, last, "{errcode}");
        assert!(!scene.world.url.is_empty());
        scene.service.stop().await;
    }
}
