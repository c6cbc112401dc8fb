//! The finer rules of a followed link: who may keep it, what its page uses up, what its name can do,
//! and what keys, revocations and redactions do to links in use.

use std::path::PathBuf;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use matrix_test_server::Options;
use medialink::key_store;
use medialink_link::{
    KeyRing, LinkClaims,
    matrix::{ContentToken, EventId, MxcUri, RoomId},
    sign_self_contained, sign_short,
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use support::{HS_TOKEN, Service, World, answer, eventually, url};

async fn scene(more: &str) -> (World, Service) {
    let world = World::new().await;
    let service = world
        .service(&format!("usage: {{batch_window: 20ms}}\n{more}"))
        .await;
    (world, service)
}

/// Uploads media and issues a link to it, with these fields.
async fn link_to(
    world: &World,
    service: &Service,
    (bytes, kind): (&[u8], &str),
    fields: Value,
) -> Value {
    let (mxc, token) = world.upload(bytes, kind).await;
    let mut body = json!({"mxc": mxc, "room_id": world.room_id, "event_id": format!("$of_{}", &mxc[mxc.len() - 6..])});
    if !token.is_empty() {
        body["content_token"] = json!(token);
    }
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
    service.issue(body).await
}

async fn get_with(service: &Service, url: &str, name: &'static str, value: &str) -> Response {
    let request = service.client.get(url).header(name, value);
    request.send().await.expect("an answer")
}

fn key_file(world: &World) -> PathBuf {
    world.folder.path().join("data/link-keys.yaml")
}

fn keys(world: &World) -> KeyRing {
    KeyRing::from_entries(key_store::entries(&key_file(world)).expect("keys")).expect("a ring")
}

fn token_of(url: &str) -> &str {
    let rest = url.split("/m/").nth(1).expect("a media link");
    rest.split('/').next().expect("a token")
}

/// Tells the service of a redaction, as the homeserver does.
async fn redact(service: &Service, room_id: &str, event_id: &str) {
    let url = format!(
        "{}/_matrix/app/v1/transactions/of_{}",
        service.internal,
        event_id.trim_start_matches('$')
    );
    let event = json!({"type": "m.room.redaction", "room_id": room_id, "event_id": "$redaction", "sender": "@alice:example.org", "redacts": event_id, "content": {"redacts": event_id}});
    let request = service.client.put(url).bearer_auth(HS_TOKEN);
    let (status, _) = answer(request.json(&json!({"events": [event]}))).await;
    assert_eq!(status, 200);
}

/// A broken link as programs and as people see it.
async fn assert_broken(service: &Service, url: &str, status: u16, errcode: &str, words: &str) {
    for method in [Method::GET, Method::HEAD] {
        for accept in ["*/*", "text/html,application/xhtml+xml;q=0.9"] {
            let request = service.client.request(method.clone(), url);
            let response = request.header("Accept", accept).send().await;
            let response = response.expect("an answer");
            assert_eq!(response.status(), status, "{method} {words}");
            assert_eq!(response.headers()["vary"], "Accept");
            assert_eq!(response.headers()["cache-control"], "no-store");
            assert_eq!(response.headers()["x-content-type-options"], "nosniff");
            let kind = response.headers()["content-type"].to_str().expect("text");
            let is_page = kind.starts_with("text/html");
            assert_eq!(is_page, accept.starts_with("text/html"), "{kind}");
            let body = response.text().await.expect("a body");
            if method == Method::HEAD {
                assert_eq!(body, "");
            } else if is_page {
                assert!(body.contains(words), "{words}: {body}");
                assert!(!body.contains(token_of(url)), "a page repeats no token");
            } else {
                let error: Value = serde_json::from_str(&body).expect("JSON");
                assert_eq!(error["errcode"], errcode, "{words}");
                assert!(error["error"].is_string());
            }
        }
    }
}

#[tokio::test]
async fn a_broken_link_tells_why() {
    let (world, service) = scene("").await;
    let png: (&[u8], &str) = (b"\x89PNG\r\n\x1a\n", "image/png");
    let good = link_to(&world, &service, png, json!({})).await;
    let base = &service.public;
    let not_found = "This link leads nowhere";
    assert_broken(
        &service,
        &format!("{base}/m/nonsense"),
        404,
        "M_NOT_FOUND",
        not_found,
    )
    .await;
    let room = RoomId::parse(&world.room_id).expect("a room ID");
    let now_s = u32::try_from(service.clock.now_ms() / 1000).expect("this century");
    let ring = keys(&world);
    let unknown = sign_short(ring.active(), &room, now_s, [1; 6]);
    let unknown = format!("{base}/m/{}", unknown.expose());
    assert_broken(&service, &unknown, 404, "M_NOT_FOUND", not_found).await;

    let revoked = link_to(&world, &service, png, json!({})).await;
    let path = format!("/v1/links/{}", revoked["link_id"].as_str().expect("an ID"));
    service.call(Method::DELETE, &path, &json!({})).await;
    assert_broken(
        &service,
        &url(&revoked),
        410,
        "M_GONE",
        "This link was withdrawn",
    )
    .await;

    let redacted = link_to(&world, &service, png, json!({})).await;
    let event_id = redacted["event_id"].as_str().expect("an event");
    redact(&service, &world.room_id, event_id).await;
    assert_broken(
        &service,
        &url(&redacted),
        410,
        "M_GONE",
        "The message was removed",
    )
    .await;

    let spent = link_to(&world, &service, png, json!({"max_follows": 1})).await;
    assert_eq!(service.follow(&spent).await.status(), 200);
    assert_broken(
        &service,
        &url(&spent),
        410,
        "M_GONE",
        "This link was already used",
    )
    .await;

    let gone = service
        .issue(json!({"mxc": "mxc://example.org/never", "room_id": world.room_id}))
        .await;
    assert_broken(
        &service,
        &url(&gone),
        404,
        "M_NOT_FOUND",
        "The file is gone",
    )
    .await;

    let (mxc, _) = world.upload("secret", "text/plain").await;
    let without = service
        .issue(json!({"mxc": mxc, "room_id": world.room_id}))
        .await;
    assert_broken(
        &service,
        &url(&without),
        502,
        "M_UNKNOWN",
        "The file can’t be fetched",
    )
    .await;

    let expired = link_to(&world, &service, png, json!({"lifetime_ms": 60_000})).await;
    let sealed = json!({"lifetime_ms": 60_000, "form": "self_contained"});
    let sealed = link_to(&world, &service, png, sealed).await;
    service.clock.advance(61_000);
    for link in [&expired, &sealed] {
        assert_broken(&service, &url(link), 410, "M_GONE", "This link has expired").await;
        assert_eq!(service.link(link).await["state"], "expired");
    }
    assert_eq!(service.follow(&good).await.status(), 200);
    service.stop().await;
}

#[tokio::test]
async fn rotated_and_revoked_keys_are_noticed_by_a_running_service() {
    let (world, service) = scene("").await;
    let png: (&[u8], &str) = (b"\x89PNG\r\n\x1a\n", "image/png");
    let short = link_to(&world, &service, png, json!({})).await;
    let sealed = link_to(&world, &service, png, json!({"form": "self_contained"})).await;
    service.wait_for_usage(&short, "counted").await;
    assert_eq!(
        key_store::rotate(&key_file(&world), None).expect("rotates"),
        (1, 2)
    );
    let newer = eventually("a link by the new key", async || {
        let link = link_to(&world, &service, png, json!({})).await;
        let token = URL_SAFE_NO_PAD.decode(token_of(&url(&link)));
        (token.expect("base64")[1] == 2).then_some(link)
    })
    .await;
    for link in [&short, &sealed, &newer] {
        assert_eq!(service.follow(link).await.status(), 200);
    }
    key_store::revoke(&key_file(&world), 1, None).expect("revokes");
    for link in [&short, &sealed] {
        eventually("the links of the key to be over", async || {
            (service.follow(link).await.status() == 410).then_some(())
        })
        .await;
        assert_broken(
            &service,
            &url(link),
            410,
            "M_GONE",
            "This link is no longer valid",
        )
        .await;
        eventually("the state to follow", async || {
            (service.link(link).await["state"] == "revoked").then_some(())
        })
        .await;
        service.wait_for_usage(link, "released").await;
    }
    assert_eq!(service.follow(&newer).await.status(), 200);
    service.stop().await;
}

#[tokio::test]
async fn ranges_are_handed_through_where_the_homeserver_has_them() {
    let options = Options {
        ranges: true,
        ..Options::default()
    };
    let world = World::with(options).await;
    let service = world.service("").await;
    let bytes: Vec<u8> = (0..100).collect();
    let link = link_to(&world, &service, (&bytes, "video/mp4"), json!({})).await;
    let whole = service.follow(&link).await;
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    for (range, told, expected) in [
        ("bytes=0-9", "bytes 0-9/100", 0..10),
        ("bytes=90-", "bytes 90-99/100", 90..100),
        ("bytes=-5", "bytes 95-99/100", 95..100),
        ("bytes=50-1000", "bytes 50-99/100", 50..100),
    ] {
        let response = get_with(&service, &url(&link), "Range", range).await;
        assert_eq!(response.status(), 206, "{range}");
        assert_eq!(response.headers()["content-range"], told);
        assert_eq!(
            response.headers()["content-length"],
            expected.len().to_string()
        );
        assert_eq!(response.bytes().await.expect("whole"), bytes[expected]);
    }
    let response = get_with(&service, &url(&link), "Range", "bytes=100-").await;
    assert_eq!(response.status(), 416);
    assert_eq!(response.headers()["content-range"], "bytes */100");
    assert_eq!(response.bytes().await.expect("whole"), "");
    for range in [
        "bytes=0-1,5-6",
        "bytes=9-0",
        "items=0-1",
        "bytes=x-",
        "bytes=",
    ] {
        let response = get_with(&service, &url(&link), "Range", range).await;
        assert_eq!(response.status(), 200, "{range}");
        assert_eq!(response.bytes().await.expect("whole"), bytes);
    }
    let request = service.client.get(url(&link)).header("Range", "bytes=0-1");
    let conditional = request.header("If-Range", "\"x\"").send().await;
    assert_eq!(conditional.expect("an answer").status(), 200);

    let limited = link_to(
        &world,
        &service,
        (&bytes, "video/mp4"),
        json!({"max_follows": 1}),
    )
    .await;
    let response = get_with(&service, &url(&limited), "Range", "bytes=0-1").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(
        !response.headers().contains_key("accept-ranges"),
        "ranges of it cannot be asked for"
    );
    assert_eq!(response.bytes().await.expect("whole"), bytes);
    service.stop().await;
}

#[tokio::test]
async fn readers_may_keep_media_no_longer_than_the_link_lives() {
    let (world, service) = scene("media: {cache_control_max: 30m}").await;
    let max_age = async |link: &Value| -> u64 {
        let response = service.follow(link).await;
        let control = response.headers()["cache-control"].to_str().expect("text");
        let age = control.rsplit("max-age=").next().expect("an age");
        age.parse().expect("a number")
    };
    let png: (&[u8], &str) = (b"\x89PNG\r\n\x1a\n", "image/png");
    let long = link_to(&world, &service, png, json!({})).await;
    assert_eq!(max_age(&long).await, 1800);
    let ever = link_to(&world, &service, png, json!({"lifetime_ms": 0})).await;
    assert_eq!(ever["expires_ts"], json!(null));
    assert_eq!(max_age(&ever).await, 1800);
    let brief = link_to(&world, &service, png, json!({"lifetime_ms": 100_000})).await;
    assert!((90..=100).contains(&max_age(&brief).await));
    service.clock.advance(60_000);
    assert!((30..=40).contains(&max_age(&brief).await));
    service.stop().await;
}

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

/// A token that a bridge has signed by itself.
fn signed(
    world: &World,
    service: &Service,
    (mxc, content_token): &(String, String),
    event_id: &str,
    lifetime_s: u32,
) -> String {
    let room_id = RoomId::parse(&world.room_id).expect("a room ID");
    let mut claims = LinkClaims::new(room_id, MxcUri::parse(mxc).expect("a URI"));
    claims.event_id = Some(EventId::parse(event_id).expect("an event ID"));
    claims.content_token = Some(ContentToken::parse(content_token).expect("a token"));
    let now_s = u32::try_from(service.clock.now_ms() / 1000).expect("this century");
    let nonce: [u8; 12] = event_id.as_bytes()[..12].try_into().expect("long enough");
    let ring = keys(world);
    let token = sign_self_contained(ring.active(), &claims, now_s, lifetime_s, nonce);
    let token = token.expect("it fits");
    format!("{}/m/{}", service.public, token.expose())
}

async fn status_of(service: &Service, url: &str) -> StatusCode {
    get_with(service, url, "Accept", "*/*").await.status()
}

#[tokio::test]
async fn a_link_signed_elsewhere_is_taken_in_at_its_first_follow() {
    let (world, service) = scene("links: {max_lifetime: 1h, lifetime: 1h}").await;
    let media = world.upload("png", "image/png").await;
    let of_media = format!("/v1/links?mxc={}", media.0);
    let link = signed(&world, &service, &media, "$first_event", 0);
    let (_, before) = service.call(Method::GET, &of_media, &json!({})).await;
    assert_eq!(before["links"], json!([]));
    assert_eq!(world.references(&media.0).await, 0);
    assert_eq!(status_of(&service, &link).await, 200);
    let (_, after) = service.call(Method::GET, &of_media, &json!({})).await;
    let row = &after["links"][0];
    assert_eq!(row["form"], "self_contained");
    assert_eq!(row["url"], link, "{row}");
    service.wait_for_usage(row, "counted").await;
    assert_eq!(world.references(&media.0).await, 1);
    let life =
        row["expires_ts"].as_i64().expect("bounded") - row["issued_ts"].as_i64().expect("a time");
    assert_eq!(life, 3_600_000, "links.max_lifetime bounds it");
    assert_eq!(status_of(&service, &link).await, 200);
    let (_, again) = service.call(Method::GET, &of_media, &json!({})).await;
    assert_eq!(again["links"].as_array().map(Vec::len), Some(1));
    service.clock.advance(3_601_000);
    assert_eq!(status_of(&service, &link).await, 410);
    service.wait_for_usage(row, "released").await;
    assert_eq!(world.references(&media.0).await, 0);
    service.stop().await;
}

#[tokio::test]
async fn what_was_revoked_or_redacted_before_holds_for_links_signed_elsewhere() {
    let (world, service) = scene("").await;
    let media = world.upload("png", "image/png").await;
    let revoked = signed(&world, &service, &media, "$revoked_event", 600);
    let (status, outcome) = service
        .call(Method::POST, "/v1/revocations", &json!({"mxc": media.0}))
        .await;
    assert_eq!(
        (status.as_u16(), &outcome),
        (200, &json!({"revoked": 0, "reaches": "all"}))
    );
    assert_broken(&service, &revoked, 410, "M_GONE", "This link was withdrawn").await;
    service.clock.advance(2000);
    let later = signed(&world, &service, &media, "$later_event_", 600);
    assert_eq!(status_of(&service, &later).await, 200);

    let redacted = signed(&world, &service, &media, "$redacted_event", 600);
    redact(&service, &world.room_id, "$redacted_event").await;
    assert_broken(
        &service,
        &redacted,
        410,
        "M_GONE",
        "The message was removed",
    )
    .await;
    assert_eq!(status_of(&service, &later).await, 200);
    let future = {
        service.clock.advance(120_000);
        let token = signed(&world, &service, &media, "$future_event", 600);
        service.clock.advance(-120_000);
        token
    };
    assert_eq!(
        status_of(&service, &future).await,
        404,
        "not yet issued is not a link"
    );
    service.stop().await;
}
