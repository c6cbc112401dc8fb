//! A link of one replica is a link of all.

use futures_util::future::join_all;
use serde_json::json;
use support::{eventually, only_on_postgres};

use super::scene::{REASON, Replicas, follow_at};

#[tokio::test]
async fn a_link_of_one_replica_is_followed_and_revoked_at_all() {
    if !only_on_postgres(REASON) {
        return;
    }
    let replicas = Replicas::start(3, "usage: {mode: never}").await;
    for round in 0..6 {
        let body = replicas.medium(&format!("round {round}")).await;
        let link = replicas.nth(round).issue(body).await;
        // From now on they have it in memory.
        for service in &replicas.all {
            for _ in 0..2 {
                assert_eq!(follow_at(service, &link).await, 200);
            }
        }
        let remembered = &replicas.all[(round + 2) % 3];
        let lookups = remembered.database().link_lookups();
        assert_eq!(follow_at(remembered, &link).await, 200);
        assert_eq!(remembered.database().link_lookups(), lookups);
        let revoker = replicas.nth(round + 1);
        revoker.revoke(&link).await;
        assert_eq!(follow_at(revoker, &link).await, 410);
        for service in &replicas.all {
            eventually("the end of the link", async || {
                (follow_at(service, &link).await == 410).then_some(())
            })
            .await;
        }
    }
    replicas.stop().await;
}

#[tokio::test]
async fn a_link_for_one_follow_is_followed_once() {
    if !only_on_postgres(REASON) {
        return;
    }
    let replicas = Replicas::start(3, "usage: {mode: never}").await;
    for (round, follows) in [1, 1, 3].into_iter().enumerate() {
        let mut body = replicas.medium(&format!("round {round}")).await;
        body["max_follows"] = json!(follows);
        let link = replicas.nth(round).issue(body).await;
        let all = (0..50).map(|n| follow_at(replicas.nth(n), &link));
        let answers = join_all(all).await;
        let served = answers.iter().filter(|status| **status == 200).count();
        assert_eq!(served, follows, "{answers:?}");
        let refused = answers.iter().filter(|status| **status == 410).count();
        assert_eq!(refused, 50 - follows, "{answers:?}");
    }
    replicas.stop().await;
}

#[tokio::test]
async fn follows_at_all_replicas_are_added() {
    if !only_on_postgres(REASON) {
        return;
    }
    let replicas = Replicas::start(3, "usage: {mode: never}").await;
    let mut links = Vec::new();
    for n in 0..10 {
        let body = replicas.medium(&format!("medium {n}")).await;
        links.push(replicas.nth(n).issue(body).await);
    }
    for _ in 0..4 {
        let follows = replicas.all.iter().flat_map(|service| {
            let of_all = links.iter();
            of_all.map(move |link| follow_at(service, link))
        });
        assert!(join_all(follows).await.iter().all(|status| *status == 200));
    }
    for link in &links {
        eventually("the sum of the follows", async || {
            let link = replicas.all[0].link(link).await;
            (link["follows"] == 12).then_some(())
        })
        .await;
    }
    replicas.stop().await;
}
