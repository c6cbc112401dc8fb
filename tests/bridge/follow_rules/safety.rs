//! Types, names and pages do no harm to those who follow a link.

use reqwest::Response;
use serde_json::{Value, json};
use support::url;

use super::scene::{get_with, link_to, scene};

#[tokio::test]
async fn media_is_shown_in_place_only_where_that_is_safe() {
    let (world, service) = scene("").await;
    const UNKNOWN: &str = "application/octet-stream";
    for (kind, shown_as, disposition) in [
        // The bytes are none of those.
        ("image/png", UNKNOWN, "attachment"),
        ("video/mp4", UNKNOWN, "attachment"),
        ("text/plain", "text/plain; charset=utf-8", "inline"),
        ("text/html", "text/html", "attachment"),
        ("image/svg+xml", "image/svg+xml", "attachment"),
        ("application/pdf", "application/pdf", "attachment"),
        ("text/javascript", "text/javascript", "attachment"),
        ("nonsense", UNKNOWN, "attachment"),
    ] {
        let link = link_to(&world, &service, (b"<script>", kind), json!({})).await;
        let response = service.follow(&link).await;
        let header = |name: &str| {
            let value = response.headers().get(name);
            value.map_or("", |value| value.to_str().expect("text"))
        };
        assert_eq!(header("content-type"), shown_as);
        assert_eq!(header("content-disposition"), disposition, "{kind}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("content-security-policy").starts_with("sandbox; default-src 'none'"));
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert!(header("x-robots-tag").contains("noindex"));
        assert_eq!(header("set-cookie"), "");
        assert!(
            header("etag").len() == 24,
            "not the homeserver's, which tells nothing of the media"
        );
    }
    for (bytes, kind, shown_as) in [
        (&b"\x89PNG\r\n\x1a\n"[..], "image/png", "image/png"),
        (b"\x89PNG\r\n\x1a\n", "image/jpeg", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", UNKNOWN, "image/jpeg"),
        (b"GIF89a<script>", "image/gif", "image/gif"),
        (
            b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
            "video/mp4",
            "video/mp4",
        ),
    ] {
        let link = link_to(&world, &service, (bytes, kind), json!({})).await;
        let response = service.follow(&link).await;
        assert_eq!(response.headers()["content-type"], shown_as, "{kind}");
        assert_eq!(
            response.headers()["content-disposition"],
            "inline",
            "{kind}"
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn hostile_file_names_do_no_harm() {
    let (world, service) = scene("").await;
    let png: (&[u8], &str) = (b"\x89PNG\r\n\x1a\n", "image/png");
    let long = format!("{}.png", "ä".repeat(300));
    for name in [
        "../../etc/passwd",
        "a/b\\c.png",
        "x\r\nSet-Cookie: a=b",
        "\"; filename=\"evil.exe",
        "\u{202e}gnp.exe",
        "..",
        "%2e%2e%2f",
        "?#&=;,",
        "猫.png",
        "\u{0}",
        "<script>alert(1)</script>",
        &long,
    ] {
        let link = link_to(&world, &service, png, json!({"filename": name})).await;
        let link_url = url(&link);
        let tail = link_url.split("/m/").nth(1).expect("a path");
        assert!(tail.matches('/').count() <= 1, "{link_url}");
        assert!(
            tail.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._~%/".contains(&b)),
            "{link_url}"
        );
        let response = service.follow(&link).await;
        assert_eq!(response.status(), 200, "{link_url}");
        assert!(!response.headers().contains_key("set-cookie"));
        assert_harmless(&response);
        let page = get_with(
            &service,
            link["page_url"].as_str().expect("a URL"),
            "Accept",
            "text/html",
        )
        .await;
        let page = page.text().await.expect("a page");
        assert!(!page.contains("<script>alert"), "{page}");
    }
    // The name in the URL decides nothing.
    let link = link_to(&world, &service, png, json!({"filename": "cat.png"})).await;
    let other = url(&link).replace("cat.png", "dog.html");
    let response = get_with(&service, &other, "Accept", "*/*").await;
    assert_eq!(response.headers()["content-type"], "image/png");
    assert_eq!(
        response.headers()["content-disposition"],
        "inline; filename=\"cat.png\""
    );
    service.stop().await;
}

/// No name leaves its place in the header, or turns text around.
fn assert_harmless(response: &Response) {
    let disposition = &response.headers()["content-disposition"];
    let disposition = disposition.to_str().expect("text").to_owned();
    assert!(disposition.starts_with("inline"), "{disposition}");
    assert!(
        !disposition.contains(['/', '\\', '\r', '\n']),
        "{disposition}"
    );
    assert!(
        matches!(disposition.matches('"').count(), 0 | 2),
        "{disposition}"
    );
    assert!(
        !disposition.contains("%E2%80%AE"),
        "it turns no text around"
    );
}

#[tokio::test]
async fn the_page_shows_the_media_without_using_a_follow() {
    let (world, service) = scene("").await;
    let png: (&[u8], &str) = (b"\x89PNG\r\n\x1a\n", "image/png");
    let page_of = async |link: &Value| {
        let page_url = link["page_url"].as_str().expect("a URL").to_owned();
        let response = get_with(&service, &page_url, "Accept", "text/html").await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
        assert!(response.headers().contains_key("content-security-policy"));
        response.text().await.expect("a page")
    };
    let image = link_to(&world, &service, png, json!({"filename": "cat.png"})).await;
    let page = page_of(&image).await;
    assert!(
        page.contains("<img") && page.contains("og:image") && page.contains("cat.png"),
        "{page}"
    );
    assert!(page.contains(&url(&image)) && page.contains("Libera.Chat"));
    assert!(
        !page.contains("mxc://") && !page.contains(&world.room_id),
        "{page}"
    );
    let once = json!({"filename": "cat.png", "mimetype": "image/png", "max_follows": 1});
    let once = link_to(&world, &service, png, once).await;
    for _ in 0..2 {
        let page = page_of(&once).await;
        assert!(
            !page.contains("<img") && !page.contains("og:image"),
            "looking at the page, or a preview of it, uses no follow: {page}"
        );
    }
    assert_eq!(service.follow(&once).await.status(), 200);
    let page_url = once["page_url"].as_str().expect("a URL");
    let response = get_with(&service, page_url, "Accept", "text/html").await;
    assert_eq!(response.status(), 410);
    service.stop().await;
}
