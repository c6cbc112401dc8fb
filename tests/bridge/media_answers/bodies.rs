//! Bodies that are cut, too large, or never come.

use support::{
    raw::{self, Plan, say, say_all, say_error},
    url,
};

use super::scene::Scene;

#[tokio::test]
async fn a_body_that_is_cut_never_looks_whole() {
    let short = Scene::new(|_| say("200 OK\r\nContent-Length: 1000", [7; 500])).await;
    assert!(short.breaks_off().await.body.len() <= 500);
    let chunked = "200 OK\r\nTransfer-Encoding: chunked";
    let cut_between = Scene::new(move |_| say(chunked, b"5\r\nhello\r\n")).await;
    cut_between.breaks_off().await;
    let cut_within = Scene::new(move |_| say(chunked, b"ff\r\nhello")).await;
    cut_within.breaks_off().await;
    let whole = Scene::new(move |_| say(chunked, b"5\r\nhello\r\n0\r\n\r\n")).await;
    let answer = whole.get().await;
    assert!(
        answer.is_complete && answer.body == b"hello",
        "{}",
        answer.head
    );
    whole.service.stop().await;
}

#[tokio::test]
async fn a_part_that_is_cut_never_looks_whole() {
    let scene = Scene::configured("", "max_size: 100KiB, cache: null", |_| {
        let head =
            "206 Partial Content\r\nContent-Range: bytes 0-9/100\r\nTransfer-Encoding: chunked";
        say(head, b"5\r\nhello\r\n0\r\n\r\n")
    })
    .await;
    let answer = raw::request("GET", &url(&scene.link), "Range: bytes=0-9\r\n").await;
    assert!(
        answer.status == 502 || !answer.is_complete,
        "{}",
        answer.head
    );
    scene.service.stop().await;
}

#[tokio::test]
async fn media_that_is_too_large_is_refused_or_broken_off() {
    let announced = Scene::new(|_| say("200 OK\r\nContent-Length: 102401", [7; 10])).await;
    announced.refuses(502, "M_TOO_LARGE").await;
    let told = Scene::new(|_| say_error("502 Bad Gateway", "M_TOO_LARGE")).await;
    told.refuses(502, "M_TOO_LARGE").await;
    let endless = Scene::new(|_| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut chunk = b"1000\r\n".to_vec();
        chunk.extend([7; 0x1000]);
        chunk.extend(b"\r\n");
        Plan::SayForEver(head.into(), chunk)
    })
    .await;
    assert!(endless.breaks_off().await.body.len() <= 100 << 10);
    let exact = Scene::new(|_| say_all("200 OK", [7; 100 << 10])).await;
    let answer = exact.get().await;
    assert!(answer.is_complete && answer.body.len() == 100 << 10);
    exact.service.stop().await;
    told.service.stop().await;
    announced.service.stop().await;
}

#[tokio::test]
async fn a_homeserver_that_says_nothing_is_slow() {
    let silent = Scene::new(|_| Plan::SayAndWait(Vec::new())).await;
    silent.refuses(504, "M_UNKNOWN").await;
    let half = Scene::new(|_| Plan::SayAndWait(b"HTTP/1.1 200 OK\r\nContent-".to_vec())).await;
    half.refuses(504, "M_UNKNOWN").await;
    let error = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 100\r\n\r\n{";
    let endless_error = Scene::new(|_| Plan::SayAndWait(error.to_vec())).await;
    endless_error.refuses(504, "M_UNKNOWN").await;
    endless_error.service.stop().await;
    half.service.stop().await;
    silent.service.stop().await;
}

#[tokio::test]
async fn the_head_of_media_of_unknown_length_tells_no_length() {
    let scene = Scene::new(|_| say("200 OK\r\nTransfer-Encoding: chunked", "")).await;
    let answer = raw::request("HEAD", &url(&scene.link), "").await;
    assert_eq!(answer.status, 200);
    assert!(
        !answer.head.contains("\ncontent-length:"),
        "{}",
        answer.head
    );
    scene.service.stop().await;
}
