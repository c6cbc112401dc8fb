//! What one writer used to hold together, raced by several.

use reqwest::Method;
use serde_json::{Value, json};
use support::{eventually, only_on_postgres, signed_elsewhere};

use medialink_link::{
    LinkClaims,
    matrix::{MxcUri, RoomId},
};

use super::scene::{REASON, Replicas, follow_at, issue_at_once, push, redaction};

#[tokio::test]
async fn the_same_request_at_all_replicas_makes_one_link() {
    if !only_on_postgres(REASON) {
        return;
    }
    let replicas = Replicas::start(3, "usage: {mode: never}").await;
    for round in 0..40 {
        let mut body = replicas.medium(&format!("round {round}")).await;
        body["event_id"] = json!(format!("$event{round}"));
        let answers = issue_at_once(&replicas.all, &body).await;
        let created = answers.iter().filter(|(status, _)| *status == 201).count();
        assert_eq!(created, 1, "{answers:?}");
        for (status, link) in &answers {
            assert!([200, 201].contains(status), "{link}");
            assert_eq!(link["link_id"], answers[0].1["link_id"], "{answers:?}");
        }
    }
    assert_eq!(replicas.live().await.len(), 40);
    replicas.stop().await;
}

#[tokio::test]
async fn no_link_lives_whose_event_is_redacted_at_another_replica_meanwhile() {
    if !only_on_postgres(REASON) {
        return;
    }
    let replicas = Replicas::start(2, "usage: {mode: never}").await;
    let (issuer, told) = (&replicas.all[0], &replicas.all[1]);
    let mut issued = 0;
    for round in 0..60 {
        let event = format!("$event{round}");
        let mut body = replicas.medium(&format!("round {round}")).await;
        body["event_id"] = json!(event);
        let events = json!([redaction(&replicas.world.room_id, &event)]);
        let txn = format!("txn{round}");
        let issue = issuer.call(Method::POST, "/v1/links", &body);
        let ((status, _), pushed) = tokio::join!(issue, push(told, &txn, &events));
        assert_eq!(pushed, 200);
        issued += usize::from(status == 201);
    }
    let live = replicas.live().await;
    assert!(live.is_empty(), "{issued} were issued, and {live:#?} live");
    replicas.stop().await;
}

#[tokio::test]
async fn a_transaction_is_acted_on_once_by_all_together() {
    if !only_on_postgres(REASON) {
        return;
    }
    let replicas = Replicas::start(3, "usage: {mode: never}").await;
    let policy = |enabled: bool| {
        json!([{"type": support::POLICY_EVENT_TYPE, "event_id": "$policy", "state_key": "",
            "room_id": replicas.world.room_id, "sender": "@a:example.org", "content": {"enabled": enabled}}])
    };
    let body = replicas.medium("a medium").await;
    for round in 0..10 {
        let (off, on) = (format!("off{round}"), format!("on{round}"));
        assert_eq!(push(replicas.nth(round), &off, &policy(false)).await, 200);
        assert_eq!(push(replicas.nth(round), &on, &policy(true)).await, 200);
        let link = replicas.nth(round + 1).issue(body.clone()).await;
        // The homeserver has got no answer, and says it again: to anybody.
        for service in &replicas.all {
            assert_eq!(push(service, &off, &policy(false)).await, 200);
        }
        assert_eq!(follow_at(replicas.nth(round + 2), &link).await, 200);
        assert_eq!(replicas.nth(round).link(&link).await["state"], "live");
    }
    replicas.stop().await;
}

#[tokio::test]
async fn a_link_signed_elsewhere_is_not_recorded_beside_its_revocation() {
    if !only_on_postgres(REASON) {
        return;
    }
    let replicas = Replicas::start(2, "usage: {mode: never}").await;
    let (followed, revoked) = (&replicas.all[0], &replicas.all[1]);
    for round in 0..60 {
        let medium = replicas.medium(&format!("round {round}")).await;
        let claims = claims_of(&medium);
        let url = signed_elsewhere(followed, &claims, 3600);
        let link = json!({"url": url});
        let criteria = json!({"mxc": medium["mxc"]});
        tokio::join!(
            follow_at(followed, &link),
            revoked.revoke_matching(criteria)
        );
        eventually("the end of the link", async || {
            (follow_at(followed, &link).await == 410).then_some(())
        })
        .await;
    }
    let live = replicas.live().await;
    assert!(live.is_empty(), "{live:#?}");
    replicas.stop().await;
}

fn claims_of(medium: &Value) -> LinkClaims {
    let text = |name: &str| medium[name].as_str().expect("a text");
    let mxc = MxcUri::parse(text("mxc")).expect("valid");
    let room_id = RoomId::parse(text("room_id")).expect("valid");
    let token = medialink_link::matrix::ContentToken::parse(text("content_token"));
    LinkClaims {
        content_token: token.ok(),
        ..LinkClaims::new(room_id, mxc)
    }
}
