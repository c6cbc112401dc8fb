//! What comes is handed on to the byte, and acted on meanwhile.

use reqwest::Method;
use serde_json::{Value, json};
use support::{
    API_TOKEN, BOT, HS_TOKEN, Service, World, answer, eventually,
    faulty::{Faulty, error},
};

use super::scene::{BridgeBehind, OK, OWN_TOKEN, in_front_of, in_front_of_with, raw_request};

/// A transaction with unusual bytes.
const ODD: &str = "{ \"events\" : [ ] ,\n\t\"de.sorunome.msc2409.ephemeral\": [1e2, \"\\u00e9\"], \"events2\": {} }";

fn redaction(room: &str, event: &str) -> Value {
    json!({"type": "m.room.redaction", "event_id": "$r", "room_id": room, "sender": "@a:example.org",
        "redacts": event, "content": {"redacts": event}})
}

/// Requests of a homeserver: method, target and body.
const REQUESTS: [(&str, &str, &str); 13] = [
    ("PUT", "/_matrix/app/v1/transactions/a%2Fb", ODD),
    ("PUT", "/transactions/older", ODD),
    ("PUT", "/_matrix/app/v1/transactions/c?x=%20&y", ODD),
    (
        "PUT",
        "/_matrix/app/v1/transactions/broken",
        "{\"events\": [",
    ),
    (
        "POST",
        "/_matrix/app/v1/ping",
        "{\"transaction_id\": \"of the bridge\"}",
    ),
    ("GET", "/_matrix/app/v1/users/%40irc_a%3Aexample.org", ""),
    ("GET", "/users/@irc_a:example.org", ""),
    ("GET", "/_matrix/app/v1/rooms/%23irc%3Aexample.org", ""),
    ("GET", "/rooms/%23irc%3Aexample.org", ""),
    ("GET", "/_matrix/app/v1/thirdparty/protocol/irc?a=b", ""),
    (
        "POST",
        "/_matrix/app/unstable/org.matrix.msc3983/keys/claim",
        "{\"of\": \"the future\"}",
    ),
    ("DELETE", "/_matrix/app/v1/ping", ""),
    (
        "PATCH",
        "/_matrix/app/v9/whatever/../else",
        "\u{0}\u{1}bytes",
    ),
];

