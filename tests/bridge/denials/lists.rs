//! Lists of the configuration, and those of the operator's commands.

use medialink_link::{
    LinkClaims,
    matrix::{ContentToken, MxcUri, RoomId},
};
use reqwest::{Method, header};
use serde_json::{Value, json};
use support::{signed_elsewhere, url};

use super::scene::{ALICE, Scene};

/// A scene in which this is denied by the configuration.
async fn denying(list: &str) -> Scene {
    Scene::new(&format!("abuse: {{deny: {{{list}}}}}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_configuration_denies_gets_no_link() {
    for list in [
        "servers: [Example.org]",
        "servers: ['*.org']",
        "rooms: ['!*']",
        "senders: ['@alice:example.org']",
        "senders: ['@a*']",
        "media: ['mxc://example.org/*']",
    ] {
        let scene = denying(list).await;
        let request = scene.request("hello", "text/plain").await;
        let (status, error) = scene.asked(&request).await;
        assert_eq!(
            (status, &error["errcode"]),
            (403, &json!("M_FORBIDDEN")),
            "{list}: {error}"
        );
        let told = error["error"].as_str().expect("text");
        assert!(told.contains("denied by the operator"), "{told}");
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_of_a_batch_is_denied_by_itself() {
    let scene = denying("senders: ['@mallory:example.org'], media_types: ['video/*']").await;
    let good = scene.request("hello", "text/plain").await;
    let mut mallory = good.clone();
    mallory["sender"] = "@mallory:example.org".into();
    let mut film = good.clone();
    film["mimetype"] = "Video/MP4; codecs=x".into();
    let batch = json!({"links": [mallory, good, film]});
    let (status, answer) = scene
        .service
        .call(Method::POST, "/v1/links/batch", &batch)
        .await;
    assert_eq!(status, 200, "{answer}");
    let results = answer["results"].as_array().expect("results");
    assert_eq!(results[0]["status"], 403, "{answer}");
    assert_eq!(results[1]["state"], "live", "{answer}");
    assert_eq!(results[2]["status"], 403, "{answer}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_pastes_are_denied_too() {
    let scene = denying("senders: ['@alice:example.org']").await;
    let (mxc, _) = scene.world.upload("hello", "text/plain").await;
    let event = json!({"event": {"type": "m.room.message", "event_id": "$e", "sender": ALICE,
        "room_id": scene.world.room_id, "content": {"msgtype": "m.file", "body": "x", "url": mxc}}});
    let (_, answer) = scene.service.call(Method::POST, "/v1/events", &event).await;
    assert!(!answer.to_string().contains("/m/"), "{answer}");
    let paste = json!({"text": "hello", "room_id": scene.world.room_id, "sender": ALICE});
    let (status, answer) = scene.service.call(Method::POST, "/v1/pastes", &paste).await;
    assert_eq!(status, 403, "{answer}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_denies_links_that_are_live_and_allows_them_again() {
    let scene = Scene::new("").await;
    let link = scene.link("hello").await;
    let mxc = link["mxc"].as_str().expect("an mxc URI").to_owned();
    let room = scene.world.room_id.clone();
    for (kind, value) in [
        ("server", "example.org"),
        ("room", &*room),
        ("sender", ALICE),
        ("media", &*mxc),
        ("media_type", "text/*"),
        ("client", "127.0.0.0/8"),
    ] {
        assert_eq!(scene.status(&link).await, 200, "{kind}");
        scene.runs(&["deny", "add", kind, value, "--reason", "a test"]);
        scene.becomes(&link, 403).await;
        let page = link["page_url"].as_str().expect("a page");
        let answer = scene
            .service
            .client
            .get(page)
            .header(header::ACCEPT, "text/html");
        let answer = answer.send().await.expect("an answer");
        assert_eq!(answer.status(), 403, "{kind}");
        let page = answer.text().await.expect("text");
        assert!(
            page.contains("not available here") && !page.contains("a test"),
            "{page}"
        );
        let listed = scene.runs(&["deny", "list", "--json"]);
        assert!(listed.contains("\"reason\":\"a test\""), "{listed}");
        scene.runs(&["deny", "remove", kind, value]);
        scene.becomes(&link, 200).await;
        let (is_there, told) = scene.says(&["deny", "remove", kind, value]);
        assert!(!is_there && told.contains("is not on the list"), "{told}");
    }
    assert_eq!(scene.runs(&["deny", "list"]), "");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_link_does_not_end() {
    let scene = Scene::new("").await;
    let link = scene.link("hello").await;
    scene.runs(&["deny", "add", "sender", ALICE]);
    scene.becomes(&link, 403).await;
    assert_eq!(scene.service.link(&link).await["state"], "live");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_client_is_seen_through_the_proxy_and_gets_nothing_at_all() {
    let scene = denying("clients: [192.0.2.0/24, '2001:db8:1:2::9']").await;
    let link = scene.link("hello").await;
    let get = async |address: &str, path: &str| {
        let request = scene
            .service
            .client
            .get(path)
            .header("X-Forwarded-For", address);
        request.send().await.expect("an answer").status().as_u16()
    };
    let robots = format!("{}/robots.txt", scene.service.public);
    for (address, status) in [
        ("192.0.2.77", 403),
        ("198.51.100.1, 192.0.2.77", 403),
        ("192.0.2.77, 198.51.100.1", 200),
        ("2001:db8:1:2:ffff::1", 403),
        ("2001:db8:1:3::1", 200),
        ("198.51.100.1", 200),
    ] {
        assert_eq!(get(address, &url(&link)).await, status, "{address}");
        assert_eq!(get(address, &robots).await, status, "{address}");
    }
    let nothing = format!("{}/m/no-link", scene.service.public);
    assert_eq!(get("192.0.2.1", &nothing).await, 403);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_is_denied_that_only_the_homeserver_knows() {
    for (bytes, told, denied) in [
        ("hello", "text/css", "text/css"),
        // Served as another type, since it would run scripts.
        (
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
            "image/svg+xml",
            "image/svg+xml",
        ),
        // Whose bytes show that it is one.
        ("\u{47}IF89a\u{1}\0\u{1}\0\0\0\0", "image/png", "image/gif"),
    ] {
        let scene = Scene::new("").await;
        let request = scene.request(bytes, told).await;
        let link = scene.service.issue(request).await;
        assert_eq!(scene.status(&link).await, 200, "{told}");
        scene.runs(&["deny", "add", "media_type", denied]);
        scene.becomes(&link, 403).await;
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_denied_is_refused_in_words() {
    let scene = Scene::new("abuse: {deny: {rooms: ['!r:s']}}").await;
    for (arguments, word) in [
        (["deny", "add", "room", "#r:s"], "the ID of a room"),
        (["deny", "add", "sha256", "abc"], "64 hexadecimal digits"),
        (["deny", "add", "rooms", "!r:s"], "allowed are server, room"),
        (["deny", "add", "client", "localhost"], "an IP address"),
        (["deny", "remove", "room", "!r:s"], "by the configuration"),
    ] {
        let (is_done, told) = scene.says(&arguments);
        assert!(!is_done && told.contains(word), "{arguments:?}: {told}");
    }
    let listed = scene.runs(&["deny", "list"]);
    let listed: Value = serde_json::from_str(&listed).expect("one line of JSON");
    assert_eq!(
        listed,
        json!({"kind": "room", "value": "!r:s", "reason": "abuse.deny", "created_ts": 0})
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_signed_elsewhere_to_what_is_denied_is_not_taken_in() {
    let scene = denying("media: ['mxc://example.org/*']").await;
    let (mxc, token) = scene.world.upload("hello", "text/plain").await;
    let room_id = RoomId::parse(&scene.world.room_id).expect("a room ID");
    let mut claims = LinkClaims::new(room_id, MxcUri::parse(&mxc).expect("an mxc URI"));
    claims.content_token = Some(ContentToken::parse(&token).expect("a token"));
    let link = signed_elsewhere(&scene.service, &claims, 3600);
    let path = link.strip_prefix(&scene.service.public).expect("a path");
    let refused = scene.service.refused(path).await;
    assert_eq!(refused, (403, json!("M_FORBIDDEN")));
    assert!(scene.service.listed().await.is_empty());
    scene.end().await;
}
