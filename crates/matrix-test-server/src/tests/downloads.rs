//! Ranges, heads, touches and thumbnails.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::generated_byte;

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_honoured_only_where_wanted() {
    let plain = start(|_| ()).await;
    let alice = register(&plain, "alice").await;
    let medium = generate(&alice, 200_000).await;
    let whole = alice
        .fetch(&medium)
        .header("range", "bytes=1-2")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (whole.status().as_u16(), header(&whole, "content-length")),
        (200, "200000")
    );

    let homeserver = start(|options| options.ranges = true).await;
    let alice = register(&homeserver, "alice").await;
    let stored = alice.upload(b"0123456789", "text/plain").await;
    let part = alice
        .fetch(&stored)
        .header("range", "bytes=2-4")
        .send()
        .await
        .unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(header(&part, "content-range"), "bytes 2-4/10");
    assert_eq!(header(&part, "content-length"), "3");
    assert_eq!(part.bytes().await.unwrap(), "234");
    let beyond = alice
        .fetch(&stored)
        .header("range", "bytes=10-")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (beyond.status().as_u16(), header(&beyond, "content-range")),
        (416, "bytes */10")
    );

    let medium = generate(&alice, 200_000).await;
    let part = alice
        .fetch(&medium)
        .header("range", "bytes=65000-150000")
        .send()
        .await
        .unwrap();
    assert_eq!(header(&part, "content-range"), "bytes 65000-150000/200000");
    let expected: Vec<u8> = (65_000..=150_000).map(generated_byte).collect();
    assert!(part.bytes().await.unwrap() == expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_touches_have_no_body_and_are_recorded() {
    let homeserver = start(|options| options.content_tokens = false).await;
    let alice = register(&homeserver, "alice").await;
    let medium = generate(&alice, 5_000_000_000_000).await;
    let path = medium.download();
    let head = alice.request(Method::HEAD, &path).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(header(&head, "content-length"), "5000000000000");
    assert_eq!(head.bytes().await.unwrap().len(), 0);
    let before = alice.count(&medium).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let touch = alice
        .request(Method::GET, &path)
        .header("if-none-match", "1");
    let touch = touch.send().await.unwrap();
    assert_eq!(
        (touch.status().as_u16(), header(&touch, "etag")),
        (304, "1")
    );
    let after = alice.count(&medium).await;
    assert_eq!(
        (&after["downloads"], &after["not_modified"]),
        (&json!(0), &json!(1))
    );
    assert!(after["last_accessed_ts"].as_u64() > before["last_accessed_ts"].as_u64());
    // Nobody waits for all of it.
    let mut body = alice.fetch(&medium).send().await.unwrap();
    assert_eq!(body.chunk().await.unwrap().unwrap()[9], generated_byte(9));
    drop(body);
    let empty = alice.upload(b"", "text/plain").await;
    let got = alice.fetch(&empty).send().await.unwrap();
    assert_eq!(
        (got.status().as_u16(), header(&got, "content-length")),
        (200, "0")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn thumbnails_are_of_images() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let thumbnail = |medium: &Uploaded, query: &str| {
        let path = format!("/_matrix/client/v1/media/thumbnail/{}?{query}", medium.path);
        let token = medium.token.clone().unwrap();
        alice
            .request(Method::GET, &path)
            .header("x-matrix-content-token", token)
            .send()
    };
    let text = alice.upload(b"text", "text/plain").await;
    let image = alice.upload(b"image", "image/png").await;
    let size = "width=96&height=96&method=crop";
    let refused = answer(thumbnail(&text, size).await.unwrap()).await;
    assert_eq!(failure(&refused), (400, "M_UNKNOWN"));
    let refused = answer(thumbnail(&image, "height=5").await.unwrap()).await;
    assert_eq!(failure(&refused), (400, "M_MISSING_PARAM"));
    assert_eq!(thumbnail(&image, size).await.unwrap().status(), 200);
}