#[tokio::test]
async fn everything_is_handed_on_to_the_byte_with_the_bridges_own_token() {
    let world = World::new().await;
    let say = "HTTP/1.1 418 I'm a teapot\r\nContent-Type: text/x-tea\r\nX-Of-The-Bridge: one\r\nX-Of-The-Bridge: two\r\n\
        Content-Length: 9\r\nConnection: close\r\n\r\nno coffee";
    let bridge = BridgeBehind::start(say).await;
    let service = in_front_of(&world, bridge.address, "").await;
    for (method, target, body) in REQUESTS {
        let answer = raw_request(
            &service,
            method,
            target,
            body,
            &format!("Authorization: Bearer {HS_TOKEN}\r\n"),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 418"), "{target}: {answer}");
        assert!(answer.ends_with("no coffee"), "{answer}");
        let lower = answer.to_lowercase();
        assert!(
            lower.contains("content-type: text/x-tea")
                && lower.matches("x-of-the-bridge").count() == 2,
            "{answer}"
        );
        assert_handed_on(&bridge, method, target, body);
    }
    // As older homeservers show it.
    let target = format!("/users/@a:b?access_token={HS_TOKEN}&z");
    let told = raw_request(&service, "GET", &target, "", "").await;
    assert!(told.starts_with("HTTP/1.1 418"), "{told}");
    let line = format!("GET /users/@a:b?access_token={OWN_TOKEN}&z HTTP/1.1");
    assert_eq!(bridge.last().line, line);

    nobody_else_reaches_the_bridge(&service, &bridge).await;
    service.stop().await;
}

/// The bridge gets the request as it was, with its own token.
fn assert_handed_on(bridge: &BridgeBehind, method: &str, target: &str, body: &str) {
    let seen = bridge.last();
    assert_eq!(seen.line, format!("{method} {target} HTTP/1.1"));
    assert_eq!(String::from_utf8_lossy(&seen.body), body, "{target}");
    let head = seen.head.to_lowercase();
    assert!(
        head.contains(&format!("authorization: bearer {OWN_TOKEN}")),
        "{head}"
    );
    assert!(
        head.contains("x-kept: as it is") && !head.contains("x-hop"),
        "{head}"
    );
    assert!(
        head.contains(&format!("host: {}", bridge.address)),
        "{head}"
    );
    assert!(!seen.head.contains(HS_TOKEN));
}

/// Without the token of the homeserver, no request reaches the bridge.
async fn nobody_else_reaches_the_bridge(service: &Service, bridge: &BridgeBehind) {
    let before = bridge.seen().len();
    for (target, token) in [
        ("/_matrix/app/v1/transactions/1", "wrong"),
        ("/_matrix/app/v1/transactions/1", API_TOKEN),
        ("/_matrix/app/v1/transactions/1", OWN_TOKEN),
        ("/_matrix/app/v1/unknown", "wrong"),
        ("/users/@a:b?access_token=wrong", ""),
    ] {
        let header = format!("Authorization: Bearer {token}\r\n");
        let header = if token.is_empty() { "" } else { &header };
        let told = raw_request(service, "PUT", target, ODD, header).await;
        assert!(
            told.starts_with("HTTP/1.1 403")
                || told.starts_with("HTTP/1.1 404")
                || told.starts_with("HTTP/1.1 405"),
            "{target} {told}"
        );
    }
    assert_eq!(
        bridge.seen().len(),
        before,
        "whoever does not show the token reaches no bridge"
    );
}

#[tokio::test]
async fn a_bridge_that_is_down_makes_the_homeserver_retry_and_redactions_have_bitten() {
    let world = World::new().await;
    let bridge = BridgeBehind::start(OK).await;
    bridge.says(None);
    let quiet = "usage: {mode: never, touch: never}";
    let service = in_front_of(&world, bridge.address, quiet).await;
    let link = json!({"mxc": "mxc://example.org/abc", "room_id": world.room_id, "event_id": "$a"});
    let link = service.issue(link).await;
    let push = async |service: &Service, events: Value| {
        let url = format!("{}/_matrix/app/v1/transactions/1", service.internal);
        let told = service.client.put(url).bearer_auth(HS_TOKEN);
        answer(told.json(&json!({"events": events}))).await
    };
    let events = json!([redaction(&world.room_id, "$a")]);
    let (status, told) = push(&service, events.clone()).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (502, &json!("M_UNKNOWN"))
    );
    assert_eq!(service.follow(&link).await.status(), 410);

    // A bridge that fails is asked again, too.
    let failing = OK.replace("200 OK", "500 Internal Server Error");
    bridge.says(Some(&failing));
    assert_eq!(push(&service, events.clone()).await.0, 500);
    assert_eq!(bridge.transactions(), 1);
    bridge.says(Some(OK));
    assert_eq!(push(&service, events.clone()).await.0, 200);
    assert_eq!(bridge.transactions(), 2);
    let sent: Value = serde_json::from_slice(&bridge.last().body).expect("JSON");
    assert_eq!(sent, json!({"events": events}));
    // From now on the bridge has it, also after a restart.
    eventually("the note", async || {
        push(&service, events.clone()).await;
        let before = bridge.transactions();
        push(&service, events.clone()).await;
        (bridge.transactions() == before).then_some(())
    })
    .await;
    let before = bridge.transactions();
    service.stop().await;
    let service = in_front_of(&world, bridge.address, quiet).await;
    assert_eq!(
        push(&service, events).await,
        (reqwest::StatusCode::OK, json!({}))
    );
    assert_eq!(bridge.transactions(), before);
    service.stop().await;
}

