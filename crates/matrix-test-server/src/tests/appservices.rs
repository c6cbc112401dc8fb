//! Appservices: their users, transactions and pings.

use std::time::Duration;

use serde_json::json;

use super::inbox::appservice;
use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_appservice_speaks_for_its_users_only() {
    let homeserver = start(|_| ()).await;
    let bot = Someone::new(&homeserver, "as");
    let whoami = "/_matrix/client/v3/account/whoami";
    assert_eq!(bot.get(whoami).await.1["user_id"], "@ircbot:localhost");
    let puppet = bot.acting("user_id=@irc_carol:localhost");
    assert_eq!(failure(&puppet.get(whoami).await), (403, "M_FORBIDDEN"));
    let registration = |name: &str| {
        let kind = "m.login.application_service";
        json!({"type": kind, "username": name, "inhibit_login": true})
    };
    let path = "/_matrix/client/v3/register";
    let (status, registered) = bot.post(path, registration("irc_carol")).await;
    assert_eq!((status, registered.get("access_token")), (200, None));
    assert_eq!(
        puppet.get(whoami).await.1["user_id"],
        "@irc_carol:localhost"
    );
    let outside = bot.post(path, registration("dave")).await;
    assert_eq!(failure(&outside), (400, "M_EXCLUSIVE"));
    let intruder = json!({"username": "irc_eve", "auth": {"type": "m.login.dummy"}});
    assert_eq!(
        failure(&bot.post(path, intruder).await),
        (400, "M_EXCLUSIVE")
    );
    register(&homeserver, "alice").await;
    let alice = bot.acting("user_id=@alice:localhost");
    assert_eq!(failure(&alice.get(whoami).await), (403, "M_FORBIDDEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_pushed_in_order_until_they_are_taken() {
    let (url, inbox) = appservice(2);
    let homeserver = start(|options| options.appservices = vec![irc(Some(url))]).await;
    let alice = register(&homeserver, "alice").await;
    let unseen = alice.create_room(json!({})).await;
    alice.send(&unseen, "1", json!({"body": "unseen"})).await;
    let room = alice
        .create_room(json!({"invite": ["@ircbot:localhost"]}))
        .await;
    let bot = Someone::new(&homeserver, "as");
    let join = format!("/_matrix/client/v3/rooms/{room}/join");
    assert_eq!(bot.post(&join, json!({})).await.0, 200);
    let mut sent = Vec::new();
    for n in 0..120 {
        sent.push(alice.send(&room, &format!("{n}"), json!({"n": n})).await);
    }
    alice.redact(&room, &sent[0], "r").await;

    let mut events = Vec::new();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let inbox = inbox.lock().unwrap();
        let taken = inbox.transactions.iter();
        events = taken
            .flat_map(|(_, body)| body["events"].as_array().unwrap().clone())
            .collect();
        if events.len() >= 123 {
            break;
        }
    }
    assert_eq!(events.len(), 123);
    assert_eq!(events[0]["content"]["membership"], "invite");
    assert_eq!(events[0]["room_id"], json!(room));
    assert_eq!(events[1]["content"]["membership"], "join");
    let ids: Vec<_> = events[2..122]
        .iter()
        .map(|event| event["event_id"].as_str())
        .collect();
    assert!(ids.into_iter().eq(sent.iter().map(|id| Some(id.as_str()))));
    assert_eq!(events[122]["redacts"], json!(sent[0]));
    let inbox = inbox.lock().unwrap();
    let mut paths: Vec<_> = inbox.transactions.iter().map(|(path, _)| path).collect();
    assert!(
        paths
            .iter()
            .all(|path| path.starts_with("/_matrix/app/v1/transactions/"))
    );
    let all = paths.len();
    paths.dedup();
    assert_eq!(paths.len(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appservice_can_have_itself_pinged() {
    let (url, inbox) = appservice(0);
    let homeserver = start(|_| ()).await;
    let bot = Someone::new(&homeserver, "as");
    let path = "/_matrix/client/v1/appservice/irc/ping";
    let ping = || bot.post(path, json!({"transaction_id": "p"}));
    assert_eq!(failure(&ping().await), (400, "M_URL_NOT_SET"));
    assert!(homeserver.set_appservice_url("irc", Some("http://127.0.0.1:9".to_owned())));
    assert_eq!(failure(&ping().await), (502, "M_CONNECTION_FAILED"));
    assert!(homeserver.set_appservice_url("irc", Some(url)));
    inbox.lock().unwrap().refusals = 1;
    let refused = ping().await;
    assert_eq!(
        (failure(&refused), &refused.1["status"]),
        ((502, "M_BAD_STATUS"), &json!(500))
    );
    let (status, pinged) = ping().await;
    assert_eq!((status, pinged["duration_ms"].is_u64()), (200, true));
    let received = inbox.lock().unwrap().transactions.pop().unwrap();
    assert_eq!(
        received,
        (
            "/_matrix/app/v1/ping".to_owned(),
            json!({"transaction_id": "p"})
        )
    );
    let other = bot
        .post("/_matrix/client/v1/appservice/xmpp/ping", json!({}))
        .await;
    assert_eq!(failure(&other), (403, "M_FORBIDDEN"));
    let alice = register(&homeserver, "alice").await;
    assert_eq!(
        failure(&alice.post(path, json!({})).await),
        (403, "M_FORBIDDEN")
    );
    assert!(!homeserver.set_appservice_url("xmpp", None));
}
