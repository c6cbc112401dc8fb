//! The service stops when it cannot go on, and says why.

use futures_util::StreamExt;
use serde_json::json;
use support::{World, eventually, process::generate, url};

#[tokio::test]
async fn a_write_that_panics_stops_the_service_with_its_reason() {
    let world = World::new().await;
    let service = world.service("").await;
    assert_eq!(service.get("/robots.txt").await.status(), 200);
    service.panic_in_a_write().await.expect_err("it panics");
    let (client, public) = (service.client.clone(), service.public.clone());
    let reason = service.ended().await;
    assert!(
        reason.contains("a write to the database has panicked"),
        "{reason}"
    );
    let asked = client.get(format!("{public}/robots.txt")).send().await;
    assert!(asked.is_err(), "nobody is let in any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_downloads_end_before_it_stops() {
    let world = World::new().await;
    let size = 8 << 20;
    let (mxc, token) = generate(&world.homeserver, size, "video/mp4").await;
    let service = world.service("usage: {mode: never}").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = service.issue(body).await;
    let response = service.client.get(url(&link)).send().await;
    let mut pieces = response.expect("an answer").bytes_stream();
    let first = pieces.next().await.expect("a piece").expect("bytes");
    service.panic_in_a_write().await.expect_err("it panics");
    let (client, public) = (service.client.clone(), service.public.clone());
    let rest = async {
        // The rest is read only once nobody new is let in.
        eventually("the stop to begin", async || {
            let asked = client.get(format!("{public}/robots.txt")).send().await;
            asked.is_err().then_some(())
        })
        .await;
        let mut read = first.len() as u64;
        while let Some(piece) = pieces.next().await {
            read += piece.expect("a whole body").len() as u64;
        }
        read
    };
    let (read, reason) = tokio::join!(rest, service.ended());
    assert_eq!(read, size);
    assert!(reason.contains("panicked"), "{reason}");
}
