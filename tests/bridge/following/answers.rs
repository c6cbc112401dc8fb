//! Heads, ranges, types and names of what a link leads to.

use matrix_test_server::Options;
use serde_json::json;
use support::{eventually, url};

use super::play::Play;

#[tokio::test]
async fn a_head_tells_the_length_sends_nothing_and_is_no_follow() {
    let play = Play::new(Options::default(), "").await;
    let link = play.issue("filename", json!("a.txt")).await;
    let head = play
        .service
        .client
        .head(url(&link))
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        (head.status().as_u16(), &head.headers()["content-length"]),
        (200, &"10".parse().expect("value"))
    );
    assert_eq!(head.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(head.bytes().await.expect("nothing").is_empty());
    for _ in 0..3 {
        assert_eq!(
            play.service.follow(&link).await.text().await.expect("text"),
            "0123456789"
        );
    }
    let seen = eventually("the follows", async || {
        let link = play.service.link(&link).await;
        (link["follows"] == 3).then_some(link)
    })
    .await;
    assert_eq!(seen["bytes_served"], 30);
    assert!(seen["last_followed_ts"].as_i64().is_some());
    play.service.stop().await;
}

#[tokio::test]
async fn ranges_are_given_with_and_without_a_cache_whatever_the_homeserver_can_do() {
    for ranges in [true, false] {
        for more in ["", "media: {cache: null}"] {
            let options = Options {
                ranges,
                ..Options::default()
            };
            let play = Play::new(options, more).await;
            ranges_are_given(&play).await;
            play.service.stop().await;
        }
    }
}

async fn ranges_are_given(play: &Play) {
    let link = play.issue("filename", json!("a.txt")).await;
    for (range, status, content_range, body) in [
        ("bytes=2-4", 206, Some("bytes 2-4/10"), "234"),
        ("bytes=-3", 206, Some("bytes 7-9/10"), "789"),
        ("bytes=8-", 206, Some("bytes 8-9/10"), "89"),
        ("bytes=20-", 416, Some("bytes */10"), ""),
        ("bytes=0-1,4-5", 200, None, "0123456789"),
        ("lines=0-1", 200, None, "0123456789"),
    ] {
        let response = play.get(&link, "Range", range).await;
        assert_eq!(response.status().as_u16(), status, "{range}");
        assert_eq!(
            response
                .headers()
                .get("content-range")
                .map(|v| v.to_str().expect("text")),
            content_range,
            "{range}"
        );
        assert_eq!(response.text().await.expect("text"), body, "{range}");
    }
    let conditional = play
        .service
        .client
        .get(url(&link))
        .header("Range", "bytes=0-1")
        .header("If-Range", "\"x\"");
    assert_eq!(conditional.send().await.expect("an answer").status(), 200);
    let whole = play.service.follow(&link).await;
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    let etag = whole.headers()["etag"].to_str().expect("text").to_owned();
    let conditional = play.service.client.get(url(&link));
    let conditional = conditional
        .header("Range", "bytes=0-1")
        .header("If-Range", &etag);
    let part = conditional.send().await.expect("an answer");
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["etag"], etag.as_str());
    let unchanged = play.get(&link, "If-None-Match", &etag).await;
    assert_eq!(unchanged.status(), 304);
    assert_eq!(unchanged.headers()["etag"], etag.as_str());
    assert!(unchanged.headers().contains_key("cache-control"));
    assert_eq!(unchanged.bytes().await.expect("nothing"), "");
    let other = play.get(&link, "If-None-Match", "\"x\"").await;
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn types_and_names_are_made_safe() {
    let play = Play::new(Options::default(), "").await;
    for (kind, disposition) in [
        // Where the bytes do not agree, the type is unknown.
        ("image/png", "attachment"),
        ("text/plain", "inline"),
        ("text/html", "attachment"),
        ("image/svg+xml", "attachment"),
        ("application/pdf", "attachment"),
        ("application/xml", "attachment"),
        ("video/mp4", "attachment"),
    ] {
        let (mxc, token) = play.world.upload("<script>", kind).await;
        for name in [
            "a\"b\r\nX: y.png",
            "../../etc/passwd",
            "🐈.png",
            "a;b=\"c\".txt",
        ] {
            let body = json!({"mxc": mxc, "content_token": token, "room_id": play.world.room_id, "filename": name});
            let link = play.service.issue(body).await;
            let tail = url(&link);
            assert!(tail.is_ascii() && tail.matches('/').count() == 5, "{tail}");
            let response = play.service.follow(&link).await;
            assert_eq!(response.status(), 200);
            let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
            assert!(
                header("content-disposition").starts_with(disposition),
                "{kind}"
            );
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert!(header("content-security-policy").starts_with("sandbox; default-src 'none'"));
            assert_eq!(
                (header("referrer-policy"), header("x-robots-tag")),
                ("no-referrer".into(), "noindex".into())
            );
            assert_eq!(header("access-control-allow-origin"), "*");
            assert!(response.headers().get("x").is_none());
        }
    }
    pages_are_safe_too(&play).await;
    play.service.stop().await;
}

/// Pages show names as text, and have a head.
async fn pages_are_safe_too(play: &Play) {
    let page = play.issue("filename", json!("<b>.png")).await["page_url"]
        .as_str()
        .expect("URL")
        .to_owned();
    let page = play.service.client.get(page).send().await.expect("a page");
    assert_eq!(page.status(), 200);
    assert!(!page.text().await.expect("a page").contains("<b>"));
    let robots = play
        .service
        .client
        .get(format!("{}/robots.txt", play.service.public))
        .send()
        .await
        .expect("robots");
    assert!(robots.text().await.expect("text").contains("Disallow: /"));
    let page = play.issue("event_id", json!("$page")).await;
    for address in [
        page["page_url"].as_str().expect("a URL").to_owned(),
        format!("{}/robots.txt", play.service.public),
    ] {
        let head = play.service.client.head(&address).send().await;
        let head = head.expect("an answer");
        assert_eq!(head.status(), 200, "a page has a head, too");
        assert_ne!(head.headers()["content-length"], "0");
        assert!(head.bytes().await.expect("no body").is_empty());
    }
}
