//! Faults of what is before the service.

use super::scene::{Proxy, Said, Scene, told, with, without};

/// A running service behind such a proxy, as the command sees it.
async fn behind(
    request: impl Fn(String) -> String + Send + Sync + 'static,
    answer: impl Fn(String) -> String + Send + Sync + 'static,
) -> Said {
    let mut scene = Scene::new("").await;
    let proxy = Proxy::start(&scene.process.public, request, answer).await;
    scene.publish_at(&proxy.url);
    scene.process.start().await;
    let said = scene.doctor();
    assert!(said.of("media").starts_with("ok: "), "{}", said.text);
    assert!(said.of("revoke").starts_with("ok: "), "{}", said.text);
    said
}

fn same(head: String) -> String {
    head
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_url_of_somebody_else_is_told() {
    let mut scene = Scene::new("").await;
    scene.publish_at(&scene.world.url);
    scene.process.start().await;
    let said = scene.doctor();
    said.has_fault(
        "public_url",
        &["somebody else answers 404", "listen.public"],
    );
    assert!(said.of("media").starts_with("ok: "), "{}", said.text);
    assert!(said.lines.iter().all(|line| line["check"] != "follow"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_url_where_nobody_is_is_told() {
    let mut scene = Scene::new("").await;
    scene.publish_at("http://127.0.0.1:9");
    scene.process.start().await;
    scene
        .doctor()
        .has_fault("public_url", &["has to lead to listen.public"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_without_a_service_is_told() {
    let mut scene = Scene::new("").await;
    let proxy = Proxy::start(&scene.process.public, told, |_| {
        "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n".to_owned()
    });
    let proxy = proxy.await;
    scene.publish_at(&proxy.url);
    scene.process.start().await;
    scene
        .doctor()
        .has_fault("public_url", &["answers 502", "does not reach the service"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_https_is_told_without_the_link() {
    let said = behind(same, |_| {
        "HTTP/1.1 301 Moved\r\nLocation: https://media.example.org/m/TOKEN\r\nContent-Length: 0\r\n\r\n".to_owned()
    })
    .await;
    said.has_fault(
        "public_url",
        &[
            "a redirect to https://media.example.org",
            "begin public_url with https://",
        ],
    );
    assert!(!said.text.contains("TOKEN"), "{}", said.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_drops_range_is_told() {
    let said = behind(|head| without(told(head), "range"), same).await;
    said.has_fault("range", &["Range does not arrive", "$http_range"]);
    assert_eq!(said.of_level("fault").len(), 1, "{}", said.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_cuts_the_path_is_told() {
    let said = behind(|head| told(head).replacen(" /m/", " /", 1), same).await;
    said.has_fault(
        "follow",
        &["404 M_NOT_FOUND", "changes the path", "/m/<token>"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_lets_caches_keep_media_is_told() {
    let cached = |head: String| match head.contains(" 200 ") {
        true => with(
            without(head, "cache-control"),
            "Cache-Control: public, max-age=31536000",
        ),
        false => head,
    };
    let said = behind(told, cached).await;
    said.has_fault("cache_control", &["max-age=31536000", "the service allows"]);
    let said = behind(told, |head| without(head, "cache-control")).await;
    said.has_fault("cache_control", &["bounds no cache"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_drops_what_keeps_readers_safe_is_told() {
    let said = behind(told, |head| without(head, "content-security-policy")).await;
    said.has_fault("headers", &["content-security-policy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_lets_no_head_pass_is_told() {
    let refused = |head: String| head.replacen("HEAD ", "PUT ", 1);
    let said = behind(move |head| refused(told(head)), same).await;
    said.has_fault("head", &["405", "HEAD pass"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_does_not_tell_whom_it_answers_is_told() {
    let said = behind(|head| without(head, "x-forwarded-for"), same).await;
    said.has_fault(
        "client",
        &["counted as 127.0.0.1", "proxy_add_x_forwarded_for"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_lets_readers_choose_their_address_is_told() {
    let kept = |head: String| match head.contains("x-forwarded-for") {
        true => head,
        false => told(head),
    };
    let said = behind(kept, same).await;
    said.has_fault("client", &["as the reader has sent it", "append"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_not_believed_is_told() {
    let mut scene = Scene::new("limits: {trusted_proxies: [192.0.2.0/24]}\n").await;
    let proxy = Proxy::start(&scene.process.public, told, same).await;
    scene.publish_at(&proxy.url);
    scene.process.start().await;
    let words = [
        "counted as that",
        "put 127.0.0.1 into limits.trusted_proxies",
    ];
    scene.doctor().has_fault("client", &words);
}
