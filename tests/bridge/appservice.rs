//! What the homeserver tells the service as an appservice.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{API_TOKEN, BOT, HS_TOKEN, Service, World, answer, eventually};

async fn push(service: &Service, txn: &str, events: Value) -> (u16, Value) {
    let url = format!("{}/_matrix/app/v1/transactions/{txn}", service.internal);
    let (status, told) = answer(
        service
            .client
            .put(url)
            .bearer_auth(HS_TOKEN)
            .json(&json!({"events": events})),
    )
    .await;
    (status.as_u16(), told)
}

fn redaction(room: &str, outside: Option<&str>, inside: Option<&str>) -> Value {
    let mut event = json!({"type": "m.room.redaction", "event_id": "$r", "room_id": room, "sender": "@a:example.org", "content": {}});
    if let Some(id) = outside {
        event["redacts"] = json!(id);
    }
    if let Some(id) = inside {
        event["content"]["redacts"] = json!(id);
    }
    event
}

#[tokio::test]
async fn redactions_in_every_shape_end_links() {
    let world = World::new().await;
    let service = world.service("usage: {batch_window: 20ms}").await;
    let room = &world.room_id;
    let issue = async |event: &str| {
        let body = json!({"mxc": "mxc://example.org/abc", "room_id": room, "event_id": event});
        service.issue(body).await
    };
    let arrived_redacted = json!({"type": "m.room.message", "event_id": "$d", "room_id": room, "sender": "@a:example.org",
        "content": {}, "unsigned": {"redacted_because": {}}});
    for (n, (event, pushed)) in [
        ("$a", redaction(room, Some("$a"), None)),
        ("$b", redaction(room, None, Some("$b"))),
        ("$c", redaction(room, Some("$c"), Some("$c"))),
        ("$d", arrived_redacted),
        // This room is of version 12: the content decides.
        ("$e", redaction(room, Some("$other"), Some("$e"))),
    ]
    .into_iter()
    .enumerate()
    {
        let link = issue(event).await;
        assert_eq!(
            push(&service, &format!("t{n}"), json!([pushed])).await.0,
            200
        );
        assert_eq!(service.link(&link).await["state"], "redacted", "{event}");
    }
    let other = issue("$other").await;
    for event in [
        redaction("!elsewhere:example.org", None, Some("$other")),
        redaction(room, None, None),
        redaction(room, Some("nonsense"), None),
        json!({"type": 5}),
        json!("nonsense"),
        json!(null),
    ] {
        let txn = event.to_string().len().to_string();
        assert_eq!(push(&service, &txn, json!([event])).await.0, 200);
    }
    assert_eq!(service.link(&other).await["state"], "live");
}

#[tokio::test]
async fn a_transaction_is_acted_on_once_and_only_for_the_homeserver() {
    let world = World::new().await;
    let service = world.service("").await;
    let room = &world.room_id;
    let body = json!({"mxc": "mxc://example.org/abc", "room_id": room, "event_id": "$a"});
    assert_eq!(push(&service, "same", json!([])).await.0, 200);
    let link = service.issue(body).await;
    assert_eq!(
        push(&service, "same", json!([redaction(room, Some("$a"), None)]))
            .await
            .0,
        200
    );
    assert_eq!(
        service.link(&link).await["state"],
        "live",
        "the homeserver never changes a transaction"
    );
    let url = format!("{}/_matrix/app/v1/transactions/next", service.internal);
    let events = json!({"events": [redaction(room, Some("$a"), None)]});
    for token in ["wrong", API_TOKEN] {
        let (status, told) =
            answer(service.client.put(&url).bearer_auth(token).json(&events)).await;
        assert_eq!(
            (status.as_u16(), &told["errcode"]),
            (403, &json!("M_FORBIDDEN"))
        );
    }
    assert_eq!(answer(service.client.put(&url).json(&events)).await.0, 401);
    for bad in [json!({}), json!({"events": 5}), json!([])] {
        assert_eq!(
            answer(service.client.put(&url).bearer_auth(HS_TOKEN).json(&bad))
                .await
                .0,
            400,
            "{bad}"
        );
    }
    let ping = service
        .client
        .post(format!("{}/_matrix/app/v1/ping", service.internal))
        .bearer_auth(HS_TOKEN);
    assert_eq!(
        answer(ping.json(&json!({"transaction_id": "x"}))).await.0,
        200
    );
}

#[tokio::test]
async fn pushed_invites_are_accepted_and_pushed_redactions_bite() {
    let world = World::new().await;
    let service = world.service("usage: {batch_window: 20ms}").await;
    assert!(
        world
            .homeserver
            .set_appservice_url("medialink", Some(service.internal.clone()))
    );
    let (_, room) = world
        .as_alice(
            Method::POST,
            "/_matrix/client/v3/createRoom",
            &json!({"invite": [BOT]}),
        )
        .await;
    let room = room["room_id"].as_str().expect("ID").to_owned();
    eventually("the join", async || {
        let path = format!("/_matrix/client/v3/rooms/{room}/joined_members");
        world.as_alice(Method::GET, &path, &json!({})).await.1["joined"]
            .get(BOT)
            .map(drop)
    })
    .await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let send = format!("/_matrix/client/v3/rooms/{room}/send/m.room.message/1");
    let (_, sent) = world
        .as_alice(
            Method::PUT,
            &send,
            &json!({"msgtype": "m.file", "body": "x", "url": mxc}),
        )
        .await;
    let event_id = sent["event_id"].as_str().expect("ID").to_owned();
    let link = service
        .issue(json!({"mxc": mxc, "content_token": token, "room_id": room, "event_id": event_id}))
        .await;
    service.wait_for_usage(&link, "counted").await;
    let (status, told) = world
        .as_alice(
            Method::PUT,
            &format!("/_matrix/client/v3/rooms/{room}/redact/{event_id}/2"),
            &json!({}),
        )
        .await;
    assert_eq!(status, 200, "{told}");
    eventually("the link to die", async || {
        (service.follow(&link).await.status() == 410).then_some(())
    })
    .await;
    service.wait_for_usage(&link, "released").await;
    assert_eq!(world.references(&mxc).await, 0);
}

#[tokio::test]
async fn only_invites_of_those_who_may_are_accepted() {
    let world = World::new().await;
    let service = world.service("").await;
    let asked = world.requests("rooms.join").await;
    let invite = |sender: &str, target: &str| {
        json!({"type": "m.room.member", "event_id": "$i", "room_id": "!x:example.org",
        "sender": sender, "state_key": target, "content": {"membership": "invite"}})
    };
    let events = json!([
        invite("@mallory:elsewhere.org", BOT),
        invite("@alice:example.org", "@bob:example.org"),
        invite("@alice:example.org.elsewhere.org", BOT),
    ]);
    assert_eq!(push(&service, "1", events).await.0, 200);
    assert_eq!(world.requests("rooms.join").await, asked);
    assert_eq!(
        push(&service, "2", json!([invite("@alice:example.org", BOT)]))
            .await
            .0,
        200
    );
    assert_eq!(world.requests("rooms.join").await, asked + 1);
}
