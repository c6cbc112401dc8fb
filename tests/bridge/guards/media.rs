//! What the homeserver says of media that is not there, or not for everybody.

use reqwest::Method;
use serde_json::json;
use support::{
    Service, World,
    raw::{RawServer, say_all, say_error},
    url,
};

use super::scene::status_of;

#[tokio::test]
async fn media_that_is_not_uploaded_yet_is_told_in_time() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never, touch: never}").await;
    let (_, created) = world
        .as_alice(Method::POST, "/_matrix/media/v1/create", &json!({}))
        .await;
    let link = service
        .issue(json!({"mxc": created["content_uri"], "content_token": created["content_token"], "room_id": world.room_id}))
        .await;
    let (status, told) = status_of(&url(&link)).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (503, &json!("M_NOT_YET_UPLOADED"))
    );
    service.stop().await;
}

#[tokio::test]
async fn a_content_token_is_offered_once_and_left_out_only_at_the_old_endpoint() {
    let old = "get /_matrix/media/v3/download/";
    for (status, errcode, downloads) in [
        ("403 Forbidden", "M_UNAUTHORIZED", 1),
        ("401 Unauthorized", "M_UNAUTHORIZED", 1),
        ("403 Forbidden", "M_MISSING_CONTENT_TOKEN", 1),
        ("404 Not Found", "M_NOT_FOUND", 1),
        ("404 Not Found", "M_UNRECOGNIZED", 2),
        ("404 Not Found", "", 2),
    ] {
        let homeserver = RawServer::start(move |head| match errcode {
            _ if head.starts_with(old) => say_all("200 OK\r\nContent-Type: text/plain", "hello"),
            "" => say_all(status, "<html>"),
            errcode => say_error(status, errcode),
        })
        .await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = "usage: {mode: never, touch: never}";
        let service = Service::start(folder.path(), &homeserver.url, more).await;
        let link = json!({"mxc": "mxc://example.org/a", "room_id": "!r:example.org", "content_token": "offered-token"});
        let link = service.issue(link).await;
        let expected = match (downloads, errcode) {
            (2, _) => 200,
            (_, "M_NOT_FOUND") => 404,
            _ => 502,
        };
        assert_eq!(
            status_of(&url(&link)).await.0.as_u16(),
            expected,
            "{errcode}"
        );
        let heads = homeserver.heads();
        assert_eq!(heads.len(), downloads, "{errcode}");
        for head in heads {
            let is_old = head.starts_with(old);
            assert_eq!(head.contains("offered-token"), !is_old, "{errcode}");
            assert!(head.contains("timeout_ms=3750"), "{head}");
        }
        service.stop().await;
    }
}
