//! A service, and the way to its database that a test can break.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use support::{Service, Wire, World, answer, database_url, eventually};

const USAGE: &str = "usage: {mode: never, touch: never}\nmedia: {cache: null}";

pub(super) struct Scene {
    pub(super) world: World,
    pub(super) service: Service,
    /// Another service on the same database, which nothing breaks.
    pub(super) other: Service,
    pub(super) wire: Wire,
}

impl Scene {
    /// What is remembered is served for so long while the database is away.
    pub(super) async fn with_grace(grace: &str) -> Self {
        let world = World::new().await;
        let url = database_url(world.folder.path());
        let server = address(&url);
        let wire = Wire::to(server).await;
        let through = url.replacen(server, &wire.address, 1);
        let service = start(
            &world,
            &format!("{USAGE}\ndatabase_grace: {grace}"),
            &through,
        )
        .await;
        let other = start(&world, USAGE, &url).await;
        Self {
            world,
            service,
            other,
            wire,
        }
    }

    pub(super) async fn issue(&self, name: &str) -> Value {
        let body = body(&self.world, name).await;
        self.service.issue(body).await
    }

    pub(super) async fn stop(self) {
        self.service.stop().await;
        self.other.stop().await;
    }
}

/// A service on this database, which is expected to report errors.
pub(super) async fn start(world: &World, more: &str, database: &str) -> Service {
    let service = Service::start_on(database, world.folder.path(), &world.url, more).await;
    service.expect_errors("the database is away for a while");
    service
}

/// Address and port of a database's server.
fn address(url: &str) -> &str {
    let (_, after) = url.split_once('@').expect("a user");
    after.split_once('/').expect("a name").0
}

/// What asks for a link to a file that there is.
pub(super) async fn body(world: &World, name: &str) -> Value {
    let (mxc, token) = world.upload(name, "text/plain").await;
    json!({"mxc": mxc, "content_token": token, "room_id": world.room_id})
}

/// Waits until `/ready` tells this status and this of the database.
pub(super) async fn is_told(service: &Service, status: u16, database: &str) {
    eventually(database, async || {
        let ready = service.client.get(format!("{}/ready", service.internal));
        let (told, body) = answer(ready).await;
        let text = body["database"].as_str().unwrap_or_default();
        (told == status && text.contains(database)).then_some(())
    })
    .await;
}

/// Follows a link to its media.
pub(super) async fn is_followed(service: &Service, link: &Value, name: &str) {
    let followed = service.follow(link).await;
    assert_eq!(followed.status(), 200);
    assert_eq!(followed.text().await.expect("a body"), name);
}

/// Follows a link until it is remembered, and nothing makes it forgotten any more.
pub(super) async fn is_remembered(service: &Service, link: &Value) {
    eventually("a link that is remembered", async || {
        let before = service.database().link_lookups();
        for _ in 0..2 {
            assert_eq!(service.follow(link).await.status(), 200);
            // Its last change may be heard of as one of others.
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
        (service.database().link_lookups() == before).then_some(())
    })
    .await;
}

/// Follows a link in vain: the database is away.
pub(super) async fn is_refused(service: &Service, link: &Value) {
    let refused = service.follow(link).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let told: Value = refused.json().await.expect("JSON");
    assert_eq!(told["errcode"], "M_UNKNOWN");
}

/// Asks for a link in vain: the database is away.
pub(super) async fn is_not_issued(service: &Service, body: &Value) {
    let request = service.api(Method::POST, "/v1/links").json(body);
    let refused = request.send().await.expect("an answer");
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let told: Value = refused.json().await.expect("JSON");
    let error = told["error"].as_str().unwrap_or_default();
    assert!(error.contains("can be repeated"), "{told}");
}

/// What was counted under this name.
pub(super) async fn counted(service: &Service, name: &str) -> f64 {
    let metrics = service.client.get(format!("{}/metrics", service.internal));
    let text = metrics.send().await.expect("an answer").text().await;
    let text = text.expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0.0, |value| value.trim().parse().expect("a number"))
}

/// A connection of the test's own.
pub(super) async fn connection(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("connects")
}

/// Breaks all other connections to a database.
pub(super) async fn break_connections(connection: &mut PgConnection, url: &str) {
    let (_, name) = url.rsplit_once('/').expect("a name");
    let text = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    );
    let broken: i64 = sqlx::query_scalar(AssertSqlSafe(text))
        .fetch_one(connection)
        .await
        .expect("breaks them");
    assert!(broken > 0);
}
