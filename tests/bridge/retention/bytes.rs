//! What a tombstone costs.

use medialink::storage::{
    StorageError,
    engine::{query, query_scalar},
};
use serde_json::json;
use sqlx::AssertSqlSafe;
use support::{Service, World, is_postgres};

use super::rows::{DAY, MORE, count, thinned};

const LINKS: i64 = 20_000;
/// The most bytes for each, with what it takes to find it.
const MOST: i64 = 60;

/// Makes links that have ended out of one, whatever columns they have.
async fn multiply(service: &Service) {
    let columns = if is_postgres() {
        "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'links'"
    } else {
        "SELECT name FROM pragma_table_info('links')"
    };
    let columns = query_scalar(columns).fetch_all(service.database().reader());
    let mut columns: Vec<String> = columns.await.expect("reads");
    columns.retain(|name| name != "id");
    let values = columns.iter().map(|name| match name.as_str() {
        "link_id" => "'link' || i".to_owned(),
        "ended_at" => "ended_at + i".to_owned(),
        name => name.to_owned(),
    });
    let (values, columns) = (values.collect::<Vec<_>>().join(", "), columns.join(", "));
    let copies = format!(
        "INSERT INTO links ({columns}) \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {LINKS}) \
         SELECT {values} FROM links CROSS JOIN n"
    );
    let writer = service.database().writer();
    let written = writer.write::<_, StorageError, _>(move |c| {
        Box::pin(async move { query(AssertSqlSafe(copies)).execute(c).await })
    });
    written.await.expect("writes");
}

#[tokio::test]
async fn a_tombstone_takes_sixty_bytes_at_most() {
    let world = World::new().await;
    let service = world.service(MORE).await;
    let (mxc, _) = world.upload("bytes", "text/plain").await;
    let link = service
        .issue(json!({"mxc": mxc, "room_id": world.room_id}))
        .await;
    service.revoke(&link).await;
    multiply(&service).await;
    thinned(&service, DAY).await;
    assert_eq!(count(&service, "links").await, 0);
    let size = if is_postgres() {
        // Versions that were replaced go when nobody reads any more, on the whole server. So this is the rows, with
        // as much room beside each, and their entries in the index.
        "SELECT SUM(2 * (pg_column_size(t.*) + 4) + 24)::BIGINT FROM tombstones t"
    } else {
        "SELECT SUM(pgsize) FROM dbstat WHERE name = 'tombstones'"
    };
    let size = query_scalar(size).fetch_one(service.database().reader());
    let size: i64 = size.await.expect("reads");
    assert!(size <= MOST * LINKS, "{} bytes each", size / LINKS);
    service.stop().await;
}
