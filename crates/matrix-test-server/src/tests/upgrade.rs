//! Room upgrades, and what differs between room versions.

use std::time::Duration;

use serde_json::{Value, json};

use super::inbox::appservice;
use super::support::*;
use crate::EmbeddedHomeserver;

fn path(room: &str, rest: &str) -> String {
    format!("/_matrix/client/v3/rooms/{room}/{rest}")
}

async fn state(who: &Someone, room: &str, kind: &str) -> Value {
    let (status, content) = who.get(&path(room, &format!("state/{kind}"))).await;
    assert_eq!(status, 200, "{kind}: {content}");
    content
}

async fn upgrade(who: &Someone, room: &str, version: &str) -> String {
    let body = json!({"new_version": version});
    let (status, answer) = who.post(&path(room, "upgrade"), body).await;
    assert_eq!(status, 200, "{answer}");
    answer["replacement_room"].as_str().unwrap().to_owned()
}

async fn enter(homeserver: &EmbeddedHomeserver, name: &str, room: &str) -> Someone {
    let user = register(homeserver, name).await;
    assert_eq!(user.post(&path(room, "join"), json!({})).await.0, 200);
    user
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_room_points_to_its_successor_and_back() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let encryption = json!({"algorithm": "m.megolm.v1.aes-sha2"});
    for (from, to) in [
        ("10", "11"),
        ("10", "12"),
        ("11", "12"),
        ("12", "12"),
        ("12", "11"),
    ] {
        let old = alice
            .create_room(json!({
                "room_version": from, "preset": "public_chat", "name": "Name", "topic": "Topic",
                "power_level_content_override": {"redact": 33},
                "creation_content": {"type": "x.kind"},
                "initial_state": [{"type": "m.room.encryption", "content": encryption}],
            }))
            .await;
        let last = alice.send(&old, "1", json!({"body": "last"})).await;
        let new = upgrade(&alice, &old, to).await;
        assert_eq!(new.contains(':'), to != "12");
        let tombstone = state(&alice, &old, "m.room.tombstone").await;
        assert_eq!(tombstone["replacement_room"], json!(new));
        assert!(tombstone["body"].is_string());
        let created = state(&alice, &new, "m.room.create").await;
        let predecessor = json!({"room_id": old, "event_id": last});
        assert_eq!(created["predecessor"], predecessor);
        assert_eq!(created["room_version"], to);
        assert_eq!(created["type"], "x.kind");
        for kind in [
            "m.room.join_rules",
            "m.room.history_visibility",
            "m.room.encryption",
            "m.room.name",
            "m.room.topic",
        ] {
            let (before, after) = (
                state(&alice, &old, kind).await,
                state(&alice, &new, kind).await,
            );
            assert_eq!(before, after, "{kind}");
        }
        let levels = state(&alice, &new, "m.room.power_levels").await;
        assert_eq!(levels["redact"], 33);
        assert_eq!(
            levels["users"].get("@alice:localhost").is_some(),
            to != "12"
        );
        // Who made the new room has all power in it, and the next upgrade works as well.
        upgrade(&alice, &new, to).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_takes_the_power_to_end_the_room() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({"preset": "public_chat"})).await;
    let stranger = register(&homeserver, "eve").await;
    let bob = enter(&homeserver, "bob", &room).await;
    let to_12 = json!({"new_version": "12"});
    for who in [&bob, &stranger] {
        let refused = who.post(&path(&room, "upgrade"), to_12.clone()).await;
        assert_eq!(failure(&refused), (403, "M_FORBIDDEN"));
    }
    for (body, errcode) in [
        (json!({}), "M_MISSING_PARAM"),
        (json!({"new_version": 12}), "M_BAD_JSON"),
        (json!({"new_version": "99"}), "M_UNSUPPORTED_ROOM_VERSION"),
        (
            json!({"new_version": "12", "additional_creators": [3]}),
            "M_BAD_JSON",
        ),
        (
            json!({"new_version": "12", "additional_creators": ["x"]}),
            "M_INVALID_PARAM",
        ),
    ] {
        let refused = alice.post(&path(&room, "upgrade"), body).await;
        assert_eq!(failure(&refused), (400, errcode));
    }
    let nowhere = alice.post(&path("!none", "upgrade"), to_12).await;
    assert_eq!(failure(&nowhere), (403, "M_FORBIDDEN"));
    let none = alice.get(&path(&room, "state/m.room.tombstone")).await;
    assert_eq!(failure(&none), (404, "M_NOT_FOUND"));
    let joined = alice.get("/_matrix/client/v3/joined_rooms").await.1;
    assert_eq!(joined["joined_rooms"], json!([room]));

    let body = json!({"new_version": "12", "additional_creators": ["@bob:localhost"]});
    let new = alice.post(&path(&room, "upgrade"), body).await.1;
    let new = new["replacement_room"].as_str().unwrap();
    assert_eq!(bob.post(&path(new, "join"), json!({})).await.0, 200);
    let said = alice.send(new, "1", json!({"body": "x"})).await;
    assert_eq!(bob.redact(new, &said, "2").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_room_goes_silent_where_that_is_wanted() {
    for mute in [false, true] {
        let homeserver = start(|options| options.upgrades_mute = mute).await;
        let alice = register(&homeserver, "alice").await;
        let room = alice.create_room(json!({"preset": "public_chat"})).await;
        let bob = enter(&homeserver, "bob", &room).await;
        let said = bob.send(&room, "1", json!({"body": "x"})).await;
        upgrade(&alice, &room, "12").await;
        let redacted = bob.redact(&room, &said, "2").await;
        assert_eq!(redacted.0, if mute { 403 } else { 200 });
        assert_eq!(alice.redact(&room, &said, "3").await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redactions_are_pushed_with_their_target_in_both_places() {
    let (url, inbox) = appservice(0);
    let homeserver = start(|options| options.appservices = vec![irc(Some(url))]).await;
    let bot = Someone::new(&homeserver, "as");
    let mut expected = Vec::new();
    for version in ["10", "11", "12"] {
        let room = bot.create_room(json!({"room_version": version})).await;
        let said = bot.send(&room, "1", json!({"body": "x"})).await;
        assert_eq!(bot.redact(&room, &said, "2").await.0, 200);
        expected.push(json!(said));
    }
    let redactions = || -> Vec<Value> {
        let inbox = inbox.lock().unwrap();
        let bodies = inbox.transactions.iter().map(|(_, body)| body);
        bodies
            .flat_map(|body| body["events"].as_array().unwrap().clone())
            .filter(|event| event["type"] == "m.room.redaction")
            .collect()
    };
    let mut pushed = redactions();
    for _ in 0..600 {
        if pushed.len() >= expected.len() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        pushed = redactions();
    }
    let targets = |at: &str| -> Vec<Value> {
        let found = pushed.iter().map(|event| event.pointer(at));
        found
            .map(|target| target.cloned().unwrap_or_default())
            .collect()
    };
    assert_eq!(targets("/redacts"), expected);
    assert_eq!(targets("/content/redacts"), expected);
}
