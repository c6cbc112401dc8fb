//! Links of bridges that sign nothing: served for as long as an event shows their media.

use medialink::clock::Clock;
use serde_json::{Value, json};
use support::{HS_TOKEN, POLICY_EVENT_TYPE, Service, World, answer, eventually};

const MINUTE: i64 = 60_000;
const ENTRY: &str = "legacy_links: [{format: unsigned, bridge: irc, lifetime: 1h}]\nusage: {mode: always, batch_window: 20ms}\n";

fn path(mxc: &str) -> String {
    let media = mxc.strip_prefix("mxc://").expect("an mxc URI");
    format!("/_matrix/media/v3/download/{media}")
}

/// Pushes events as the homeserver does, in a transaction of their own.
async fn push(service: &Service, events: Value) {
    let txn = name_of(&events);
    let url = format!("{}/_matrix/app/v1/transactions/{txn}", service.internal);
    let request = service.client.put(url).bearer_auth(HS_TOKEN);
    let (status, told) = answer(request.json(&json!({"events": events}))).await;
    assert_eq!(status, 200, "{told}");
}

/// Names a transaction by what it holds.
fn name_of(events: &Value) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    events.to_string().hash(&mut hasher);
    hasher.finish().to_string()
}

fn event(world: &World, event_id: &str, content: Value) -> Value {
    json!({"type": "m.room.message", "event_id": event_id, "room_id": world.room_id,
        "sender": "@alice:example.org", "content": content})
}

fn redaction(world: &World, event_id: &str) -> Value {
    json!({"type": "m.room.redaction", "event_id": format!("{event_id}-r"), "room_id": world.room_id,
        "sender": "@alice:example.org", "redacts": event_id, "content": {"redacts": event_id}})
}

async fn status(service: &Service, mxc: &str) -> u16 {
    service.get(&path(mxc)).await.status().as_u16()
}

#[tokio::test]
async fn media_is_served_while_an_event_shows_it() {
    // With content tokens: they are told by the event.
    let world = World::new().await;
    let service = world.service(ENTRY).await;
    let (mxc, token) = world.upload("hello", "text/plain").await;
    let shown = |event_id: &str| {
        let content = json!({"msgtype": "m.image", "url": mxc, "content_token": token});
        event(&world, event_id, content)
    };
    assert_eq!(
        service.refused(&path(&mxc)).await,
        (404, json!("M_NOT_FOUND"))
    );
    push(
        &service,
        json!([event(
            &world,
            "$text",
            json!({"body": format!("see {mxc}")})
        )]),
    )
    .await;
    assert_eq!(
        status(&service, &mxc).await,
        404,
        "it was talked about, and not shown"
    );
    assert_eq!(world.requests("media.download").await, 0);

    let first_end = is_shown_first(&service, &mxc, shown("$a")).await;

    service.clock.advance(30 * MINUTE);
    push(&service, json!([shown("$b")])).await;
    let end = service.listed().await[0]["expires_ts"]
        .as_i64()
        .expect("an end");
    assert!(end - first_end >= 30 * MINUTE, "{first_end} {end}");
    service.clock.advance(59 * MINUTE);
    assert_eq!(status(&service, &mxc).await, 200);
    service.clock.advance(2 * MINUTE);
    assert_eq!(service.refused(&path(&mxc)).await, (410, json!("M_GONE")));
    push(&service, json!([shown("$c")])).await;
    assert_eq!(status(&service, &mxc).await, 200, "it was seen again");

    redactions_hide_it(&world, &service, &mxc, shown).await;

    push(&service, json!([shown("$e")])).await;
    assert_eq!(status(&service, &mxc).await, 200);
    assert_eq!(service.revoke_matching(json!({"mxc": mxc})).await, 1);
    push(&service, json!([shown("$f")])).await;
    assert_eq!(status(&service, &mxc).await, 410, "revoked for good");
    service.stop().await;
}

/// It is served as long as one event that shows it is neither redacted nor too old.
async fn redactions_hide_it(
    world: &World,
    service: &Service,
    mxc: &str,
    shown: impl Fn(&str) -> Value,
) {
    push(
        service,
        json!([redaction(world, "$c"), redaction(world, "$a")]),
    )
    .await;
    assert_eq!(
        status(service, mxc).await,
        410,
        "the only other event was too long ago"
    );
    push(service, json!([shown("$d")])).await;
    assert_eq!(status(service, mxc).await, 200);
    push(
        service,
        json!([redaction(world, "$b"), redaction(world, "$d")]),
    )
    .await;
    let told = service.refused(&path(mxc)).await;
    assert_eq!(told, (410, json!("M_GONE")));
    assert_eq!(service.listed().await[0]["state"], "redacted");
    // A repeat of a redacted event shows nothing.
    push(service, json!([shown("$d"), event(world, "$x", json!({}))])).await;
    assert_eq!(status(service, mxc).await, 410);
}

