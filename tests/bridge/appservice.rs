//! What the homeserver tells the service as an appservice.

use reqwest::Method;
use serde_json::{Value, json};
use support::{API_TOKEN, BOT, HS_TOKEN, Service, World, answer, eventually};

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
        // This room is of version 12: the content decides.
        ("$b", redaction(room, None, Some("$b"))),
        ("$c", redaction(room, Some("$c"), Some("$c"))),
        ("$d", arrived_redacted),
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
        redaction(room, Some("$other"), None),
        redaction(room, Some("nonsense"), None),
        json!({"type": 5}),
        json!("nonsense"),
        json!(null),
    ] {
        let txn = event.to_string().len().to_string();
        assert_eq!(push(&service, &txn, json!([event])).await.0, 200);
    }
    assert_eq!(service.link(&other).await["state"], "live");
    service.stop().await;
}

#[tokio::test]
async fn a_transaction_is_acted_on_once_and_only_for_the_homeserver() {
    let world = World::new().await;
    let service = world.service("").await;
    let room = &world.room_id;
    let body = json!({"mxc": "mxc://example.org/abc", "room_id": room, "event_id": "$a"});
    assert_eq!(push(&service, "same", json!([])).await.0, 200);
    let link = service.issue(body).await;
    assert_eq!(push(&service, "same", json!([])).await.0, 200);
    assert_eq!(service.link(&link).await["state"], "live");
    // A homeserver that was restored from a backup uses its IDs again.
    let events = json!([redaction(room, Some("$a"), Some("$a"))]);
    assert_eq!(push(&service, "same", events).await.0, 200);
    assert_eq!(service.link(&link).await["state"], "redacted");
    let url = format!("{}/_matrix/app/v1/transactions/next", service.internal);
    let events = json!({"events": [redaction(room, Some("$a"), Some("$a"))]});
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
    service.stop().await;
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
    eventually("the link to end", async || {
        (service.follow(&link).await.status() == 410).then_some(())
    })
    .await;
    service.wait_for_usage(&link, "released").await;
    assert_eq!(world.references(&mxc).await, 0);
    service.stop().await;
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
    service.stop().await;
}

/// A service with a second bridge of the same homeserver.
async fn two_bridges(world: &World) -> Service {
    let more = "  - {id: sms, network: SMS, api_token: second-api, as_token: second-as, hs_token: second-hs, \
        user_id: '@sms:example.org', accept_invites: ['@alice:*']}\nusage: {batch_window: 20ms}";
    world.service(more).await
}

#[tokio::test]
async fn a_redaction_told_to_one_bridge_ends_the_links_of_all() {
    let world = World::new().await;
    let service = two_bridges(&world).await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let body = |event: &str, form: &str| json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "event_id": event, "form": form});
    let own = service.issue(body("$a", "short")).await;
    let sealed = service.issue(body("$a", "self_contained")).await;
    let kept = service.issue(body("$b", "short")).await;
    let second = service
        .client
        .post(format!("{}/v1/links", service.internal))
        .bearer_auth("second-api");
    let (status, other) = answer(second.json(&body("$a", "short"))).await;
    assert_eq!(status, 201);
    service.wait_for_usage(&own, "counted").await;
    let url = format!("{}/_matrix/app/v1/transactions/1", service.internal);
    let events = json!({"events": [redaction(&world.room_id, Some("$a"), Some("$a"))]});
    let told = service.client.put(url).bearer_auth("second-hs");
    assert_eq!(answer(told.json(&events)).await.0, 200);
    for link in [&own, &sealed, &other] {
        let response = service.follow(link).await;
        assert_eq!(response.status(), 410);
    }
    assert_eq!(service.follow(&kept).await.status(), 200);
    assert_eq!(service.link(&own).await["usage"]["state"], "counted");
    // The other bridge is told the same in a transaction of its own, which may have the same ID.
    assert_eq!(push(&service, "1", events["events"].clone()).await.0, 200);

    let batch =
        json!({"links": [body("$a", "short"), body("$b", "short"), body("$a", "self_contained")]});
    let (_, batch) = service.call(Method::POST, "/v1/links/batch", &batch).await;
    for place in [0, 2] {
        let error = &batch["results"][place];
        assert_eq!(
            (&error["errcode"], &error["status"]),
            (&json!("M_GONE"), &json!(410))
        );
    }
    assert_eq!(batch["results"][1]["link_id"], kept["link_id"]);
    let elsewhere = world.new_room().await;
    let mut same_event = body("$a", "short");
    same_event["room_id"] = json!(elsewhere);
    assert_eq!(
        service.call(Method::POST, "/v1/links", &same_event).await.0,
        201,
        "an event belongs to a room"
    );
    service.stop().await;
}

