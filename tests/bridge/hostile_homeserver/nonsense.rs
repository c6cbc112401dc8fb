//! Silence, nonsense, and heads that differ from what follows them.

use serde_json::json;
use support::url;

use super::{
    play::Play,
    upstream::{Upstream, ok, response},
};

#[tokio::test]
async fn silence_and_nonsense_are_told_as_the_homeservers_failure() {
    let play = Play::of(Upstream::start(true, |_| Vec::new()).await).await;
    assert_eq!(play.status().await.0, 504);
    for nonsense in [
        ok("Content-Encoding: gzip\r\nContent-Length: 2\r\n", "hi"),
        response(206, "Content-Range: bytes 0-1/9\r\n", "hi"),
        response(204, "", ""),
        response(302, "Location: /x\r\n", ""),
        response(307, "", ""),
        response(403, "", "<html>no</html>"),
        response(500, "", "{\"errcode\": 5}"),
        b"nonsense\r\n\r\n".to_vec(),
        format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(5000)).into_bytes(),
    ] {
        let shown = String::from_utf8_lossy(&nonsense[..nonsense.len().min(60)]).into_owned();
        let play = Play::of(Upstream::start(false, move |_| nonsense.clone()).await).await;
        let (status, told) = play.status().await;
        assert_eq!(
            (status, &told["errcode"]),
            (502, &json!("M_UNKNOWN")),
            "{shown}"
        );
        play.service.stop().await;
    }
    play.service.stop().await;
    let play = Play::of(
        Upstream::start(false, |_| {
            response(206, "Content-Range: bytes 0-5/9\r\n", "hi")
        })
        .await,
    )
    .await;
    let ranged = play
        .service
        .client
        .get(url(&play.link))
        .header("Range", "bytes=0-1")
        .send()
        .await
        .expect("an answer");
    assert_eq!(ranged.status(), 502);
    play.service.stop().await;
}

#[tokio::test]
async fn every_coding_that_a_body_has_is_looked_at() {
    for headers in [
        "Content-Encoding: identity\r\nContent-Encoding: gzip\r\n",
        "Content-Encoding: identity, gzip\r\n",
        "Content-Encoding: \u{e9}\r\n",
    ] {
        let headers = format!("{headers}Content-Length: 2\r\n");
        let play = Play::of(Upstream::start(false, move |_| ok(&headers, "hi")).await).await;
        assert_eq!(play.status().await.0, 502);
        play.service.stop().await;
    }
}

#[tokio::test]
async fn a_head_is_told_the_same_as_a_get() {
    for (told, status) in [("504 M_NOT_YET_UPLOADED", 503), ("404 M_NOT_FOUND", 404)] {
        let upstream = Upstream::start(false, move |head| {
            let (code, errcode) = told.split_once(' ').expect("two words");
            let body = format!("{{\"errcode\": \"{errcode}\"}}");
            let answer = response(code.parse().expect("a number"), "", &body);
            let length = answer.len()
                - if head.starts_with("HEAD") {
                    body.len()
                } else {
                    0
                };
            answer[..length].to_vec()
        })
        .await;
        let play = Play::of(upstream).await;
        for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
            let request = play.service.client.request(method, url(&play.link));
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), status, "{told}");
        }
        let legacy = play.upstream.downloads();
        assert!(!legacy.iter().any(|head| head.contains("/v3/")), "{told}");
        play.service.stop().await;
    }
}
