//! What another site has a browser send does nothing, whatever the browser's session.

use reqwest::StatusCode;
use serde_json::json;

use super::scene::{Scene, TOKEN};

/// Everything that changes something.
const DEEDS: [&str; 11] = [
    "/console/logout",
    "/console/search",
    "/console/links/revoke",
    "/console/usage/retry",
    "/console/denials/add",
    "/console/denials/remove",
    "/console/keys/rotate",
    "/console/keys/1/revoke",
    "/console/keys/1/retire",
    "/console/reports/1/mark",
    "/console/rooms/policy",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_the_token_of_the_session_does_nothing() {
    let scene = Scene::new().await;
    let (browser, other) = (scene.logged_in().await, scene.logged_in().await);
    let link = scene.link(json!({})).await;
    let id = link["link_id"].as_str().expect("an ID");
    let foreign = other.get("/console").await.csrf();
    let room = scene.world.room_id.as_str();
    let deeds = DEEDS.map(str::to_owned);
    let of_link = ["revoke", "takedown"].map(|deed| format!("/console/links/{id}/{deed}"));
    for path in deeds.iter().chain(&of_link) {
        for csrf in [None, Some(""), Some("wrong"), Some(&*foreign)] {
            let mut fields = vec![
                ("room_id", room),
                ("count", "9"),
                ("kind", "room"),
                ("value", "!a:b"),
                ("q", id),
                ("force", "yes"),
            ];
            fields.extend(csrf.map(|csrf| ("csrf", csrf)));
            let page = browser
                .post_with(path, &fields, &[("Sec-Fetch-Site", "same-origin")])
                .await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {csrf:?}");
        }
    }
    assert_eq!(scene.status(&link).await, 200);
    assert_eq!(browser.get("/console").await.status, 200);
    assert!(scene.audited().is_empty());
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_does_nothing_even_with_the_token() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let link = scene.link(json!({})).await;
    let path = format!(
        "/console/links/{}/revoke",
        link["link_id"].as_str().expect("an ID")
    );
    let csrf = browser.get("/console").await.csrf();
    let own = scene.service.internal.clone();
    for headers in [
        &[("Origin", "https://evil.example")][..],
        &[("Origin", "null")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "none")],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", &own)],
    ] {
        let page = browser.post_with(&path, &[("csrf", &csrf)], headers).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{headers:?}");
        page.has("Nothing is done");
    }
    assert_eq!(scene.status(&link).await, 200);
    let page = browser
        .post_with(&path, &[("csrf", &csrf)], &[("Origin", &own)])
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(scene.status(&link).await, 410);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_logged_in_by_another_site_nor_by_a_link() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    for headers in [
        [("Origin", "https://evil.example")],
        [("Sec-Fetch-Site", "cross-site")],
    ] {
        let page = browser
            .post_with("/console/login", &[("token", TOKEN)], &headers)
            .await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(!page.headers.contains_key("set-cookie"));
    }
    let page = browser.get(&format!("/console/login?token={TOKEN}")).await;
    assert!(!page.headers.contains_key("set-cookie"));
    let logged_in = scene.logged_in().await;
    // Those that tell first what they would do are pages as well.
    let asks = |path: &str| {
        ["/console/links/revoke", "/console/rooms/policy"].contains(&path)
            || path.starts_with("/console/keys/1/")
    };
    for path in DEEDS.into_iter().filter(|path| !asks(path)) {
        assert_eq!(logged_in.get(path).await.status, 404, "{path}");
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_that_are_too_long_are_refused() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let long = "a".repeat(40_000);
    let page = browser.post("/console/search", &[("q", &long)]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    let long = "a".repeat(600);
    let page = browser.get(&format!("/console/links?room_id={long}")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.has("room_id: found 600 bytes; allowed are 512.");
    scene.end().await;
}
