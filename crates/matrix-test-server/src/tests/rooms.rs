//! Rooms, members, transactions and redactions.

use serde_json::json;

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn users_register_meet_in_a_room_and_talk() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    let who = alice.get("/_matrix/client/v3/account/whoami").await.1;
    assert_eq!(who["user_id"], "@alice:localhost");
    let taken = json!({"username": "alice", "auth": {"type": "m.login.dummy"}});
    let taken = alice.post("/_matrix/client/v3/register", taken).await;
    assert_eq!(failure(&taken), (400, "M_USER_IN_USE"));

    for (version, length) in [("10", 29), ("11", 29), ("12", 44)] {
        let invite = ["@bob:localhost"];
        let room = alice
            .create_room(json!({"room_version": version, "invite": invite}))
            .await;
        assert_eq!((room.len(), room.contains(':')), (length, version != "12"));
        let join = format!("/_matrix/client/v3/join/{room}");
        assert_eq!(
            bob.post(&join, json!({})).await,
            (200, json!({"room_id": room}))
        );
        let said = bob.send(&room, "1", json!({"body": "hello"})).await;
        let (status, read) = alice.event(&room, &said).await;
        assert_eq!((status, &read["content"]["body"]), (200, &json!("hello")));
        assert_eq!(read["unsigned"].get("transaction_id"), None);
        assert_eq!(
            bob.event(&room, &said).await.1["unsigned"]["transaction_id"],
            "1"
        );
        let members = alice
            .get(&format!("/_matrix/client/v3/rooms/{room}/joined_members"))
            .await;
        assert_eq!(members.1["joined"].as_object().unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_in_the_room_is_kept_out() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    let room = alice.create_room(json!({})).await;
    let said = alice.send(&room, "1", json!({"body": "x"})).await;
    let forbidden = (403, "M_FORBIDDEN");
    let in_room = format!("/_matrix/client/v3/rooms/{room}");
    for path in ["/join", "/invite", "/kick", "/leave"] {
        let body = json!({"user_id": "@alice:localhost"});
        assert_eq!(
            failure(&bob.post(&format!("{in_room}{path}"), body).await),
            forbidden
        );
    }
    for path in [
        "/state",
        "/messages?dir=b",
        "/joined_members",
        "/state/m.room.name",
    ] {
        assert_eq!(
            failure(&bob.get(&format!("{in_room}{path}")).await),
            forbidden,
            "{path}"
        );
    }
    for room in [
        room.as_str(),
        "!nowhere:localhost",
        "%21%2F..%2F",
        "%F0%9F%8E%89",
    ] {
        let path = format!("/_matrix/client/v3/rooms/{room}/send/{SEND}/1");
        assert_eq!(failure(&bob.put(&path, json!({})).await), forbidden);
    }
    assert_eq!(
        failure(&bob.event(&room, &said).await),
        (404, "M_NOT_FOUND")
    );

    let invite = json!({"user_id": "@bob:localhost"});
    let invited = alice
        .post(&format!("{in_room}/invite"), invite.clone())
        .await;
    assert_eq!(invited.0, 200);
    assert_eq!(bob.post(&format!("{in_room}/join"), json!({})).await.0, 200);
    let mine = bob.send(&room, "2", json!({})).await;
    assert_eq!(alice.post(&format!("{in_room}/ban"), invite).await.0, 200);
    assert_eq!(
        failure(&bob.post(&format!("{in_room}/join"), json!({})).await),
        forbidden
    );
    let unseen = alice.send(&room, "3", json!({})).await;
    assert_eq!(bob.event(&room, &mine).await.0, 200);
    assert_eq!(bob.event(&room, &unseen).await.0, 404);
    assert_eq!(failure(&bob.redact(&room, &mine, "4").await), forbidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_happens_once() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let medium = alice.upload(b"bytes", "image/png").await;
    let first = alice.send(&room, "t", medium.meta("a")).await;
    assert_eq!(alice.send(&room, "t", medium.meta("b")).await, first);
    assert_eq!(alice.count(&medium).await["references"], 1);
    assert_eq!(alice.event(&room, &first).await.1["content"]["batch"], "a");
    let encoded = room.replacen('!', "%21", 1);
    assert_ne!(alice.send(&encoded, "t", medium.meta("c")).await, first);

    let bot = Someone::new(&homeserver, "as");
    let room = bot.create_room(json!({})).await;
    let device = |id: &str| bot.acting(&format!("user_id=%40ircbot%3Alocalhost&device_id={id}"));
    let missing = device("ONE").get("/_matrix/client/v3/account/whoami").await;
    assert_eq!(failure(&missing), (500, "M_FORBIDDEN"));
    for id in ["ONE", "TWO"] {
        let path = format!("/_matrix/client/v3/devices/{id}");
        assert_eq!(bot.put(&path, json!({})).await.0, 201);
        assert_eq!(bot.put(&path, json!({})).await.0, 200);
    }
    let one = device("ONE").send(&room, "t", json!({"n": 1})).await;
    assert_eq!(device("ONE").send(&room, "t", json!({"n": 2})).await, one);
    assert_ne!(device("TWO").send(&room, "t", json!({"n": 3})).await, one);
    assert_ne!(bot.send(&room, "t", json!({"n": 4})).await, one);

    let redaction = device("ONE").redact(&room, &one, "r").await;
    assert_eq!(device("ONE").redact(&room, &one, "r").await, redaction);
    assert_ne!(device("ONE").redact(&room, &one, "s").await, redaction);
}

#[tokio::test(flavor = "multi_thread")]
async fn redactions_have_both_shapes_and_need_power_over_others() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    for version in ["10", "11", "12"] {
        let options = json!({"room_version": version, "preset": "public_chat"});
        let room = alice.create_room(options).await;
        let join = format!("/_matrix/client/v3/rooms/{room}/join");
        assert_eq!(bob.post(&join, json!({})).await.0, 200);
        let hers = alice.send(&room, "1", json!({"body": "hers"})).await;
        let his = bob.send(&room, "1", json!({"body": "his"})).await;
        assert_eq!(
            failure(&bob.redact(&room, &hers, "2").await),
            (403, "M_FORBIDDEN")
        );
        assert_eq!(
            failure(&bob.redact(&room, "$none", "3").await),
            (404, "M_NOT_FOUND")
        );
        assert_eq!(bob.redact(&room, &his, "4").await.0, 200);
        let (_, redaction) = alice.redact(&room, &hers, "5").await;

        let shown = bob
            .event(&room, redaction["event_id"].as_str().unwrap())
            .await
            .1;
        assert_eq!(shown["redacts"], json!(hers));
        assert_eq!(shown["content"], json!({"redacts": hers, "reason": "test"}));
        let emptied = bob.event(&room, &hers).await.1;
        assert_eq!(emptied["content"], json!({}));
        let because = &emptied["unsigned"]["redacted_because"];
        assert_eq!(because["event_id"], redaction["event_id"]);
    }
}
