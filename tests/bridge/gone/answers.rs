//! The homeserver's words for media that is gone, and how readers and bridges are told.

use serde_json::json;
use support::{
    Service, World,
    faulty::{Faulty, error},
    raw::{RawServer, say_all, say_error},
};

use super::scene::{HOUR, MINUTE, Scene, UNTOUCHED};

#[tokio::test]
async fn gone_is_told_by_m_gone_as_well() {
    let scene = Scene::new(UNTOUCHED).await;
    scene.service.clock.advance(HOUR);
    for state in ["live", "gone"] {
        scene.next([error(410, "M_GONE"), error(410, "M_GONE")]);
        assert_eq!(scene.told().await, (404, json!("M_NOT_FOUND")));
        assert_eq!(scene.state().await, state);
        scene.service.clock.advance(MINUTE);
    }
    scene.service.stop().await;
}

#[tokio::test]
async fn a_thumbnail_out_of_the_cache_goes_with_its_media() {
    let homeserver = RawServer::start({
        let is_deleted = std::sync::atomic::AtomicBool::new(false);
        move |head| {
            if head.contains("/delete-it") {
                is_deleted.store(true, std::sync::atomic::Ordering::SeqCst);
                say_all("200 OK", "")
            } else if is_deleted.load(std::sync::atomic::Ordering::SeqCst) {
                say_error("404 Not Found", "M_NOT_FOUND")
            } else if head.contains("if-none-match") {
                say_all("304 Not Modified", "")
            } else {
                say_all(
                    "200 OK\r\nContent-Type: image/png",
                    b"\x89PNG\r\n\x1a\nsmall",
                )
            }
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start(folder.path(), &homeserver.url, UNTOUCHED).await;
    let link = json!({"mxc": "mxc://example.org/cat", "room_id": "!r:example.org"});
    let link = service.issue(link).await;
    let thumbnail = support::url(&link).replace("/m/", "/t/") + "?width=96&height=96";
    let status = async || {
        let get = service.client.get(&thumbnail).send().await;
        get.expect("an answer").status().as_u16()
    };
    assert_eq!((status().await, status().await), (200, 200));
    assert_eq!(homeserver.heads().len(), 1, "out of the cache");
    service.clock.advance(HOUR);
    assert_eq!(status().await, 200, "asked, and still there");
    let delete = format!("{}/delete-it", homeserver.url);
    service.client.get(delete).send().await.expect("an answer");
    service.clock.advance(HOUR);
    assert_eq!(status().await, 404);
    assert_eq!(service.link(&link).await["state"], "live");
    service.clock.advance(MINUTE);
    assert_eq!(status().await, 404);
    assert_eq!(service.link(&link).await["state"], "gone");
    service.stop().await;
}

#[tokio::test]
async fn refusals_are_told_to_readers_as_failures() {
    let scene = Scene::new("usage: {batch_window: 20ms, touch: never}\nmedia: {cache: null}").await;
    for (status, errcode) in [
        (403, "M_USER_LIMIT_EXCEEDED"),
        (403, "M_RESOURCE_LIMIT_EXCEEDED"),
        (403, "M_FORBIDDEN"),
        (403, "M_UNAUTHORIZED"),
    ] {
        scene.service.clock.advance(MINUTE);
        scene.next_error(status, errcode);
        assert_eq!(scene.told().await, (502, json!("M_UNKNOWN")), "{errcode}");
    }
    assert_eq!(scene.state().await, "live");
    scene.service.stop().await;
}

#[tokio::test]
async fn a_bridge_is_told_which_limit_refuses_its_paste() {
    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let service = Service::start(world.folder.path(), &faulty.url, UNTOUCHED).await;
    for (status, errcode, expected) in [
        (403, "M_USER_LIMIT_EXCEEDED", (403, "M_USER_LIMIT_EXCEEDED")),
        (
            400,
            "ORG.MATRIX.MSC4335_USER_LIMIT_EXCEEDED",
            (403, "M_USER_LIMIT_EXCEEDED"),
        ),
        (
            400,
            "M_RESOURCE_LIMIT_EXCEEDED",
            (403, "M_RESOURCE_LIMIT_EXCEEDED"),
        ),
        (403, "M_FORBIDDEN", (502, "M_FORBIDDEN")),
    ] {
        faulty.next("/upload", [error(status, errcode)]);
        let body = json!({"text": "a long text", "room_id": world.room_id});
        let (status, told) = service
            .call(reqwest::Method::POST, "/v1/pastes", &body)
            .await;
        assert_eq!(
            (status.as_u16(), &told["errcode"]),
            (expected.0, &json!(expected.1))
        );
        let text = told["error"].as_str().expect("a text");
        assert!(text.contains("homeserver"), "{text}");
    }
    service.stop().await;
}
