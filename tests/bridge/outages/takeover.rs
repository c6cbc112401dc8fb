//! Another server takes over, which need not know all that the first one knew.

use reqwest::Method;
use sqlx::Executor as _;
use support::{PostgresServer, Wire, World, eventually, only_on_postgres};

use super::scene::{body, connection, is_followed, is_remembered, is_told, start};

/// Numbers of transactions that the first server has given and the second one has not.
const AHEAD: &str = "DO $$ BEGIN FOR i IN 1..5000 LOOP \
                     PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$";

#[tokio::test]
async fn what_was_revoked_at_the_server_that_takes_over_is_not_served() {
    if !only_on_postgres("nothing takes over from a file") {
        return;
    }
    let world = World::new().await;
    let first = PostgresServer::start();
    let wire = Wire::to(&first.address(0)).await;
    let through = first.url().replacen(&first.address(0), &wire.address, 1);
    let more = "usage: {mode: never, touch: never}\nmedia: {cache: null}";
    let service = start(&world, more, &through).await;
    let link = service.issue(body(&world, "media").await).await;
    first.kill();
    let second = first.copy();
    first.restart();
    is_told(&service, 200, "ok").await;
    let ahead = connection(&first.url()).await.execute(AHEAD).await;
    ahead.expect("runs");
    is_remembered(&service, &link).await;
    // Other replicas are there already.
    let other = start(&world, more, &second.url()).await;
    is_followed(&other, &link, "media").await;
    let id = link["link_id"].as_str().expect("an ID");
    let revoked = other.api(Method::DELETE, &format!("/v1/links/{id}"));
    assert_eq!(revoked.send().await.expect("an answer").status(), 200);
    wire.lead_to(&second.address(0));
    eventually("the end of the link", async || {
        (service.follow(&link).await.status() == 410).then_some(())
    })
    .await;
    service.stop().await;
    other.stop().await;
}
