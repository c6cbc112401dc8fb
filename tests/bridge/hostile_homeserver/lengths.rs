//! Bodies that are cut, too long, or contradict what was said of them.

use serde_json::{Value, json};
use support::url;

use super::{
    play::Play,
    upstream::{Upstream, ok, response},
};

#[tokio::test]
async fn a_cut_body_never_looks_complete() {
    let play =
        Play::of(Upstream::start(false, |_| ok("Content-Length: 100\r\n", "only this")).await)
            .await;
    play.is_visibly_cut("nothing else").await;
    play.service.stop().await;
    let play = Play::of(
        Upstream::start(false, |_| {
            ok("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n5\r\nwo")
        })
        .await,
    )
    .await;
    play.is_visibly_cut("world").await;
    // Standing still: the harness gives it five seconds.
    play.service.stop().await;
    let play =
        Play::of(Upstream::start(true, |_| ok("Content-Length: 100\r\n", "only this")).await).await;
    play.is_visibly_cut("nothing else").await;
    play.service.stop().await;
}

#[tokio::test]
async fn media_that_is_too_large_is_refused_by_its_announced_and_by_its_true_length() {
    let play = Play::of(Upstream::start(true, |_| ok("Content-Length: 1025\r\n", "x")).await).await;
    let (status, told) = play.status().await;
    assert_eq!((status, &told["errcode"]), (502, &json!("M_TOO_LARGE")));
    let endless = || {
        Upstream::start(false, |_| {
            let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
            ok("Transfer-Encoding: chunked\r\n", &chunk.repeat(8))
        })
    };
    play.service.stop().await;
    let play = Play::of(endless().await).await;
    play.is_visibly_cut(&"x".repeat(1025)).await;
    play.service.stop().await;
    let play =
        Play::of(Upstream::start(false, |_| ok("Content-Length: 5\r\n", "hello and more")).await)
            .await;
    assert_eq!(
        play.service
            .follow(&play.link)
            .await
            .text()
            .await
            .expect("a body"),
        "hello"
    );
    play.service.stop().await;
}

#[tokio::test]
async fn a_body_that_contradicts_its_length_is_not_complete() {
    let longer = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
    let shorter = "Content-Length: 50\r\nTransfer-Encoding: chunked\r\n";
    for headers in [longer, shorter] {
        for body in [
            "b\r\nhello world\r\n0\r\n\r\n",
            "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
        ] {
            let play = Play::of(Upstream::start(false, move |_| ok(headers, body)).await).await;
            let response = play.service.follow(&play.link).await;
            let arrived = response.text().await.expect("a body");
            assert_eq!(arrived, "hello world", "the chunks tell the length");
            play.service.stop().await;
        }
    }
    let part =
        "HTTP/1.1 206 X\r\nContent-Range: bytes 0-4/20\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in ["b\r\nhello world\r\n0\r\n\r\n", "3\r\nhel\r\n0\r\n\r\n"] {
        let bytes = format!("{part}{body}").into_bytes();
        let upstream = Upstream::start(false, move |_| bytes.clone()).await;
        let play = Play::new(upstream, "media: {cache: null}", json!({})).await;
        let request = play.service.client.get(url(&play.link));
        if let Ok(response) = request.header("Range", "bytes=0-4").send().await {
            assert!(
                response.status() == 502 || response.bytes().await.is_err(),
                "{body}"
            );
        }
        play.service.stop().await;
    }
}

#[tokio::test]
async fn a_part_of_what_is_too_large_is_too_large() {
    let part = || response(206, "Content-Range: bytes 0-1/9999\r\n", "hi");
    let upstream = Upstream::start(false, move |_| part()).await;
    let more = "media: {max_size: 1KiB, cache: null}";
    let play = Play::new(upstream, more, json!({})).await;
    let request = play.service.client.get(url(&play.link));
    let ranged = request.header("Range", "bytes=0-1").send().await;
    let ranged = ranged.expect("an answer");
    assert_eq!(ranged.status(), 502);
    let told: Value = ranged.json().await.expect("JSON");
    assert_eq!(told["errcode"], "M_TOO_LARGE");
    play.service.stop().await;
}
