//! Requests that depend on validators (RFC 9110, section 13).

use std::time::{Duration, SystemTime};

use actix_web::http::header::HttpDate;
use reqwest::{Method, Response, header::HeaderMap};
use serde_json::json;
use support::{Service, World, encrypted::encrypted_file, raw, url};

use super::scene::{link_to, scene};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

async fn ask(service: &Service, method: Method, url: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = service.client.request(method, url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("an answer")
}

/// Nobody keeps an answer that is none, and web apps of others can tell why there is none.
fn assert_refusal(headers: &HeaderMap, what: &str) {
    let header = |name: &str| {
        let value = headers.get(name);
        value.map_or("", |value| value.to_str().expect("text"))
    };
    assert_eq!(header("cache-control"), "no-store", "{what}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(header("referrer-policy"), "no-referrer", "{what}");
    assert_eq!(header("x-robots-tag"), "noindex", "{what}");
    assert_eq!(header("access-control-allow-origin"), "*", "{what}");
    assert_eq!(
        header("cross-origin-resource-policy"),
        "cross-origin",
        "{what}"
    );
    assert!(
        header("content-security-policy").contains("default-src 'none'"),
        "{what}"
    );
}

#[tokio::test]
async fn media_that_the_client_does_not_mean_is_not_given() {
    for more in ["", "media: {cache: null}"] {
        let (world, service) = scene(more).await;
        let link = link_to(&world, &service, (PNG, "image/png"), json!({})).await;
        let fresh = link_to(&world, &service, (PNG, "image/png"), json!({})).await;
        let link = url(&link);
        let etag = ask(&service, Method::GET, &link, &[]).await.headers()["etag"].clone();
        let etag = etag.to_str().expect("text");
        let (weak, list) = (format!("W/{etag}"), format!("\"x\", {etag}"));
        let range = ("range", "bytes=0-3");
        for method in [Method::GET, Method::HEAD] {
            let is_head = method == Method::HEAD;
            for (headers, status) in [
                (vec![("if-match", "\"other\"")], 412),
                (vec![("if-match", &weak)], 412),
                (vec![("if-match", "")], 412),
                (vec![("if-match", "\"x\""), ("if-match", "\"y\"")], 412),
                (vec![("if-match", "\"other\""), range], 412),
                (
                    vec![("if-match", "\"other\""), ("if-none-match", etag)],
                    412,
                ),
                (vec![("if-match", "*")], 200),
                (vec![("if-match", etag)], 200),
                (vec![("if-match", &list)], 200),
                (vec![("if-match", "\"x\""), ("if-match", etag)], 200),
                (vec![("if-match", etag), ("if-none-match", etag)], 304),
                (
                    vec![("if-match", etag), range],
                    if is_head { 200 } else { 206 },
                ),
                (vec![("if-match", etag), range, ("if-range", "\"x\"")], 200),
                (
                    vec![("if-none-match", "\"x\""), ("if-none-match", &weak)],
                    304,
                ),
            ] {
                let response = ask(&service, method.clone(), &link, &headers).await;
                assert_eq!(response.status(), status, "{method} {headers:?}");
                if status == 412 {
                    assert_refusal(response.headers(), "412");
                    assert_eq!(response.bytes().await.expect("whole"), "");
                }
            }
        }
        // Media that nobody has asked for yet, too.
        let other = [("if-match", "\"other\"")];
        let response = ask(&service, Method::GET, &url(&fresh), &other).await;
        assert_eq!(response.status(), 412);
        service.stop().await;
    }
}

/// The date as HTTP writes it.
fn date(at: SystemTime) -> String {
    HttpDate::from(at).to_string()
}

#[tokio::test]
async fn media_that_has_changed_since_is_not_given() {
    let day = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let modified = date(day);
    let answer = move |_: &str| {
        let head = format!("200 OK\r\nContent-Type: image/png\r\nLast-Modified: {modified}");
        raw::say_all(&head, PNG)
    };
    for media in ["", "media: {cache: null}"] {
        let homeserver = raw::RawServer::start(answer.clone()).await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = format!("usage: {{mode: never, touch: never}}\n{media}");
        let service = Service::start(folder.path(), &homeserver.url, &more).await;
        for (since, status) in [
            (date(day - Duration::from_secs(1)), 412),
            (date(day), 200),
            (date(day + Duration::from_secs(1)), 200),
            ("yesterday".to_owned(), 200),
        ] {
            let link = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
            let link = url(&service.issue(link).await);
            for method in [Method::GET, Method::HEAD] {
                let headers = [("if-unmodified-since", since.as_str())];
                let response = ask(&service, method, &link, &headers).await;
                assert_eq!(response.status(), status, "{since}");
            }
        }
        service.stop().await;
    }
}

#[tokio::test]
async fn thumbnails_have_preconditions_too() {
    for cache in ["", ", cache: null"] {
        let answer = |_: &str| raw::say_all("200 OK\r\nContent-Type: image/png", PNG);
        let homeserver = raw::RawServer::start(answer).await;
        let folder = tempfile::tempdir().expect("a folder");
        let more =
            format!("usage: {{mode: never, touch: never}}\nmedia: {{thumbnails: [96x96]{cache}}}");
        let service = Service::start(folder.path(), &homeserver.url, &more).await;
        let link = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
        let link = url(&service.issue(link).await);
        let thumbnail = format!("{}?width=32&height=32", thumbnail_url(&link));
        for (tags, status) in [("\"other\"", 412), ("*", 200), ("\"x\", W/\"y\"", 412)] {
            let headers = [("if-match", tags)];
            let response = ask(&service, Method::GET, &thumbnail, &headers).await;
            assert_eq!(response.status(), status, "{tags}");
            if status == 412 {
                assert_refusal(response.headers(), "412 of a thumbnail");
            }
        }
        service.stop().await;
    }
}

fn thumbnail_url(link: &str) -> String {
    let (base, token) = link.split_once("/m/").expect("a media link");
    format!("{base}/t/{}", token.split('/').next().expect("a token"))
}

#[tokio::test]
async fn every_refusal_is_kept_by_nobody_and_seen_by_web_apps() {
    let (world, service) = scene("").await;
    let link = link_to(&world, &service, (PNG, "image/png"), json!({})).await;
    let ended = link_to(&world, &service, (PNG, "image/png"), json!({})).await;
    let gone = json!({"mxc": "mxc://example.org/nothing", "room_id": world.room_id});
    let gone = service.issue(gone).await;
    service.revoke(&ended).await;
    let (link, root) = (url(&link), service.public.clone());
    let thumbnail = thumbnail_url(&link);
    for (method, url, range, status) in [
        (
            Method::GET,
            format!("{root}/.well-known/security.txt"),
            "",
            404,
        ),
        (Method::GET, format!("{root}/no/such/path"), "", 404),
        (Method::GET, format!("{root}/m/nonsense"), "", 404),
        (Method::GET, format!("{root}/v/nonsense"), "", 404),
        (
            Method::GET,
            format!("{root}/t/nonsense?width=1&height=1"),
            "",
            404,
        ),
        (Method::POST, link.clone(), "", 405),
        (Method::DELETE, format!("{root}/robots.txt"), "", 405),
        (Method::GET, url(&ended), "", 410),
        (Method::GET, url(&gone), "", 404),
        (Method::GET, thumbnail, "", 400),
        (Method::GET, link.clone(), "bytes=9999-", 416),
    ] {
        for accept in ["*/*", "text/html"] {
            for method in [method.clone(), Method::HEAD] {
                if method == Method::HEAD && matches!(status, 405 | 416) {
                    continue;
                }
                let headers = [("accept", accept), ("range", range)];
                let response = ask(&service, method, &url, &headers).await;
                assert_eq!(response.status(), status, "{url}");
                assert_refusal(response.headers(), &url);
            }
        }
    }
    // To have the media already is no failure.
    let unchanged = ask(&service, Method::GET, &link, &[("if-none-match", "*")]).await;
    assert_eq!(unchanged.status(), 304);
    assert_eq!(unchanged.headers()["cache-control"], "public, max-age=3600");
    service.stop().await;
}

#[tokio::test]
async fn an_unchanged_answer_announces_ranges_as_the_media_does() {
    for more in ["", "media: {cache: null}"] {
        let (world, service) = scene(more).await;
        let plain = link_to(&world, &service, (PNG, "image/png"), json!({})).await;
        let limited = json!({"max_follows": 9});
        let limited = link_to(&world, &service, (PNG, "image/png"), limited).await;
        for link in [plain, limited, encrypted(&world, &service).await] {
            let link = url(&link);
            let unchanged = ask(&service, Method::GET, &link, &[("if-none-match", "*")]).await;
            assert_eq!(unchanged.status(), 304);
            let media = ask(&service, Method::GET, &link, &[]).await;
            assert_eq!(media.status(), 200);
            let ranges = |response: &Response| response.headers().get("accept-ranges").cloned();
            assert_eq!(ranges(&unchanged), ranges(&media), "{more}");
        }
        service.stop().await;
    }
}

async fn encrypted(world: &World, service: &Service) -> serde_json::Value {
    let (file, token) = encrypted_file(world, PNG).await;
    let link = json!({"file": file, "room_id": world.room_id, "content_token": token, "mimetype": "image/png"});
    service.issue(link).await
}
