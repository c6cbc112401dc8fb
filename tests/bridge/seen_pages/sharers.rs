//! Who shared a file, where the bridge wants it to be told.

use serde_json::{Value, json};
use support::{API_TOKEN, Service, World};

const TELLING: &str = "\x20 - {id: telling, network: Telling, api_token: telling-token, as_token: t2, hs_token: t3, \
    user_id: '@telling:example.org', show_sender: true}\nusage: {mode: never}";

async fn page(service: &Service, world: &World, api_token: &str, sender: Value) -> String {
    let body = json!({"mxc": "mxc://example.org/a", "room_id": world.room_id, "mimetype": "application/zip",
        "size": 1, "sender": sender});
    let request = service
        .client
        .post(format!("{}/v1/links", service.internal));
    let request = request.bearer_auth(api_token).json(&body);
    let link: Value = request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let page = service
        .client
        .get(link["page_url"].as_str().expect("a page"));
    page.send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a page")
}

#[tokio::test]
async fn the_sharer_is_told_where_the_bridge_says_so() {
    let world = World::new().await;
    let service = world.service(TELLING).await;
    let alice = json!("@alice:example.org");
    let silent = page(&service, &world, API_TOKEN, alice.clone()).await;
    assert!(!silent.contains("alice"), "{silent}");
    let telling = page(&service, &world, "telling-token", alice).await;
    let told = "Shared by @alice:example.org · Shared from a Matrix room bridged to Telling";
    let shown = "Shared by <bdi>@alice:example.org</bdi> · Shared from a Matrix room bridged to <bdi>Telling</bdi>";
    for place in [
        format!("<p class=\"muted\">{shown}</p>"),
        format!("\"og:description\" content=\"{told}\""),
    ] {
        assert!(telling.contains(&place), "{place} in {telling}");
    }
    let unknown = page(&service, &world, "telling-token", Value::Null).await;
    assert!(
        unknown.contains("Shared from a Matrix room bridged to <bdi>Telling</bdi></p>"),
        "{unknown}"
    );
    service.stop().await;
}
