//! What a homeserver says beside the media, and what of it is handed on.

use support::{
    raw::{self, say_all, say_error},
    url,
};

use super::scene::Scene;

#[tokio::test]
async fn nothing_that_a_homeserver_says_beside_the_media_is_handed_on() {
    let scene = Scene::new(|_| {
        let head = "200 OK\r\nContent-Type: image/png\r\nSet-Cookie: a=b\r\nServer: secret\r\n\
            Content-Security-Policy: default-src *\r\nAccess-Control-Allow-Credentials: true\r\n\
            Location: /x\r\nETag: \"x\"\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
            Cache-Control: private\r\nX-Anything: y\r\nLink: </x>\r\nRefresh: 0\r\n\
            Content-Disposition: attachment; filename=\"../a.png\"";
        say_all(head, "hello")
    })
    .await;
    let answer = scene.get().await;
    assert_eq!(answer.status, 200);
    let mut names: Vec<&str> = answer
        .head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':').map(|(name, _)| name))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept-ranges",
            "access-control-allow-origin",
            "access-control-expose-headers",
            "cache-control",
            "connection",
            "content-disposition",
            "content-length",
            "content-security-policy",
            "content-type",
            "cross-origin-resource-policy",
            "date",
            "etag",
            "last-modified",
            "referrer-policy",
            "x-content-type-options",
            "x-robots-tag",
        ]
    );
    assert!(answer.head.contains("content-security-policy: sandbox;"));
    assert!(!answer.head.contains("etag: \"x\""), "{}", answer.head);
    assert!(
        answer.head.contains("filename=\".._a.png\""),
        "{}",
        answer.head
    );
    scene.service.stop().await;
}

#[tokio::test]
async fn an_error_page_of_a_homeserver_is_not_shown() {
    for status in [
        "403 Forbidden",
        "500 Internal Server Error",
        "502 Bad Gateway",
    ] {
        let scene = Scene::new(move |_| {
            let head = format!("{status}\r\nContent-Type: text/html");
            say_all(&head, "<script>alert(1)</script>")
        })
        .await;
        let answer = raw::request("GET", &url(&scene.link), "Accept: text/html\r\n").await;
        let page = String::from_utf8_lossy(&answer.body);
        assert!(answer.status == 502 && answer.is_complete && !page.contains("alert(1)"));
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn errors_about_the_media_are_handed_on() {
    let pending = Scene::new(|_| say_error("504 Gateway Timeout", "M_NOT_YET_UPLOADED")).await;
    pending.refuses(503, "M_NOT_YET_UPLOADED").await;
    let answer = pending.service.follow(&pending.link).await;
    assert!(answer.headers().contains_key("retry-after"));
    let limited = Scene::new(|_| {
        say_all(
            "429 Too Many Requests\r\nRetry-After: 7",
            r#"{"errcode": "M_LIMIT_EXCEEDED"}"#,
        )
    })
    .await;
    limited.refuses(502, "M_UNKNOWN").await;
    let answer = limited.service.follow(&limited.link).await;
    assert_eq!(answer.headers()["retry-after"], "7");
    let slow = Scene::new(|_| say_error("504 Gateway Timeout", "M_UNKNOWN")).await;
    slow.refuses(504, "M_UNKNOWN").await;
    slow.service.stop().await;
    limited.service.stop().await;
    pending.service.stop().await;
}
