//! What a homeserver does to those who lean on it: limits, backups, forgotten transactions.

use super::*;
use crate::demo::homeserver::RateLimit;

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
