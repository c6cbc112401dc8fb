//! The end of the process.

use futures_util::StreamExt;
use serde_json::json;
use support::{Process, World, eventually, only_on_sqlite, process::generate, url};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_waits_for_nobody_and_loses_nothing_acknowledged() {
    let world = World::new().await;
    let (mxc, token) = generate(&world.homeserver, 1 << 30, "video/mp4").await;
    let more = "media: {max_size: 2GiB}\nusage: {batch_window: 20ms}";
    let mut process = Process::new(world.folder.path(), &world.url, more);
    process.start().await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = process.issue(body).await;
    let response = process.client.get(url(&link)).send().await;
    let mut pieces = response.expect("an answer").bytes_stream();
    pieces.next().await.expect("a piece").expect("bytes");
    process.signal("INT");
    eventually("the stop to begin", async || {
        process.log().contains("stopping").then_some(())
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(process.is_running(), "an open download is waited for");
    process.signal("TERM");
    let started = std::time::Instant::now();
    let status = process.ended().await;
    assert_eq!(status.code(), Some(130), "{status}");
    assert!(started.elapsed().as_secs() < 5, "it waited all the same");
    drop(pieces);
    process.start().await;
    process.drained().await;
    let head = process.client.head(url(&link)).send().await;
    assert_eq!(head.expect("an answer").status(), 200);
    let media = world.media(&mxc).await;
    assert_eq!(
        (&media["references"], &media["max_references"]),
        (&json!(1), &json!(1)),
        "{media}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_lets_open_downloads_end_and_loses_no_count() {
    let world = World::new().await;
    let size = 64 << 20;
    let (mxc, token) = generate(&world.homeserver, size, "video/mp4").await;
    let mut process = Process::new(
        world.folder.path(),
        &world.url,
        "usage: {batch_window: 20ms}",
    );
    process.start().await;
    let second = process.run(&["serve"]);
    assert!(!second.status.success());
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        told.contains("cannot listen") || told.contains("another service"),
        "{told}"
    );
    let link = process
        .issue(json!({"mxc": mxc, "content_token": token, "room_id": world.room_id}))
        .await;
    let response = process
        .client
        .get(url(&link))
        .send()
        .await
        .expect("an answer");
    let mut pieces = response.bytes_stream();
    let mut read = pieces.next().await.expect("a piece").expect("bytes").len() as u64;
    let client = process.client.clone();
    let public = process.public.clone();
    let rest = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert!(
            client
                .get(format!("{public}/robots.txt"))
                .send()
                .await
                .is_err(),
            "nobody new is let in"
        );
        while let Some(piece) = pieces.next().await {
            read += piece.expect("a whole body").len() as u64;
        }
        read
    };
    let (read, status) = tokio::join!(rest, process.terminate());
    assert_eq!(read, size);
    assert!(status.success(), "{status}");
    process.start().await;
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
    let (_, link) = process
        .call(reqwest::Method::GET, &path, &json!({}))
        .await
        .expect("an answer");
    assert_eq!(
        (&link["follows"], &link["bytes_served"]),
        (&json!(1), &json!(size))
    );
}

#[tokio::test]
async fn a_second_service_on_the_same_database_is_refused() {
    if !only_on_sqlite("on PostgreSQL, several services share a database") {
        return;
    }
    let world = World::new().await;
    let mut process = Process::new(world.folder.path(), &world.url, "");
    process.start().await;
    // With ports of its own, and the same files.
    let second = std::process::Command::new(support::process::binary())
        .arg("--config")
        .arg(world.folder.path().join("bridge.yaml"))
        .arg("serve")
        .env("MEDIALINK_LISTEN__PUBLIC", "127.0.0.1:0")
        .env("MEDIALINK_LISTEN__INTERNAL", "127.0.0.1:0")
        .output()
        .expect("the command runs");
    assert!(!second.status.success());
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(told.contains("another service"), "{told}");
    // The lock goes with its holder, however that ends.
    process.kill();
    process.start().await;
}
