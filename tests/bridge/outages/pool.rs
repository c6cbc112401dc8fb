//! All connections are taken.

use std::cell::Cell;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use sqlx::Executor as _;
use support::{World, database_url, eventually, only_on_postgres};

use super::scene::{body, connection, is_followed, is_told, start};

/// More links than small requests have, which are gathered.
const LINKS: usize = 17;

#[tokio::test]
async fn who_finds_no_connection_free_is_told_to_come_back() {
    if !only_on_postgres("a file has one connection that writes") {
        return;
    }
    let world = World::new().await;
    let url = database_url(world.folder.path());
    let service = start(&world, "usage: {mode: never, touch: never}", &url).await;
    let known = service.issue(body(&world, "known").await).await;
    is_followed(&service, &known, "known").await;
    // Each is written by itself: small requests would wait for each other, and not for a connection.
    let mut batches = Vec::new();
    for number in 0..24 {
        let link = body(&world, &number.to_string()).await;
        let links = (0..LINKS).map(|event| {
            let mut link = link.clone();
            link["event_id"] = json!(format!("$event{event}"));
            link
        });
        batches.push(json!({"links": links.collect::<Vec<_>>()}));
    }
    let mut connection = connection(&url).await;
    let lock = "BEGIN; LOCK TABLE links IN EXCLUSIVE MODE";
    connection.execute(lock).await.expect("locks");
    let refused = Cell::new(0);
    let issue = async |batch| {
        let (status, _) = service.call(Method::POST, "/v1/links/batch", batch).await;
        refused.set(refused.get() + usize::from(status == 503));
        status.as_u16()
    };
    let unlock = async {
        is_told(&service, 503, "").await;
        is_followed(&service, &known, "known").await;
        let one_is = async || (refused.get() > 0).then_some(());
        eventually("a refusal", one_is).await;
        connection.execute("ROLLBACK").await.expect("unlocks");
    };
    let (told, ()) = tokio::join!(join_all(batches.iter().map(issue)), unlock);
    assert!(
        told.iter().all(|status| matches!(status, 200 | 503)),
        "{told:?}"
    );
    assert!(told.contains(&200) && told.contains(&503), "{told:?}");
    is_told(&service, 200, "ok").await;
    for batch in &batches {
        let (status, told) = service.call(Method::POST, "/v1/links/batch", batch).await;
        assert_eq!(status, 200);
        let results = told["results"].as_array().expect("results");
        assert!(results.iter().all(|link| link["state"] == "live"), "{told}");
    }
    let all = "/v1/links?limit=1000";
    let (_, listed) = service.call(Method::GET, all, &json!({})).await;
    let listed = listed["links"].as_array().expect("links").len();
    assert_eq!(listed, 1 + batches.len() * LINKS);
    service.stop().await;
}
