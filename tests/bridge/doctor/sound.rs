//! Where nothing is wrong, nothing is said to be, and nothing is left behind.

use reqwest::Method;
use serde_json::json;

use super::scene::{Proxy, Scene, told};

/// Nothing that it does is done for long enough to be counted.
const MORE: &str = "usage: {batch_window: 20ms}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_system_has_no_fault() {
    let mut scene = Scene::new(MORE).await;
    scene.process.start().await;
    let said = scene.doctor();
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert!(said.of_level("fault").is_empty(), "{}", said.text);
    let found = said.of_level("ok");
    for check in [
        "key_file",
        "cache",
        "database",
        "keys",
        "homeserver",
        "clock",
        "features",
        "as_token",
        "ping",
        "upload",
        "rooms",
        "service",
        "public_url",
        "issue",
        "media",
        "follow",
        "headers",
        "cache_control",
        "range",
        "head",
        "client",
        "revoke",
        "end",
        "clean_up",
    ] {
        assert!(found.contains(check), "{check}: {}", said.text);
    }
    let text = scene.process.run(&["doctor"]);
    assert!(text.status.success());
    let text = String::from_utf8(text.stdout).expect("text");
    assert!(
        text.contains("ok      follow: the link through the public URL: the media"),
        "{text}"
    );
    assert!(text.contains("\n0 faults, "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_is_revoked_and_no_event_is_sent() {
    let mut scene = Scene::new(MORE).await;
    scene.process.start().await;
    let said = scene.doctor();
    assert_eq!(said.code, Some(0), "{}", said.text);
    let listed = scene
        .process
        .call(Method::GET, "/v1/links", &json!({}))
        .await;
    let links = listed.expect("an answer").1;
    let links = links["links"].as_array().expect("links");
    assert_eq!(links.len(), 1);
    assert_eq!(links[0]["state"], "revoked");
    scene.process.drained().await;
    assert!(
        scene
            .world
            .meta_events(&scene.world.room_id)
            .await
            .is_empty()
    );
    assert_eq!(scene.world.requests("rooms.redact").await, 0);
    // Neither the findings nor the log tell the link's token.
    for text in [said.text, scene.process.log()] {
        assert!(!text.contains("/medialink-doctor.txt"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_proxy_has_no_fault() {
    let mut scene = Scene::new(MORE).await;
    let proxy = Proxy::start(&scene.process.public, told, |head| head).await;
    scene.publish_at(&proxy.url);
    scene.process.start().await;
    let said = scene.doctor();
    assert_eq!(said.code, Some(0), "{}", said.text);
    let client = said.of("client");
    assert!(client.contains("counted as 198.51.100.7"), "{client}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_run_is_told_and_the_rest_is_looked_at() {
    let mut scene = Scene::new(MORE).await;
    let before = scene.doctor();
    assert!(
        before.of("database").contains("first start"),
        "{}",
        before.text
    );
    scene.process.start().await;
    scene.process.kill();
    let said = scene.doctor();
    said.has_fault("service", &["it does not run", "medialink serve"]);
    let found = said.of_level("ok");
    for check in ["homeserver", "clock", "as_token", "upload", "rooms"] {
        assert!(found.contains(check), "{check}: {}", said.text);
    }
    assert!(said.lines.iter().all(|line| line["check"] != "follow"));
}
