//! What a policy bounds: lifetimes, sizes, and whether there are links.

use matrix_test_server::Options;
use medialink_link::VerifiedLink;
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    POLICY_EVENT_TYPE, Service, World, answer, client,
    raw::{RawServer, asks_for_policy, say, say_all},
    signed_elsewhere, url,
};

use super::room::{HOUR_MS, USAGE, asks, claims, lifetime, media, status_of, told, with};

#[tokio::test]
async fn a_policy_bounds_the_links_of_its_room_from_the_first_one() {
    let world = World::new().await;
    world
        .set_policy(&json!({"max_lifetime_ms": HOUR_MS + 999, "max_size": 5, "pages_only": true}))
        .await;
    let service = world.service(USAGE).await;
    let body = media(&world, "$e").await;
    let link = service.issue(with(&body, "size", json!(5))).await;
    assert_eq!(lifetime(&link), Some(HOUR_MS));
    assert_eq!(link["url"], link["page_url"]);
    let media_url = url(&link).replace("/v/", "/m/");
    assert_eq!(status_of(&media_url).await.0, 200);
    let page = client().get(url(&link)).send().await.expect("an answer");
    let page = page.text().await.expect("a page");
    assert!(page.contains("/m/"), "the page shows the media itself");
    assert_eq!(
        asks(&service, &with(&body, "size", json!(6))).await,
        told(403, "M_TOO_LARGE")
    );

    for (lifetime_ms, expected) in [
        (0, HOUR_MS),
        (2 * HOUR_MS, HOUR_MS),
        (HOUR_MS / 2, HOUR_MS / 2),
    ] {
        let body = with(&body, "lifetime_ms", json!(lifetime_ms));
        let fresh = with(&body, "event_id", json!(format!("$fresh{lifetime_ms}")));
        assert_eq!(
            lifetime(&service.issue(fresh.clone()).await),
            Some(expected)
        );
        // Asked for again, it may end that much later than now, and not later.
        service.clock.advance(10_000);
        let again = lifetime(&service.issue(fresh.clone()).await).expect("it ends");
        let later = again - expected;
        assert!((10_000..HOUR_MS / 4).contains(&later), "{later}");
        let sealed = service
            .issue(with(&fresh, "form", json!("self_contained")))
            .await;
        assert_eq!(lifetime(&sealed), Some(expected));
        assert_ends_by_itself(&service, &sealed);
    }
    let elsewhere = signed_elsewhere(
        &service,
        &claims(&with(&body, "event_id", json!("$elsewhere"))),
        0,
    );
    assert_eq!(status_of(&elsewhere).await.0, 200);
    let (_, page) = answer(service.api(Method::GET, "/v1/links?event_id=$elsewhere")).await;
    assert_eq!(lifetime(&page["links"][0]), Some(HOUR_MS));
    assert_eq!(
        world.requests("rooms.state.get").await,
        1,
        "the room was asked once"
    );
    service.stop().await;
}

/// The end of a self-contained link is in its token.
fn assert_ends_by_itself(service: &Service, sealed: &Value) {
    let text = url(sealed);
    let token = text.rsplit('/').next().expect("a token");
    let Ok(VerifiedLink::SelfContained(token)) = service.key_ring().verify(token) else {
        panic!("a self-contained link");
    };
    assert_eq!(token.expires_at_ms(), sealed["expires_ts"].as_i64());
}

