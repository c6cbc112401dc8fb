//! Media that an administrator of Synapse has quarantined or deleted.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use support::{eventually, url};

use crate::synapse::{User, succeed};

use super::side::Side;

const OFTEN: &str = "usage: {mode: always, batch_window: 100ms}\nmedia: {revalidate: 200ms}";

/// A link that is followed, and is in the cache.
async fn followed(side: &Side, text: &'static str) -> (String, Value) {
    let mxc = side.alice.upload(text, "text/plain", "a.txt").await;
    let mxc = mxc.expect("uploaded");
    let link = json!({"mxc": mxc, "room_id": side.room_id});
    let link = side.process.issue(link).await;
    side.wait_for(&link, "counted").await;
    for _ in 0..2 {
        assert_eq!(side.status(&link).await, 200);
    }
    (mxc, link)
}

/// Sends a request of Synapse's admin API about a medium.
async fn as_admin(admin: &User, method: Method, path: &[&str], mxc: &str) {
    let (_, id) = mxc.rsplit_once('/').expect("an mxc URI");
    let path = [
        &["_synapse", "admin", "v1", "media"],
        path,
        &["example.org", id],
    ]
    .concat();
    let request = admin.request(method, &path).expect("a request");
    succeed(request.json(&json!({}))).await.expect("done");
}

/// Its link ends as the homeserver tells, is not found from then on, and releases its usage.
async fn is_gone(side: &Side, link: &Value) {
    eventually("the media not to be found", async || {
        (side.status(link).await == 404).then_some(())
    })
    .await;
    eventually("the link to be gone", async || {
        (side.link(link).await["state"] == "gone").then_some(())
    })
    .await;
    let told = side.process.client.get(url(link)).send().await;
    let told: Value = told.expect("an answer").json().await.expect("JSON");
    assert_eq!(told["errcode"], "M_NOT_FOUND");
    side.wait_for(link, "released").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_that_synapse_has_quarantined_or_deleted_is_gone_and_other_media_stays() {
    let Some(mut side) = Side::new(OFTEN).await else {
        return;
    };
    let admin = side.synapse.register_user("admin").await.expect("admin");
    let made = side.synapse.make_admin(&admin.user_id).await;
    made.expect("an admin");
    let (quarantined, first) = followed(&side, "quarantined words").await;
    let (deleted, second) = followed(&side, "deleted words").await;
    let (_, kept) = followed(&side, "words that stay").await;
    as_admin(&admin, Method::POST, &["quarantine"], &quarantined).await;
    is_gone(&side, &first).await;
    as_admin(&admin, Method::DELETE, &[], &deleted).await;
    is_gone(&side, &second).await;
    assert_eq!(side.status(&kept).await, 200);

    side.synapse.stop().await.expect("stops");
    // Longer than readers are answered beside the question.
    tokio::time::sleep(Duration::from_secs(3)).await;
    for _ in 0..5 {
        assert_eq!(side.status(&kept).await, 200, "out of the cache");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(side.link(&kept).await["state"], "live");
    side.synapse.restart().await.expect("starts again");
    assert_eq!(side.status(&kept).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantine_bites_where_nothing_else_is_asked_and_its_end_brings_the_media_back() {
    let never = "usage: {mode: never, touch: never}\nmedia: {revalidate: never}";
    let Some(mut side) = Side::new(never).await else {
        return;
    };
    let admin = side.synapse.register_user("admin").await.expect("admin");
    let made = side.synapse.make_admin(&admin.user_id).await;
    made.expect("an admin");
    assert!(side.process.terminate().await.success());
    side.process.read_quarantine_with(&admin.access_token);
    side.process.start().await;
    let mut links = Vec::new();
    for text in ["quarantined words", "words that stay"] {
        let mxc = side.alice.upload(text, "text/plain", "a.txt").await;
        let mxc = mxc.expect("uploaded");
        let link = json!({"mxc": mxc, "room_id": side.room_id});
        let link = side.process.issue(link).await;
        assert_eq!(side.status(&link).await, 200);
        links.push((mxc, link));
    }
    let ((quarantined, first), (_, kept)) = (&links[0], &links[1]);
    as_admin(&admin, Method::POST, &["quarantine"], quarantined).await;
    eventually("the media not to be given any more", async || {
        (side.status(first).await == 404).then_some(())
    })
    .await;
    assert_eq!(side.link(first).await["state"], "live", "told once");
    assert_eq!(side.status(kept).await, 200);
    as_admin(&admin, Method::POST, &["unquarantine"], quarantined).await;
    eventually("the media to be given again", async || {
        (side.status(first).await == 200).then_some(())
    })
    .await;
    let secret = admin.access_token.as_str();
    assert!(!side.process.log().contains(secret));
    assert!(side.process.terminate().await.success());
}

/// Synapse marks the events of a user as erased, and keeps the media, until an administrator deletes that too.
#[tokio::test(flavor = "multi_thread")]
async fn media_of_a_user_who_is_erased_is_gone_when_synapse_lets_go_of_it() {
    let Some(side) = Side::new(OFTEN).await else {
        return;
    };
    let admin = side.synapse.register_user("admin").await.expect("admin");
    let made = side.synapse.make_admin(&admin.user_id).await;
    made.expect("an admin");
    let (erased, first) = followed(&side, "words of alice").await;
    let (_, second) = followed(&side, "more words of alice").await;
    let by_bob = side.bob.upload("words of bob", "text/plain", "b.txt").await;
    let kept = json!({"mxc": by_bob.expect("uploaded"), "room_id": side.room_id});
    let kept = side.process.issue(kept).await;
    side.wait_for(&kept, "counted").await;
    let alice = side.alice.user_id.as_str();
    let deactivate = ["_synapse", "admin", "v1", "deactivate", alice];
    let request = admin.request(Method::POST, &deactivate).expect("a request");
    let request = request.json(&json!({"erase": true}));
    succeed(request).await.expect("deactivated");
    // As long as the homeserver gives it to others, so do we.
    let given = side.bob.download(&erased).await.expect("an answer");
    assert_eq!(given.status(), 200);
    assert_eq!(side.status(&first).await, 200);
    let media = ["_synapse", "admin", "v1", "users", alice, "media"];
    let request = admin.request(Method::DELETE, &media).expect("a request");
    succeed(request).await.expect("deleted");
    is_gone(&side, &first).await;
    is_gone(&side, &second).await;
    assert_eq!(side.status(&kept).await, 200);
    assert_eq!(side.link(&kept).await["state"], "live");
}
