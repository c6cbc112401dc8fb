//! Caches in front learn of every link that has ended.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use support::{
    Service,
    raw::{RawServer, say_all},
    url,
};

#[tokio::test]
async fn a_revocation_of_more_links_than_one_write_ends_is_purged_whole() {
    let front = RawServer::start(|_| say_all("200 OK", "")).await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = format!(
        "usage: {{mode: never}}\nmedia: {{thumbnails: []}}\npurge: [{{url: '{}{{path}}', method: PURGE}}]",
        front.url
    );
    let service = Service::start(folder.path(), "http://127.0.0.1:1", &more).await;
    let link =
        |n: usize| json!({"mxc": format!("mxc://example.org/m{n}"), "room_id": "!r:example.org"});
    let links: Vec<_> = (0..600).map(link).collect();
    let body = json!({"links": links});
    let (status, issued) = service.call(Method::POST, "/v1/links/batch", &body).await;
    assert_eq!(status, 200, "{issued}");
    let token = |link| {
        url(link)
            .split('/')
            .nth(4)
            .expect("a token")
            .to_ascii_lowercase()
    };
    let tokens: BTreeSet<String> = issued["results"]
        .as_array()
        .expect("links")
        .iter()
        .map(token)
        .collect();
    assert_eq!(tokens.len(), 600);
    let revoked = service
        .revoke_matching(json!({"room_id": "!r:example.org"}))
        .await;
    assert_eq!(revoked, 600);
    support::eventually("all to be purged", async || {
        let heads = front.heads();
        let purged = heads
            .iter()
            .filter_map(|head| head.split('/').nth(2)?.split(' ').next());
        let purged: BTreeSet<&str> = purged.collect();
        tokens
            .iter()
            .all(|token| purged.contains(token.as_str()))
            .then_some(())
    })
    .await;
    service.stop().await;
}
