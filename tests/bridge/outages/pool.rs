//! All connections are taken.

use std::cell::Cell;

use futures_util::future::join_all;
use reqwest::Method;
use sqlx::Executor as _;
use support::{World, database_url, eventually, only_on_postgres};

use super::scene::{body, connection, is_followed, is_told, start};

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
    let mut bodies = Vec::new();
    for number in 0..24 {
        bodies.push(body(&world, &number.to_string()).await);
    }
    let mut connection = connection(&url).await;
    let lock = "BEGIN; LOCK TABLE links IN EXCLUSIVE MODE";
    connection.execute(lock).await.expect("locks");
    let refused = Cell::new(0);
    let issue = async |body| {
        let (status, _) = service.call(Method::POST, "/v1/links", body).await;
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
    let (told, ()) = tokio::join!(join_all(bodies.iter().map(issue)), unlock);
    assert!(
        told.iter().all(|status| matches!(status, 201 | 503)),
        "{told:?}"
    );
    assert!(told.contains(&201) && told.contains(&503), "{told:?}");
    is_told(&service, 200, "ok").await;
    for body in bodies {
        service.issue(body).await;
    }
    assert_eq!(service.listed().await.len(), 25);
    service.stop().await;
}
