//! What is told of queues, of the cache and of the homeserver, as an operator's alerts read it.

use serde_json::json;
use support::{Process, World, eventually, url};

/// The value of a metric, once it is over zero.
async fn value(process: &Process, name: &str) -> f64 {
    eventually(name, async || {
        let told = process.client.get(format!("{}/metrics", process.internal));
        let told = told.send().await.expect("an answer").text().await;
        let told = told.expect("text");
        let mut values = told
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        values.next().filter(|value| *value > 0.0)
    })
    .await
}

#[tokio::test]
async fn what_waits_for_the_homeserver_and_for_how_long_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = "usage: {mode: always, batch_window: 20ms}";
    let mut process = Process::new(folder.path(), "http://127.0.0.1:1", more);
    process.start().await;
    let link = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
    process.issue(link).await;
    assert!((value(&process, "medialink_usage_waiting").await - 1.0).abs() < 0.1);
    assert!(value(&process, "medialink_usage_oldest_seconds").await < 60.0);
    let unreachable = r#"medialink_homeserver_answers_total{kind="other",outcome="unreachable"}"#;
    value(&process, unreachable).await;
    assert!(process.terminate().await.success());
}

#[tokio::test]
async fn the_cache_and_the_answers_of_the_homeserver_are_told() {
    let world = World::new().await;
    let more = "usage: {mode: never}\nmedia: {cache: {dir: data/cache}}";
    let mut process = Process::new(world.folder.path(), &world.url, more);
    process.start().await;
    let (mxc, token) = world.upload("x".repeat(300_000), "text/plain").await;
    let link = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = process.issue(link).await;
    let answer = process.client.get(url(&link)).send().await;
    assert_eq!(
        answer.expect("an answer").bytes().await.expect("all").len(),
        300_000
    );
    let missing = json!({"mxc": "mxc://example.org/none", "room_id": world.room_id});
    let missing = process.issue(missing).await;
    let answer = process.client.get(url(&missing)).send().await;
    assert_eq!(answer.expect("an answer").status(), 404);
    assert!(value(&process, "medialink_cache_bytes").await >= 300_000.0);
    assert!((value(&process, "medialink_cache_objects").await - 1.0).abs() < 0.1);
    for outcome in ["ok", "M_NOT_FOUND"] {
        let name =
            format!(r#"medialink_homeserver_answers_total{{kind="media",outcome="{outcome}"}}"#);
        value(&process, &name).await;
    }
    assert!(process.terminate().await.success());
}
