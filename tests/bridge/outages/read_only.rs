//! The database takes no writes.

use reqwest::Method;
use sqlx::{AssertSqlSafe, Executor as _};
use support::{World, database_url, eventually, only_on_postgres};

use super::scene::{
    body, break_connections, connection, is_followed, is_not_issued, is_remembered, is_told, start,
};

#[tokio::test]
async fn links_are_followed_while_the_database_is_read_only() {
    if !only_on_postgres("a file is made read-only in another way") {
        return;
    }
    let world = World::new().await;
    let url = database_url(world.folder.path());
    let service = start(&world, "usage: {mode: never, touch: never}", &url).await;
    let (known, unknown) = (body(&world, "known").await, body(&world, "unknown").await);
    let (known, unknown) = (service.issue(known).await, service.issue(unknown).await);
    is_remembered(&service, &known).await;
    let wanted = body(&world, "wanted").await;
    let mut connection = connection(&url).await;
    let (_, name) = url.rsplit_once('/').expect("a name");
    let mut set = async |value: &str| {
        let text = format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}");
        // This connection may have been made while it was read-only.
        connection
            .execute("SET transaction_read_only = off")
            .await
            .ok();
        connection.execute(AssertSqlSafe(text)).await.expect("set");
        break_connections(&mut connection, &url).await;
    };
    set("on").await;
    is_told(&service, 503, "read-only").await;
    is_not_issued(&service, &wanted).await;
    is_followed(&service, &known, "known").await;
    let followed = async || (service.follow(&unknown).await.status() == 200).then_some(());
    eventually("a link that is not remembered", followed).await;
    set("off").await;
    is_told(&service, 200, "ok").await;
    // One more connection may have been made just before.
    let issued = async || {
        let (status, link) = service.call(Method::POST, "/v1/links", &wanted).await;
        (status == 201).then_some(link)
    };
    let link = eventually("a link", issued).await;
    is_followed(&service, &link, "wanted").await;
    service.stop().await;
}
