//! Budgets that several services on one database share.

use serde_json::json;
use support::{eventually, only_on_postgres};

use crate::replicas::scene::{REASON, Replicas};

#[tokio::test]
async fn services_on_one_database_share_what_is_counted_by_the_day() {
    if !only_on_postgres(REASON) {
        return;
    }
    let replicas = Replicas::start(2, "limits: {per_room: {bytes: 50KiB/day}}").await;
    let mut body = replicas.medium(&"x".repeat(60 << 10)).await;
    body["room_id"] = json!(replicas.world.room_id);
    let link = replicas.nth(0).issue(body).await;
    let url = support::url(&link);
    let path = &url[url.find("/m/").expect("a path")..];
    let followed = replicas.nth(0).get(path).await;
    assert_eq!(followed.bytes().await.expect("the whole").len(), 60 << 10);
    eventually("the limit at the other one", async || {
        (replicas.nth(1).get(path).await.status() == 429).then_some(())
    })
    .await;
    replicas.stop().await;
}