/// An event that shows the medium makes its link work at every path; when the link ends.
async fn is_shown_first(service: &Service, mxc: &str, shown: Value) -> i64 {
    push(service, json!([shown])).await;
    let media = mxc.strip_prefix("mxc://").expect("an mxc URI");
    for version in ["v1", "r0", "v3"] {
        for name in ["", "/cat.png"] {
            let path =
                format!("/_matrix/media/{version}/download/{media}{name}?allow_remote=false");
            let response = service.get(&path).await;
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(response.text().await.expect("whole"), "hello");
        }
    }
    let links = service.listed().await;
    assert_eq!(links.len(), 1);
    let first_end = links[0]["expires_ts"].as_i64().expect("an end");
    assert_eq!(
        (&links[0]["form"], &links[0]["usage"]["state"]),
        (&json!("legacy"), &json!("disabled"))
    );
    first_end
}

#[tokio::test]
async fn a_link_that_was_revoked_while_it_was_expired_is_not_brought_back() {
    let world = World::without_content_tokens().await;
    let service = world.service(ENTRY).await;
    let (mxc, _) = world.upload("hello", "text/plain").await;
    push(&service, json!([event(&world, "$a", json!({"url": mxc}))])).await;
    assert_eq!(status(&service, &mxc).await, 200);
    service.clock.advance(61 * MINUTE);
    assert_eq!(status(&service, &mxc).await, 410);
    service.revoke_matching(json!({"mxc": mxc})).await;
    push(&service, json!([event(&world, "$b", json!({"url": mxc}))])).await;
    assert_eq!(service.refused(&path(&mxc)).await, (410, json!("M_GONE")));
    service.stop().await;
}

#[tokio::test]
async fn another_lifetime_holds_for_links_that_were_followed_before() {
    let world = World::without_content_tokens().await;
    let clock = Clock::default();
    let start = async |lifetime: &str| {
        let entry = ENTRY.replacen("1h", lifetime, 1);
        Service::start_at(world.folder.path(), &world.url, "", &entry, &clock).await
    };
    let (mxc, _) = world.upload("hello", "text/plain").await;
    let service = start("1h").await;
    push(&service, json!([event(&world, "$a", json!({"url": mxc}))])).await;
    assert_eq!(status(&service, &mxc).await, 200);
    service.stop().await;
    clock.advance(31 * MINUTE);
    for (lifetime, told) in [("30m", 410), ("32m", 200), ("30m", 410), ("never", 200)] {
        let service = start(lifetime).await;
        assert_eq!(status(&service, &mxc).await, told, "{lifetime}");
        service.stop().await;
    }
    let service = start("never").await;
    push(&service, json!([redaction(&world, "$a")])).await;
    assert_eq!(status(&service, &mxc).await, 410);
    service.stop().await;
}

#[tokio::test]
async fn links_that_nobody_has_followed_yet_end_likewise() {
    let world = World::new().await;
    let service = world.service(ENTRY).await;
    let upload = async |text: &str| world.upload(text.to_owned(), "text/plain").await;
    let ((redacted, _), (late, _), (revoked, _)) =
        (upload("a").await, upload("b").await, upload("c").await);
    push(
        &service,
        json!([
            event(&world, "$a", json!({"url": redacted})),
            event(&world, "$b", json!({"url": late})),
            event(&world, "$c", json!({"url": revoked})),
            redaction(&world, "$a"),
        ]),
    )
    .await;
    service.revoke_matching(json!({"mxc": revoked})).await;
    for mxc in [&redacted, &revoked] {
        assert_eq!(
            service.refused(&path(mxc)).await,
            (410, json!("M_GONE")),
            "{mxc}"
        );
    }
    service.clock.advance(61 * MINUTE);
    assert_eq!(service.refused(&path(&late)).await, (410, json!("M_GONE")));
    assert!(service.listed().await.is_empty());
    assert_eq!(world.requests("media.download").await, 0);
    service.stop().await;
}

#[tokio::test]
async fn media_is_seen_wherever_an_event_names_it() {
    let world = World::without_content_tokens().await;
    let service = world.service(ENTRY).await;
    let mut media = Vec::new();
    for n in 0..4 {
        media.push(world.upload(format!("{n}"), "text/plain").await.0);
    }
    let html = format!("<img src=\"{}\">", media[1]);
    let avatar = json!({"type": "m.room.member", "event_id": "$m", "room_id": world.room_id,
        "sender": "@alice:example.org", "state_key": "@alice:example.org",
        "content": {"membership": "join", "avatar_url": media[2]}});
    let other = json!({"type": "org.example.other", "event_id": "$o", "room_id": world.room_id,
        "sender": "@alice:example.org", "content": {"a": [{"b": media[3]}]}});
    push(
        &service,
        json!([
            event(&world, "$f", json!({"file": {"url": media[0]}})),
            event(&world, "$h", json!({"formatted_body": html})),
            avatar,
            other,
            json!({"type": "m.room.message", "room_id": 5, "content": {"url": media[0]}}),
            json!(null),
        ]),
    )
    .await;
    for mxc in &media {
        assert_eq!(status(&service, mxc).await, 200, "{mxc}");
    }
    service.stop().await;
}