#[tokio::test]
async fn media_larger_than_the_room_allows_is_not_given() {
    let answer_of = |head: &str| match head {
        head if asks_for_policy(head) => say_all("200 OK", r#"{"max_size": 4}"#),
        head if head.contains("/thumbnail/") => {
            say_all("200 OK\r\nContent-Type: image/png", "thumbnail")
        }
        head if head.contains("/unknown-large") => say(
            "200 OK\r\nTransfer-Encoding: chunked",
            b"5\r\nlarge\r\n0\r\n\r\n",
        ),
        head if head.contains("/unknown") => say(
            "200 OK\r\nTransfer-Encoding: chunked",
            b"2\r\nhi\r\n0\r\n\r\n",
        ),
        head if head.contains("/small") => say_all("200 OK", "four"),
        _ => say_all("200 OK", "large"),
    };
    for cache in ["", "cache: null"] {
        let homeserver = RawServer::start_with_policies(answer_of).await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = format!("usage: {{mode: never, touch: never}}\nmedia: {{{cache}}}");
        let service = Service::start(folder.path(), &homeserver.url, &more).await;
        for (id, status) in [
            ("small", 200),
            ("large", 502),
            // It is waited for, and by then all of it has come.
            ("unknown", 200),
            ("unknown-large", 502),
            ("small", 200),
        ] {
            let link =
                json!({"mxc": format!("mxc://example.org/{id}"), "room_id": "!r:example.org"});
            let link = url(&service.issue(link).await);
            for _ in 0..2 {
                let (found, errcode) = status_of(&link).await;
                assert_eq!(found, status, "{id} {cache}");
                assert_eq!(errcode == "M_TOO_LARGE", status == 502, "{id} {cache}");
                let head = client().head(&link).send().await.expect("an answer");
                assert_eq!(head.status().as_u16(), status, "{id} {cache}");
                let part = client().get(&link).header("Range", "bytes=0-1");
                let part = part.send().await.expect("an answer").status().as_u16();
                assert_eq!(part == 502, status == 502, "{id} {cache}: {part}");
            }
            let thumbnail = link.replace("/m/", "/t/") + "?width=96&height=96";
            assert_eq!(status_of(&thumbnail).await.0, 200, "{id} {cache}");
        }
        service.stop().await;
    }
}

#[tokio::test]
async fn the_bound_of_one_room_is_not_that_of_another() {
    let homeserver = RawServer::start_with_policies(|head| match head {
        head if asks_for_policy(head) && head.contains("small") => {
            say_all("200 OK", r#"{"max_size": 4}"#)
        }
        head if asks_for_policy(head) => say_all("200 OK", "{}"),
        _ => say_all("200 OK\r\nContent-Type: text/plain", "large"),
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = "usage: {mode: never, touch: never}";
    let service = Service::start(folder.path(), &homeserver.url, more).await;
    let mut pages = Vec::new();
    for (room, status) in [("!small:example.org", 502), ("!any:example.org", 200)] {
        let link = json!({"mxc": "mxc://example.org/abc", "room_id": room});
        let link = url(&service.issue(link).await);
        pages.push((link.replace("/m/", "/v/"), status));
    }
    for (page, status) in pages.iter().chain(pages.iter().rev()) {
        assert_eq!(status_of(page).await.0, *status, "{page}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_room_that_switches_links_off_ends_them_and_gets_no_more() {
    let world = World::new().await;
    let service = world.service(USAGE).await;
    let body = media(&world, "$e").await;
    let link = service.issue(body.clone()).await;
    service.wait_for_usage(&link, "counted").await;
    let unseen = signed_elsewhere(
        &service,
        &claims(&with(&body, "event_id", json!("$unseen"))),
        0,
    );
    assert_eq!(status_of(&url(&link)).await.0, 200);

    let off = json!({"enabled": false});
    let room = &world.room_id;
    let note = |content: Value| {
        let service = &service;
        async move {
            service
                .note_policy("irc", room, Some("$policy"), &content)
                .await
        }
    };
    note(off).await;
    assert_eq!(status_of(&url(&link)).await, told(410, "M_GONE"));
    assert_eq!(service.link(&link).await["state"], "revoked");
    assert_eq!(status_of(&unseen).await, told(410, "M_GONE"));
    let (status, refusal) = service.call(Method::POST, "/v1/links", &body).await;
    assert_eq!(
        (status.as_u16(), &refusal["errcode"]),
        (403, &json!("M_FORBIDDEN"))
    );
    assert!(
        refusal["error"]
            .as_str()
            .is_some_and(|text| text.contains("room's policy"))
    );
    let while_off = signed_elsewhere(
        &service,
        &claims(&with(&body, "event_id", json!("$while"))),
        0,
    );
    assert_eq!(status_of(&while_off).await, told(410, "M_GONE"));
    service.wait_for_usage(&link, "released").await;

    note(json!({})).await;
    assert_eq!(asks(&service, &body).await.0, 201);
    assert_eq!(
        status_of(&url(&link)).await.0,
        410,
        "what is over stays over"
    );
    assert_eq!(status_of(&unseen).await.0, 410, "it is remembered");
    service.stop().await;
}

#[tokio::test]
async fn a_policy_that_is_set_later_bounds_what_is_live() {
    let world = World::new().await;
    let service = world.service(USAGE).await;
    let body = media(&world, "$e").await;
    let never = service.issue(with(&body, "lifetime_ms", json!(0))).await;
    let short = with(&body, "lifetime_ms", json!(HOUR_MS / 2));
    let short = service
        .issue(with(&short, "event_id", json!("$short")))
        .await;
    let renewed = with(&body, "event_id", json!("$renewed"));
    service.issue(renewed.clone()).await;
    service.clock.advance(HOUR_MS * 3 / 4);
    let renewed = service.issue(with(&renewed, "lifetime_ms", json!(0))).await;
    let policy = json!({"max_lifetime_ms": HOUR_MS, "max_size": 1, "pages_only": true});
    service
        .note_policy("irc", &world.room_id, None, &policy)
        .await;
    assert_eq!(lifetime(&service.link(&never).await), Some(HOUR_MS));
    assert_eq!(lifetime(&service.link(&short).await), Some(HOUR_MS / 2));
    // Its lifetime counts from when it was given anew.
    let since = lifetime(&service.link(&renewed).await).expect("it ends") - HOUR_MS;
    assert!(
        (HOUR_MS * 3 / 4 - 1000..HOUR_MS).contains(&since),
        "{since}"
    );
    let never = service.link(&never).await;
    assert_eq!(never["url"], never["page_url"]);
    let media_url = url(&never).replace("/v/", "/m/");
    assert_eq!(status_of(&media_url).await, told(502, "M_TOO_LARGE"));
    service.clock.advance(HOUR_MS / 4);
    assert_eq!(status_of(&media_url).await, told(410, "M_GONE"));
    service.stop().await;
}

#[tokio::test]
async fn hostile_policies_bound_nothing() {
    let world = World::with(Options::default()).await;
    let service = world.service(USAGE).await;
    let body = media(&world, "$e").await;
    service.issue(body.clone()).await;
    let lists = json!([[[[[[]]]]]]);
    for content in [
        json!({"enabled": "false", "max_lifetime_ms": -1, "max_size": "0", "pages_only": "yes"}),
        json!({"enabled": 0, "max_lifetime_ms": 1e300, "max_size": -5, "pages_only": [true]}),
        json!({"enabled": {}, "max_lifetime_ms": u64::MAX, "max_size": u64::MAX}),
        json!({"max_lifetime_ms": i64::MAX, "max_size": i64::MAX}),
        json!({"content": {"enabled": false}, "event_id": "$x", "type": POLICY_EVENT_TYPE, "more": lists}),
        lists,
        json!(null),
    ] {
        service
            .note_policy("irc", &world.room_id, Some("$policy"), &content)
            .await;
        let link = service.issue(with(&body, "size", json!(1_u64 << 40))).await;
        assert_eq!(
            (&link["state"], lifetime(&link)),
            (&json!("live"), Some(14 * 24 * HOUR_MS))
        );
        assert_ne!(link["url"], link["page_url"], "{content}");
    }
    let content = json!({"enabled": false, "max_size": "x"});
    service
        .note_policy("irc", &world.room_id, None, &content)
        .await;
    assert_eq!(
        asks(&service, &body).await,
        told(403, "M_FORBIDDEN"),
        "field by field"
    );
    service.stop().await;
}
