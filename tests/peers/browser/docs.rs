//! The description of the API, which can be read without scripts and tried with them.

use serde_json::json;
use support::{API_TOKEN, World};

use super::plan::Browser;

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_tried_where_it_is_described() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let world = World::without_content_tokens().await;
    let service = world.service("usage: {mode: never}").await;
    let (mxc, _) = world.upload("hello", "text/plain").await;
    let visit = json!({
        "name": "docs", "url": format!("{}/docs", service.internal), "status": 200,
        "has_script": true, "most_bytes": 300_000, "says": ["POST /v1/links", "Token for trying the calls"],
        "acts": ["try"], "acts_without_scripts": ["read"],
        "token": API_TOKEN, "body": {"mxc": mxc, "room_id": world.room_id},
    });
    browser.holds("docs", &["en"], vec![visit]).await;
    let links = service.listed().await;
    assert_eq!(links.len(), 1, "{links:?}");
    assert_eq!(links[0]["state"], "revoked", "{links:?}");
    service.stop().await;
}
