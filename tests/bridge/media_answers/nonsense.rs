//! Answers that make no sense are the failure of the homeserver.

use support::{
    raw::{self, Plan, say, say_all},
    url,
};

use super::scene::Scene;

#[tokio::test]
async fn answers_that_make_no_sense_are_the_homeservers_failure() {
    for head in [
        "204 No Content",
        "206 Partial Content\r\nContent-Range: bytes 0-4/10",
        "416 Range Not Satisfiable",
        "304 Not Modified",
        "302 Found\r\nLocation: /elsewhere",
        "307 Temporary Redirect",
        "200 OK\r\nContent-Encoding: gzip",
        "200 OK\r\nContent-Encoding: identity, br",
        "401 Unauthorized",
        "403 Forbidden",
        "500 Internal Server Error",
    ] {
        let scene = Scene::new(move |_| say_all(head, "hello")).await;
        scene.refuses(502, "M_UNKNOWN").await;
        scene.service.stop().await;
    }
    for bytes in [
        "",
        "HTTP/1.1",
        "nonsense\r\n\r\n",
        "HTTP/1.1 999999 X\r\n\r\n",
    ] {
        let scene = Scene::new(move |_| Plan::Say(bytes.into())).await;
        scene.refuses(502, "M_UNKNOWN").await;
        scene.service.stop().await;
    }
    for headers in [
        "\r\nX: y".repeat(5000),
        format!("\r\nX: {}", "y".repeat(1 << 20)),
    ] {
        let head = format!("200 OK{headers}");
        let scene = Scene::new(move |_| say_all(&head, "hello")).await;
        scene.refuses(502, "M_UNKNOWN").await;
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn absurd_headers_are_refused_or_dropped() {
    let long = format!("200 OK\r\nX-Long: {}", "x".repeat(200_000));
    let scene = Scene::new(move |_| say_all(&long, "hello")).await;
    scene.refuses(502, "M_UNKNOWN").await;
    scene.service.stop().await;
    let many = (0..5000).map(|n| format!("\r\nX-{n}: {n}"));
    let many = format!("200 OK{}", many.collect::<String>());
    let scene = Scene::new(move |_| say_all(&many, "hello")).await;
    scene.refuses(502, "M_UNKNOWN").await;
    scene.service.stop().await;
    for length in [
        "-1",
        "99999999999999999999",
        "5, 6",
        "5\r\nContent-Length: 6",
        "0x5",
    ] {
        let head = format!("200 OK\r\nContent-Length: {length}");
        let scene = Scene::new(move |_| say(&head, "hello")).await;
        scene.refuses(502, "M_UNKNOWN").await;
        scene.service.stop().await;
    }
    for absurd in [
        "Content-Type: \u{1F408}/\u{1F408}",
        "Content-Type: text/html\r\nContent-Type: image/png",
        "Content-Type: image/png; charset=\"",
        "Content-Disposition: attachment; filename=\"\u{202e}\"; filename*=utf-8''%00%0d%0a%ff",
        "Content-Disposition: ;;;===\"\"\"",
        "Last-Modified: yesterday",
        "ETag: \"\"\"",
        "Set-Cookie: a=b\r\nLocation: https://elsewhere.example/\r\nLink: <x>; rel=preload",
        "Cache-Control: max-age=99999999999999999999",
    ] {
        let head = format!("200 OK\r\n{absurd}");
        let scene = Scene::new(move |_| say_all(&head, "hello")).await;
        let answer = scene.get().await;
        assert_eq!(
            (answer.status, &answer.body[..]),
            (200, &b"hello"[..]),
            "{absurd}"
        );
        assert_dropped(&answer.head);
        scene.service.stop().await;
    }
}

/// Of what a homeserver says, only what makes sense is in this head.
fn assert_dropped(head: &str) {
    for name in ["set-cookie", "location", "link", "last-modified"] {
        assert!(!head.contains(&format!("\n{name}:")), "{}", head);
    }
    assert!(
        head.contains("\ncontent-disposition: attachment"),
        "{}",
        head
    );
    assert!(head.contains("max-age=3600"), "{}", head);
    assert!(!head.contains("%00") && !head.contains("%0d"), "{}", head);
}

#[tokio::test]
async fn parts_that_contradict_themselves_are_refused() {
    for head in [
        "206 Partial Content",
        "206 Partial Content\r\nContent-Range: bytes 0-9/100",
        "206 Partial Content\r\nContent-Range: bytes 0-4/3",
        "206 Partial Content\r\nContent-Range: bytes 4-0/10",
        "206 Partial Content\r\nContent-Range: bytes 5-9/10",
        "206 Partial Content\r\nContent-Range: bytes 0-4/10\r\nContent-Encoding: gzip",
        "206 Partial Content\r\nContent-Range: nonsense",
    ] {
        let scene = Scene::new(move |_| say_all(head, "hello")).await;
        let answer = raw::request("GET", &url(&scene.link), "Range: bytes=0-4\r\n").await;
        assert_eq!(answer.status, 502, "{head}");
        scene.service.stop().await;
    }
}