#[tokio::test]
async fn transactions_pass_through_and_are_acted_on() {
    let world = World::new().await;
    let bridge = BridgeBehind::start(OK).await;
    let service = in_front_of(&world, bridge.address, "usage: {batch_window: 20ms}").await;
    assert!(
        world
            .homeserver
            .set_appservice_url("medialink", Some(service.internal.clone()))
    );
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let send = format!(
        "/_matrix/client/v3/rooms/{}/send/m.room.message/1",
        world.room_id
    );
    let content = json!({"msgtype": "m.file", "body": "x", "url": mxc});
    let (_, sent) = world.as_alice(Method::PUT, &send, &content).await;
    let event_id = sent["event_id"].as_str().expect("an ID").to_owned();
    let link =
        json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "event_id": event_id});
    let link = service.issue(link).await;
    service.wait_for_usage(&link, "counted").await;
    let redact = format!(
        "/_matrix/client/v3/rooms/{}/redact/{event_id}/2",
        world.room_id
    );
    assert_eq!(
        world.as_alice(Method::PUT, &redact, &json!({})).await.0,
        200
    );
    eventually("the link to end", async || {
        (service.follow(&link).await.status() == 410).then_some(())
    })
    .await;
    service.wait_for_usage(&link, "released").await;
    eventually("the bridge to hear of it", async || {
        let seen = bridge.seen();
        let hears = |kind: &str| {
            seen.iter()
                .any(|one| String::from_utf8_lossy(&one.body).contains(kind))
        };
        (hears("m.room.redaction") && hears("m.file")).then_some(())
    })
    .await;
    // Invites are the bridge's business.
    let joins = world.requests("rooms.join").await;
    let create = json!({"invite": [BOT]});
    world
        .as_alice(Method::POST, "/_matrix/client/v3/createRoom", &create)
        .await;
    eventually("the invite to arrive", async || {
        let seen = bridge.seen();
        seen.iter()
            .any(|one| String::from_utf8_lossy(&one.body).contains("\"invite\""))
            .then_some(())
    })
    .await;
    assert_eq!(world.requests("rooms.join").await, joins);
    service.stop().await;
}

#[tokio::test]
async fn the_homeserver_is_asked_for_a_ping_and_the_bridge_gets_its_own() {
    let world = World::new().await;
    let bridge = BridgeBehind::start(OK).await;
    let service = in_front_of(&world, bridge.address, "").await;
    eventually("the ping to be asked for", async || {
        (world.requests("appservice.ping").await == 1).then_some(())
    })
    .await;
    assert!(
        world
            .homeserver
            .set_appservice_url("medialink", Some(service.internal.clone()))
    );
    let url = format!("{}/_matrix/client/v1/appservice/medialink/ping", world.url);
    let ping = world.client.post(url).bearer_auth(support::AS_TOKEN);
    let (status, told) = answer(ping.json(&json!({"transaction_id": "of the bridge"}))).await;
    assert_eq!(status, 200, "{told}");
    let seen = bridge.last();
    assert!(
        seen.line.starts_with("POST /_matrix/app/v1/ping "),
        "{}",
        seen.line
    );
    assert_eq!(seen.body, b"{\"transaction_id\":\"of the bridge\"}");
    service.stop().await;
}

#[tokio::test]
async fn the_bridge_gets_what_cannot_be_understood_here() {
    let world = World::new().await;
    let bridge = BridgeBehind::start(OK).await;
    let faulty = Faulty::start(&world.url).await;
    let quiet = "usage: {mode: never, touch: never}";
    let service = in_front_of_with(&world, &faulty.url, bridge.address, quiet).await;
    faulty.always("/state/m.room.create", &error(500, "M_UNKNOWN"));
    let room = "!silent:example.org";
    let link = json!({"mxc": "mxc://example.org/abc", "room_id": room, "event_id": "$a"});
    let link = service.issue(link).await;
    let mut event = redaction(room, "$a");
    event["content"]["redacts"] = json!("$b");
    let events = json!({"events": [event]});
    let url = format!("{}/_matrix/app/v1/transactions/1", service.internal);
    let told = service.client.put(url).bearer_auth(HS_TOKEN);
    assert_eq!(answer(told.json(&events)).await.0, 200);
    assert_eq!(service.follow(&link).await.status(), 410);
    let sent: Value = serde_json::from_slice(&bridge.last().body).expect("JSON");
    assert_eq!(sent, events);
    service.stop().await;
}
