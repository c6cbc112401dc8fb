//! Limits, backups and forgotten transactions.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::support::*;
use crate::{Options, RateLimit};

async fn post(who: &Someone, path: &str) -> (u16, Value) {
    who.post(path, json!({})).await
}

async fn try_send(who: &Someone, room: &str, txn: &str) -> Response {
    let path = format!("/_matrix/client/v3/rooms/{room}/send/{SEND}/{txn}");
    let request = who.request(Method::PUT, &path);
    request.json(&json!({"body": txn})).send().await.unwrap()
}

fn two_at_once(options: &mut Options) {
    options.rate_limits = Some(RateLimit {
        per_second: 0.001,
        burst: 2,
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_too_fast_is_told_when_to_come_back() {
    let homeserver = start(two_at_once).await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({"preset": "public_chat"})).await;
    let first = alice.send(&room, "1", json!({"body": "1"})).await;
    assert_eq!(alice.redact(&room, &first, "2").await.0, 200);
    let refused = try_send(&alice, &room, "3").await;
    let seconds: u64 = header(&refused, "retry-after").parse().unwrap();
    let refused = answer(refused).await;
    assert_eq!(failure(&refused), (429, "M_LIMIT_EXCEEDED"));
    let millis = refused.1["retry_after_ms"].as_u64().unwrap();
    assert!((1..=1_000_001).contains(&millis), "{millis}");
    assert_eq!(seconds, millis.div_ceil(1000));
    let limited = (429, "M_LIMIT_EXCEEDED");
    assert_eq!(failure(&alice.redact(&room, &first, "4").await), limited);
    let state = format!("/_matrix/client/v3/rooms/{room}/state/m.room.topic");
    let set = alice.put(&state, json!({"topic": "x"})).await;
    assert_eq!(failure(&set), limited);
    // A repeat sends nothing, and others have their own limit.
    assert_eq!(alice.send(&room, "1", json!({"body": "1"})).await, first);
    let bob = register(&homeserver, "bob").await;
    let join = format!("/_matrix/client/v3/rooms/{room}/join");
    assert_eq!(post(&bob, &join).await.0, 200);
    assert_eq!(try_send(&bob, &room, "1").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appservices_sender_is_limited_only_where_that_is_wanted() {
    for limited in [false, true] {
        let homeserver = start(|options| {
            two_at_once(options);
            options.limits_appservices = limited;
        })
        .await;
        let bot = Someone::new(&homeserver, "as");
        let room = bot.create_room(json!({"preset": "public_chat"})).await;
        let puppet = bot.acting("user_id=@irc_carol:localhost");
        let kind = "m.login.application_service";
        let body = json!({"type": kind, "username": "irc_carol", "inhibit_login": true});
        assert_eq!(bot.post("/_matrix/client/v3/register", body).await.0, 200);
        let join = format!("/_matrix/client/v3/rooms/{room}/join");
        assert_eq!(post(&puppet, &join).await.0, 200);
        for (who, last) in [(&bot, if limited { 429 } else { 200 }), (&puppet, 429)] {
            let name = if who.suffix.is_empty() { "b" } else { "p" };
            let mut statuses = Vec::new();
            for n in 0..3 {
                let sent = try_send(who, &room, &format!("{name}{n}")).await;
                statuses.push(sent.status().as_u16());
            }
            assert_eq!(statuses, [200, 200, last], "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forgotten_transactions_happen_again() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let medium = alice.upload(b"bytes", "text/plain").await;
    let first = alice.send(&room, "t", medium.meta("a")).await;
    assert_eq!(post(&alice, "/_demo/forget_transactions").await.0, 200);
    let second = alice.send(&room, "t", medium.meta("b")).await;
    assert_ne!(second, first);
    assert_eq!(alice.count(&medium).await["references"], 2);
    assert_eq!(alice.send(&room, "t", medium.meta("b")).await, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_goes_back_to_the_backup_and_counts_right() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let none = post(&alice, "/_demo/restore").await;
    assert_eq!(failure(&none), (404, "M_NOT_FOUND"));
    let room = alice.create_room(json!({})).await;
    let kept = alice.upload(b"kept", "text/plain").await;
    let lost = alice.upload(b"lost", "text/plain").await;
    let before = alice.send(&room, "1", kept.meta("a")).await;
    let doomed = alice.send(&room, "2", lost.meta("b")).await;
    assert_eq!(post(&alice, "/_demo/backup").await.0, 200);

    for _ in 0..2 {
        let after = alice.send(&room, "3", kept.meta("c")).await;
        let later = alice.create_room(json!({})).await;
        assert_eq!(alice.redact(&room, &before, "4").await.0, 200);
        assert_eq!(alice.redact(&room, &doomed, "5").await.0, 200);
        alice.clean_up().await;
        assert_eq!(alice.count(&kept).await["references"], 1);
        let new = alice.upload(b"new", "text/plain").await;
        alice.send(&later, "1", new.meta("d")).await;
        assert_eq!(alice.count(&new).await["references"], 1);

        assert_eq!(post(&alice, "/_demo/restore").await.0, 200);
        assert_eq!(
            failure(&alice.event(&room, &after).await),
            (404, "M_NOT_FOUND")
        );
        let undone = alice.event(&room, &before).await.1;
        assert_eq!(undone["content"]["batch"], "a");
        assert_eq!(undone["unsigned"].get("redacted_because"), None);
        assert_eq!(alice.count(&kept).await["references"], 1);
        let deleted = alice.count(&lost).await;
        assert_eq!(
            (&deleted["deleted"], &deleted["references"]),
            (&json!(true), &json!(1))
        );
        assert_eq!(alice.count(&new).await["references"], 0);
        let joined = alice.get("/_matrix/client/v3/joined_rooms").await.1;
        assert_eq!(joined["joined_rooms"], json!([room]));
    }
    // Transactions of before are known, those of after are not.
    assert_eq!(alice.send(&room, "1", kept.meta("a")).await, before);
    alice.send(&room, "3", kept.meta("e")).await;
    assert_eq!(alice.count(&kept).await["references"], 2);
    assert_eq!(alice.redact(&room, &before, "4").await.0, 200);
    assert_eq!(alice.count(&kept).await["references"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_goes_back_to_the_attachments_of_the_backup() {
    let homeserver = start(|options| {
        options.content_tokens = false;
        options.linked_media = true;
    })
    .await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let source = alice.upload(b"bytes", "text/plain").await;
    let copy = async || {
        let path = format!("/_matrix/client/v1/media/copy/{}", source.path);
        Uploaded::read(&post(&alice, &path).await.1)
    };
    let attach = async |txn: &str, medium: &Uploaded| {
        let path = format!("/_matrix/client/v3/rooms/{room}/send/{SEND}/{txn}");
        let request = alice.request(Method::PUT, &path);
        let request = request.query(&[("attach_media", &medium.mxc)]);
        let sent = request.json(&json!({"body": txn})).send().await.unwrap();
        answer(sent).await.1["event_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (redacted, kept, waiting) = (copy().await, copy().await, copy().await);
    let doomed = attach("1", &redacted).await;
    let event = attach("2", &kept).await;
    post(&alice, "/_demo/backup").await;
    let later = copy().await;
    attach("3", &waiting).await;
    attach("4", &later).await;
    assert_eq!(alice.redact(&room, &doomed, "5").await.0, 200);
    assert_eq!(alice.count(&source).await["copies"], 3);

    post(&alice, "/_demo/restore").await;
    assert_eq!(alice.count(&source).await["copies"], 1);
    assert_eq!(alice.count(&kept).await["attached_to"], json!(event));
    for gone in [&redacted, &later] {
        assert_eq!(alice.count(gone).await["deleted"], true);
    }
    assert_eq!(alice.count(&waiting).await["attached_to"], Value::Null);
    attach("3", &waiting).await;
    assert_eq!(alice.count(&source).await["copies"], 2);
    assert_eq!(alice.redact(&room, &doomed, "5").await.0, 200);
    assert_eq!(alice.redact(&room, &event, "6").await.0, 200);
    assert_eq!(alice.count(&source).await["copies"], 1);
}
