//! The connection to the server breaks, or nothing arrives any more.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;
use support::{Wire, database_url, eventually, only_on_postgres};

use super::scene::{
    Scene, body, connection, counted, is_followed, is_not_issued, is_refused, is_remembered,
    is_told,
};

const WHY: &str = "a file is always here";

async fn goes_on_within_the_grace(break_it: impl Fn(&Wire)) {
    let scene = Scene::with_grace("1h").await;
    let (service, other) = (&scene.service, &scene.other);
    let (kept, revoked) = (scene.issue("kept").await, scene.issue("revoked").await);
    let unknown = scene.issue("unknown").await;
    let wanted = body(&scene.world, "wanted").await;
    is_remembered(service, &kept).await;
    is_remembered(service, &revoked).await;
    let outages = counted(service, "medialink_database_outages_total").await;
    break_it(&scene.wire);
    // Before anybody has noticed as well.
    let under_way = (0..20).map(|_| is_not_issued(service, &wanted));
    join_all(under_way).await;
    is_told(service, 503, "cannot be reached").await;
    other.revoke(&revoked).await;
    for (link, name) in [(&kept, "kept"), (&revoked, "revoked")] {
        is_followed(service, link, name).await;
    }
    is_refused(service, &unknown).await;
    is_not_issued(service, &wanted).await;
    assert!(counted(service, "medialink_database_outages_total").await > outages);
    assert!(counted(service, "medialink_database_cut_off").await > 0.0);
    scene.wire.mend();
    is_told(service, 200, "ok").await;
    assert_eq!(service.follow(&revoked).await.status(), 410);
    is_followed(service, &kept, "kept").await;
    is_followed(service, &unknown, "unknown").await;
    let issued = service.issue(wanted).await;
    is_followed(other, &issued, "wanted").await;
    no_transaction_is_left(&scene).await;
    scene.stop().await;
}

/// No connection waits in a pool with a transaction that nobody ends.
async fn no_transaction_is_left(scene: &Scene) {
    let mut connection = connection(&database_url(scene.world.folder.path())).await;
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'";
    eventually("the end of all transactions", async || {
        let open = sqlx::query_scalar::<_, i64>(open);
        let left = open.fetch_one(&mut connection).await.expect("counts");
        (left == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn links_that_are_remembered_are_followed_while_the_connection_is_cut() {
    if only_on_postgres(WHY) {
        goes_on_within_the_grace(Wire::cut).await;
    }
}

#[tokio::test]
async fn links_that_are_remembered_are_followed_while_nothing_arrives() {
    if only_on_postgres(WHY) {
        goes_on_within_the_grace(Wire::silence).await;
    }
}

#[tokio::test]
async fn after_the_grace_nothing_is_served_that_may_be_dead() {
    if !only_on_postgres(WHY) {
        return;
    }
    for break_it in [Wire::cut, Wire::silence] {
        let scene = Scene::with_grace("1s").await;
        let service = &scene.service;
        let link = scene.issue("media").await;
        is_remembered(service, &link).await;
        break_it(&scene.wire);
        let refused = async || (service.follow(&link).await.status() == 503).then_some(());
        eventually("a refusal", refused).await;
        is_told(service, 503, "cannot be reached").await;
        for _ in 0..10 {
            is_refused(service, &link).await;
        }
        scene.wire.mend();
        is_told(service, 200, "ok").await;
        is_followed(service, &link, "media").await;
        scene.stop().await;
    }
}

#[tokio::test]
async fn what_is_acknowledged_beside_cuts_is_there() {
    if !only_on_postgres(WHY) {
        return;
    }
    let scene = Scene::with_grace("1h").await;
    let mut acknowledged: Vec<(Value, String)> = Vec::new();
    for round in 0..10 {
        let names: Vec<String> = (0..8).map(|n| format!("{round}-{n}")).collect();
        let bodies = join_all(names.iter().map(|name| body(&scene.world, name))).await;
        let issuing = bodies.iter().map(async |body| {
            let request = scene.service.api(Method::POST, "/v1/links");
            let answer = request.json(body).send().await.expect("an answer");
            let status = answer.status().as_u16();
            let link: Value = answer.json().await.expect("JSON");
            assert!(matches!(status, 200 | 201 | 503), "{status} {link}");
            (status != 503).then_some(link)
        });
        let cutting = async {
            tokio::task::yield_now().await;
            scene.wire.cut();
        };
        let (issued, ()) = tokio::join!(join_all(issuing), cutting);
        scene.wire.mend();
        for ((first, body), name) in issued.into_iter().zip(bodies).zip(names) {
            // Whoever was told no asks again, and whoever was told yes gets the same.
            let again = is_issued_at_last(&scene, &body).await;
            if let Some(first) = first {
                assert_eq!(first["link_id"], again["link_id"]);
            }
            acknowledged.push((again, name));
        }
    }
    for (link, name) in &acknowledged {
        is_followed(&scene.other, link, name).await;
    }
    assert_eq!(scene.other.listed().await.len(), acknowledged.len());
    scene.stop().await;
}

/// Asks for a link until there is an answer.
async fn is_issued_at_last(scene: &Scene, body: &Value) -> Value {
    eventually("a link", async || {
        let service = &scene.service;
        let (status, link) = service.call(Method::POST, "/v1/links", body).await;
        assert!(
            matches!(status.as_u16(), 200 | 201 | 503),
            "{status} {link}"
        );
        (status != 503).then_some(link)
    })
    .await
}