#[tokio::test]
async fn an_edit_shows_what_it_says_until_its_event_is_redacted() {
    let world = World::without_content_tokens().await;
    let service = world.service(ENTRY).await;
    let upload = async |text: &str| world.upload(text.to_owned(), "text/plain").await.0;
    let (before, after) = (upload("before").await, upload("after").await);
    let content = json!({"msgtype": "m.image", "body": "cat", "url": before});
    let original = world.send(&world.room_id, "m.room.message", &content).await;
    push(&service, json!([event(&world, &original, content)])).await;
    assert_eq!(status(&service, &before).await, 200);
    let edit = json!({"msgtype": "m.image", "body": "* cat",
        "m.new_content": {"msgtype": "m.image", "body": "cat", "url": after},
        "m.relates_to": {"rel_type": "m.replace", "event_id": original}});
    push(&service, json!([event(&world, "$edit", edit)])).await;
    assert_eq!(status(&service, &after).await, 200);
    assert_eq!(
        status(&service, &before).await,
        410,
        "the edit has dropped it"
    );
    push(&service, json!([redaction(&world, &original)])).await;
    assert_eq!(
        status(&service, &after).await,
        410,
        "it was shown by the edit of a redacted event"
    );
    service.stop().await;
}

#[tokio::test]
async fn of_two_edits_that_come_together_the_last_one_shows_what_it_says() {
    let world = World::without_content_tokens().await;
    let service = world.service(ENTRY).await;
    let upload = async |text: &str| world.upload(text.to_owned(), "text/plain").await.0;
    let (first, second, third) = (upload("1").await, upload("2").await, upload("3").await);
    let content = json!({"msgtype": "m.image", "body": "cat", "url": first});
    let original = world.send(&world.room_id, "m.room.message", &content).await;
    push(&service, json!([event(&world, &original, content)])).await;
    let edit = |id: &str, mxc: &str| {
        let content = json!({"msgtype": "m.image", "body": "* cat",
            "m.new_content": {"msgtype": "m.image", "body": "cat", "url": mxc},
            "m.relates_to": {"rel_type": "m.replace", "event_id": original}});
        event(&world, id, content)
    };
    push(
        &service,
        json!([edit("$edit2", &second), edit("$edit3", &third)]),
    )
    .await;
    assert_eq!(status(&service, &first).await, 410);
    assert_eq!(status(&service, &second).await, 410);
    assert_eq!(status(&service, &third).await, 200);
    service.stop().await;
}

#[tokio::test]
async fn a_policy_that_is_older_than_we_are_is_asked_for() {
    let world = World::without_content_tokens().await;
    world.set_policy(&json!({"enabled": false})).await;
    let service = world.service(ENTRY).await;
    let (mxc, _) = world.upload("hello", "text/plain").await;
    push(&service, json!([event(&world, "$a", json!({"url": mxc}))])).await;
    eventually("the room's policy to be known", async || {
        (status(&service, &mxc).await != 200).then_some(())
    })
    .await;
    service.stop().await;
}

#[tokio::test]
async fn a_room_that_allows_no_links_shows_nothing() {
    let world = World::without_content_tokens().await;
    let service = world.service(ENTRY).await;
    let upload = async |text: &str| world.upload(text.to_owned(), "text/plain").await.0;
    let (first, second) = (upload("first").await, upload("second").await);
    push(
        &service,
        json!([event(&world, "$a", json!({"url": first}))]),
    )
    .await;
    assert_eq!(status(&service, &first).await, 200);
    let policy = json!({"type": POLICY_EVENT_TYPE, "event_id": "$p",
        "room_id": world.room_id, "sender": "@alice:example.org", "state_key": "",
        "content": {"enabled": false}});
    push(&service, json!([policy])).await;
    push(
        &service,
        json!([event(&world, "$b", json!({"url": second}))]),
    )
    .await;
    assert_eq!(status(&service, &first).await, 410);
    assert_eq!(status(&service, &second).await, 404);
    service.stop().await;
}

#[tokio::test]
async fn nothing_is_noted_unless_it_is_asked_for_and_nothing_for_longer_than_needed() {
    let world = World::without_content_tokens().await;
    let (mxc, _) = world.upload("hello", "text/plain").await;
    let seen = async |service: &Service| service.has_seen("irc", &mxc).await;
    let shown = json!([event(&world, "$a", json!({"url": mxc}))]);
    let without = world.service("").await;
    push(&without, shown.clone()).await;
    assert!(!seen(&without).await);
    assert_eq!(status(&without, &mxc).await, 404);
    without.stop().await;

    let service = world
        .service(&format!("{ENTRY}links: {{remember: 2h}}"))
        .await;
    push(&service, json!([event(&world, "$b", json!({"url": mxc}))])).await;
    service.forget_shown().await;
    assert!(seen(&service).await);
    service.clock.advance(179 * MINUTE);
    service.forget_shown().await;
    assert_eq!(
        status(&service, &mxc).await,
        410,
        "it was there, and its time is over"
    );
    service.clock.advance(2 * MINUTE);
    service.forget_shown().await;
    assert!(!seen(&service).await);
    assert_eq!(status(&service, &mxc).await, 404);
    service.stop().await;
}
