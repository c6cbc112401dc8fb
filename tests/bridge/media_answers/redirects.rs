//! Redirects to media: where they may lead, and what they carry.

use support::raw::{Plan, RawServer, say_all};

use super::scene::{CONTENT_TOKEN, Scene};

/// Nothing of these belongs anywhere but to the homeserver's media endpoint.
fn assert_no_secrets(head: &str) {
    for secret in [
        "authorization",
        "user_id",
        "content-token",
        CONTENT_TOKEN,
        "harness-as-token",
    ] {
        assert!(!head.contains(secret), "{head}");
    }
}

fn media(head: &str) -> Plan {
    if head.contains("/cdn/") {
        say_all("200 OK\r\nContent-Type: text/plain", "hello")
    } else {
        say_all("307 Temporary Redirect\r\nLocation: /cdn/x?signed=yes", "")
    }
}

#[tokio::test]
async fn redirects_inward_are_refused_unless_they_are_configured() {
    for name in ["127.0.0.1", "localhost"] {
        for (networks, status) in [("", 502), ("'10.0.0.0/8'", 502), ("'127.0.0.0/8'", 200)] {
            let other = RawServer::start(media).await;
            let port = other.url.rsplit(':').next().expect("a port").to_owned();
            let scene = Scene::with(networks, move |_| {
                let target = format!("http://{name}:{port}/cdn/x");
                say_all(&format!("307 Temporary Redirect\r\nLocation: {target}"), "")
            })
            .await;
            assert_eq!(scene.get().await.status, status, "{name} {networks}");
            let heads = other.heads();
            assert_eq!(heads.len(), usize::from(status == 200), "{name} {networks}");
            heads.iter().for_each(|head| assert_no_secrets(head));
            scene.service.stop().await;
        }
    }
}

#[tokio::test]
async fn a_redirect_that_comes_back_carries_no_credentials_either() {
    let back = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let to = std::sync::Arc::clone(&back);
    let other = RawServer::start(move |_| {
        let home = to.get().map_or("/", String::as_str);
        say_all(
            &format!("307 Temporary Redirect\r\nLocation: {home}/cdn/x"),
            "",
        )
    })
    .await;
    let target = other.url.clone();
    let scene = Scene::with("'127.0.0.0/8'", move |head| {
        if head.contains("/cdn/") {
            return media(head);
        }
        say_all(
            &format!("307 Temporary Redirect\r\nLocation: {target}/x"),
            "",
        )
    })
    .await;
    back.set(scene.homeserver.url.clone()).expect("set once");
    assert_eq!(scene.get().await.body, b"hello");
    assert_no_secrets(&other.heads()[0]);
    assert_no_secrets(&scene.homeserver.heads()[1]);
    scene.service.stop().await;
}

#[tokio::test]
async fn a_redirect_with_a_strange_target_is_refused() {
    for target in [
        "file:///etc/passwd",
        "ftp://8.8.8.8/x",
        "http://user:pass@8.8.8.8/x",
        "http://169.254.169.254/latest",
        "http://[::ffff:127.0.0.1]:1/",
        "http://",
    ] {
        let scene = Scene::new(move |_| {
            say_all(&format!("307 Temporary Redirect\r\nLocation: {target}"), "")
        })
        .await;
        scene.refuses(502, "M_UNKNOWN").await;
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn at_most_three_redirects_are_followed() {
    let scene = Scene::new(|_| say_all("307 Temporary Redirect\r\nLocation: /again", "")).await;
    scene.refuses(502, "M_UNKNOWN").await;
    assert_eq!(scene.homeserver.heads().len(), 4);
    let three = Scene::new(|head| {
        let next = match head.split(' ').nth(1).unwrap_or_default() {
            "/one" => "/two",
            "/two" => "/three",
            "/three" => return say_all("200 OK", "hello"),
            _ => "/one",
        };
        say_all(&format!("308 Permanent Redirect\r\nLocation: {next}"), "")
    })
    .await;
    assert_eq!(three.get().await.status, 200);
    three.service.stop().await;
    scene.service.stop().await;
}