#[tokio::test]
async fn the_place_where_a_redaction_names_its_target_depends_on_the_rooms_version() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never, touch: never}").await;
    for (version, decides) in [("10", "outside"), ("11", "inside"), ("12", "inside")] {
        let create = json!({"invite": [BOT], "room_version": version});
        let (status, room) = world
            .as_alice(Method::POST, "/_matrix/client/v3/createRoom", &create)
            .await;
        assert_eq!(status, 200, "{room}");
        let room = room["room_id"].as_str().expect("an ID").to_owned();
        let join = format!("{}/_matrix/client/v3/rooms/{room}/join", world.url);
        let join = world.client.post(join).query(&[("user_id", BOT)]);
        let join = join.bearer_auth(support::AS_TOKEN).json(&json!({}));
        assert_eq!(answer(join).await.0, 200);
        for place in ["outside", "inside"] {
            let body = json!({"mxc": "mxc://example.org/abc", "room_id": room, "event_id": format!("${place}")});
            service.issue(body).await;
        }
        let event = redaction(&room, Some("$outside"), Some("$inside"));
        let txn = format!("of_version_{version}");
        assert_eq!(push(&service, &txn, json!([event])).await.0, 200);
        let listed = service.api(
            Method::GET,
            &format!("/v1/links?state=redacted&room_id={room}"),
        );
        let (_, listed) = answer(listed).await;
        assert_eq!(
            listed["links"].as_array().map(Vec::len),
            Some(1),
            "{version}"
        );
        assert_eq!(
            listed["links"][0]["event_id"],
            format!("${decides}"),
            "{version}"
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn each_bridge_accepts_the_invites_of_its_own_user() {
    let world = World::new().await;
    let service = two_bridges(&world).await;
    let asked = world.requests("rooms.join").await;
    let invite = |sender: &str, target: &str| {
        json!([{"type": "m.room.member", "event_id": "$i", "room_id": "!x:example.org",
            "sender": sender, "state_key": target, "content": {"membership": "invite"}}])
    };
    let mut joins = 0;
    for (n, (hs_token, sender, target, accepted)) in [
        (HS_TOKEN, "@bob:example.org", BOT, true),
        (HS_TOKEN, "@alice:elsewhere.org", BOT, false),
        (HS_TOKEN, "@alice:example.org", "@sms:example.org", false),
        (
            "second-hs",
            "@alice:elsewhere.org",
            "@sms:example.org",
            true,
        ),
        ("second-hs", "@bob:example.org", "@sms:example.org", false),
    ]
    .into_iter()
    .enumerate()
    {
        let url = format!("{}/_matrix/app/v1/transactions/i{n}", service.internal);
        let told = service.client.put(url).bearer_auth(hs_token);
        let events = json!({"events": invite(sender, target)});
        // A join that the homeserver refuses is not the transaction's failure.
        assert_eq!(answer(told.json(&events)).await.0, 200);
        joins += i64::from(accepted);
        let now = world.requests("rooms.join").await;
        assert_eq!(now, asked + joins, "{sender} invites {target}");
    }
    service.stop().await;
}

#[tokio::test]
async fn the_homeserver_repeats_what_was_not_answered() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never, touch: never}").await;
    let link = json!({"mxc": "mxc://example.org/abc", "room_id": world.room_id, "event_id": "$a"});
    let link = service.issue(link).await;
    let url = format!("{}/_matrix/app/v1/transactions/same", service.internal);
    let events = json!({"events": [redaction(&world.room_id, Some("$a"), Some("$a"))]});
    let pushes = (0..10).map(|_| {
        let told = service.client.put(&url).bearer_auth(HS_TOKEN);
        answer(told.json(&events))
    });
    for (status, told) in futures_util::future::join_all(pushes).await {
        assert_eq!((status.as_u16(), told), (200, json!({})));
    }
    assert_eq!(service.link(&link).await["state"], "redacted");
    // What is not a transaction of the homeserver leaves no trace under its ID.
    let broken = service
        .client
        .put(url.replace("same", "next"))
        .bearer_auth(HS_TOKEN);
    assert_eq!(answer(broken.body("{\"events\": [")).await.0, 400);
    let other = json!({"mxc": "mxc://example.org/abc", "room_id": world.room_id, "event_id": "$b"});
    let other = service.issue(other).await;
    let pushed = json!([redaction(&world.room_id, Some("$b"), Some("$b"))]);
    assert_eq!(push(&service, "next", pushed).await.0, 200);
    assert_eq!(service.link(&other).await["state"], "redacted");
    service.stop().await;
}
