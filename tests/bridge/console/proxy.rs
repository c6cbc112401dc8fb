//! A reverse proxy says who is there, where it is trusted to.

use reqwest::StatusCode;
use serde_json::json;

use super::scene::{Scene, TOKEN};

const HEADER: &str = "X-Remote-User";

fn console(more: &str) -> String {
    format!("console: {{user_header: X-Remote-User, {more}}}\nusage: {{mode: never}}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_trusted_proxy_names_is_in_and_in_the_log() {
    let scene = Scene::with(&console("trusted_proxies: [127.0.0.0/8]")).await;
    let link = scene.link(json!({})).await;
    let browser = scene.browser();
    let alice = [(HEADER, "alice"), ("Sec-Fetch-Site", "same-origin")];
    let page = browser.get_with("/console", &alice).await;
    assert_eq!(page.status, 200);
    page.has("<bdi>alice</bdi>").lacks("/console/logout");
    let path = format!(
        "/console/links/{}/revoke",
        link["link_id"].as_str().expect("an ID")
    );
    // A form of another user is none of hers.
    let foreign = browser
        .get_with("/console", &[(HEADER, "bob")])
        .await
        .csrf();
    for csrf in ["", &*foreign] {
        let refused = browser.post_with(&path, &[("csrf", csrf)], &alice).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
    // The next day's forms are others, and those of the day before hold still.
    let csrf = page.csrf();
    scene.service.clock.advance(12 * 3_600_000);
    assert_ne!(browser.get_with("/console", &alice).await.csrf(), csrf);
    let done = browser.post_with(&path, &[("csrf", &csrf)], &alice).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(scene.status(&link).await, 410);
    assert_eq!(scene.audited()[0].0, "console:alice");
    scene.service.clock.advance(24 * 3_600_000);
    let late = browser
        .post_with("/console/usage/retry", &[("csrf", &csrf)], &alice)
        .await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_name_nobody() {
    let scene = Scene::with(&console("trusted_proxies: [192.0.2.1]")).await;
    let browser = scene.browser();
    for headers in [
        &[(HEADER, "alice")][..],
        &[(HEADER, "alice"), ("X-Forwarded-For", "192.0.2.1")],
        &[(HEADER, "alice"), ("Forwarded", "for=192.0.2.1")],
    ] {
        let page = browser.get_with("/console", headers).await;
        assert_eq!(
            (page.status, page.location()),
            (StatusCode::SEE_OTHER, "/console/login")
        );
    }
    // Nor is there a token.
    assert_eq!(
        browser.get("/console/login").await.status,
        StatusCode::FORBIDDEN
    );
    let page = browser
        .post_with("/console/login", &[("token", "")], &[])
        .await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_none_or_two_is_nobody() {
    let scene = Scene::with(&console("trusted_proxies: [127.0.0.1]")).await;
    let browser = scene.browser();
    let long = "a".repeat(256);
    for headers in [
        &[][..],
        &[(HEADER, "")],
        &[(HEADER, "  ")],
        &[(HEADER, &*long)],
        &[(HEADER, "alice"), (HEADER, "bob")],
        &[("X-Remote-Users", "alice")],
    ] {
        let page = browser.get_with("/console", headers).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{headers:?}");
    }
    let page = browser.get_with("/console", &[(HEADER, "<b>token")]).await;
    page.has("&#60;b&#62;token").lacks("<b>token");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_beside_a_header() {
    let scene = Scene::with(&console(&format!(
        "token: {TOKEN}, trusted_proxies: [127.0.0.1]"
    )))
    .await;
    let browser = scene.logged_in().await;
    browser.get("/console").await.has("/console/logout");
    let named = browser.get_with("/console", &[(HEADER, "alice")]).await;
    named.has("<bdi>alice</bdi>").lacks("/console/logout");
    scene.end().await;
}
