//! What a write decides, while another one that concerns it has not been committed yet.

use std::time::Duration;

use futures_util::FutureExt;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection};
use support::{Service, World, database_url, eventually, only_on_postgres};

use medialink::storage::{
    Run, StorageError,
    engine::query_scalar,
    media_references,
    meta_events::{self, ClaimedEvent, GiveUp, Wanted},
    wipe,
};

use super::scene::REASON;

/// A bridge that no worker works for.
const BRIDGE: &str = "other";
/// Far away from any time.
const FAR: i64 = 9_000_000_000_000;

/// A service, and a transaction of somebody else on its database.
struct Scene {
    world: World,
    service: Service,
    others: PgConnection,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let service = world.service("usage: {mode: never}").await;
        let url = database_url(world.folder.path());
        let others = PgConnection::connect(&url).await.expect("connects");
        Self {
            world,
            service,
            others,
        }
    }

    async fn run(&mut self, statement: &str) {
        let done = self.others.execute(AssertSqlSafe(statement.to_owned()));
        done.await.expect("a statement");
    }

    async fn read(&mut self, statement: &str) -> String {
        let read = sqlx::query_scalar(AssertSqlSafe(statement.to_owned()));
        read.fetch_one(&mut self.others).await.expect("a row")
    }

    /// Runs a write that has to wait for what the others have not committed yet, and its outcome once they
    /// have.
    async fn beside<T, F>(&mut self, write: F) -> T
    where
        T: Send + 'static,
        F: Run<T, StorageError>,
    {
        let writer = self.service.database().writer().clone();
        let write = tokio::spawn(async move { writer.write(write).await });
        self.commit_once_awaited().await;
        write.await.expect("no panic").expect("written")
    }

    async fn commit_once_awaited(&mut self) {
        let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                       AND wait_event_type = 'Lock'";
        let url = database_url(self.world.folder.path());
        let mut beside = PgConnection::connect(&url).await.expect("connects");
        eventually("a write that waits", async || {
            let waiting = sqlx::query_scalar::<_, i64>(waiting);
            let waiting = waiting.fetch_one(&mut beside).await.expect("a number");
            (waiting > 0).then_some(())
        })
        .await;
        self.run("COMMIT").await;
    }

    /// A usage that waits, without a link, and the meta event that it waits for, if there is one.
    async fn usage(&mut self, meta_event: bool) {
        if meta_event {
            self.meta_event("waiting").await;
        }
        let queued_in = if meta_event { "1" } else { "NULL" };
        self.run("INSERT INTO matrix_ids (id, matrix_id) VALUES (1, '!r')")
            .await;
        self.run(&format!(
            "INSERT INTO media_references (id, bridge, room, mxc, content_token, state, pending_at, queued_in) \
             VALUES (1, '{BRIDGE}', 1, 'mxc://example.org/abc', '', 'pending', 1, {queued_in})"
        ))
        .await;
    }

    async fn meta_event(&mut self, state: &str) {
        self.run(&format!(
            "INSERT INTO meta_events (id, bridge, room_id, state, event_type, batch, txn_id, \
             device_id, next_attempt_at, created_at) \
             VALUES (1, '{BRIDGE}', '!r', '{state}', 'type', 'batch', 'txn', '', 1, 1)"
        ))
        .await;
    }

    /// Others begin to issue a link that uses this, as an issue does: usage first.
    async fn begin_an_issue(&mut self) {
        self.run("BEGIN").await;
        self.run("UPDATE media_references SET bridge = bridge WHERE id = 1")
            .await;
        self.run(&format!(
            "INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room, issued_at, state) \
             VALUES ('new', 'short', 1, '{BRIDGE}', 1, 1, 1, 'live')"
        ))
        .await;
    }

    async fn claim(&self) -> Option<ClaimedEvent> {
        let writer = self.service.database().writer();
        let claimed = writer.write(|connection| {
            async move { meta_events::claim(connection, &wanted(), 1000, FAR).await }.boxed()
        });
        claimed.await.expect("claims")
    }

    /// The rows are no business of the service.
    async fn stop(mut self) {
        self.run("DELETE FROM links WHERE bridge = 'other'").await;
        self.run("DELETE FROM media_references WHERE bridge = 'other'")
            .await;
        self.run("DELETE FROM meta_events WHERE bridge = 'other'")
            .await;
        self.service.stop().await;
    }
}

fn wanted() -> Wanted {
    Wanted {
        bridge: BRIDGE.to_owned(),
        claimant: "claimant".to_owned(),
        after_others: vec![],
        with_resting: true,
    }
}

#[tokio::test]
async fn writes_see_what_others_have_committed_whatever_the_server_prefers() {
    if !only_on_postgres(REASON) {
        return;
    }
    let world = World::new().await;
    let url = database_url(world.folder.path());
    let (_, name) = url.rsplit_once('/').expect("a name");
    let mut others = PgConnection::connect(&url).await.expect("connects");
    let prefer =
        format!("ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'");
    others.execute(AssertSqlSafe(prefer)).await.expect("set");
    let service = world.service("usage: {mode: never}").await;
    let shown = service.database().writer().write(|connection| {
        query_scalar("SHOW transaction_isolation")
            .fetch_one(connection)
            .boxed()
    });
    let shown: Result<String, StorageError> = shown.await;
    assert_eq!(shown.expect("shown"), "read committed");
    service.stop().await;
}

#[tokio::test]
async fn a_redaction_that_is_being_called_off_is_not_claimed() {
    if !only_on_postgres(REASON) {
        return;
    }
    let mut scene = Scene::new().await;
    scene.meta_event("redacting").await;
    scene.run("BEGIN").await;
    scene
        .run("UPDATE meta_events SET state = 'sent', next_attempt_at = NULL WHERE id = 1")
        .await;
    let claimed = scene.beside(|connection| {
        async move { meta_events::claim(connection, &wanted(), 1000, FAR).await }.boxed()
    });
    assert!(claimed.await.is_none());
    scene.stop().await;
}

#[tokio::test]
async fn a_usage_that_gets_a_link_is_gathered_and_not_released() {
    if !only_on_postgres(REASON) {
        return;
    }
    let mut scene = Scene::new().await;
    scene.usage(false).await;
    scene.begin_an_issue().await;
    let gathered = scene.beside(|connection| {
        async move { media_references::gather(connection, BRIDGE, "!r", 100).await }.boxed()
    });
    let links: Vec<i64> = gathered.await.iter().map(|usage| usage.links).collect();
    assert_eq!(links, [1]);
    let state = "SELECT state FROM media_references WHERE id = 1";
    assert_eq!(scene.read(state).await, "pending");
    scene.stop().await;
}

#[tokio::test]
async fn a_usage_that_gets_a_link_fails_with_its_meta_event_and_is_not_released() {
    if !only_on_postgres(REASON) {
        return;
    }
    let mut scene = Scene::new().await;
    scene.usage(true).await;
    let claim = scene.claim().await.expect("one").claim();
    scene.begin_an_issue().await;
    let given_up = scene.beside(move |connection| {
        async move { meta_events::give_up(connection, &claim, GiveUp::Failed, "no", 1).await }
            .boxed()
    });
    assert_eq!(given_up.await, Some(vec![1]));
    let state = "SELECT state FROM media_references WHERE id = 1";
    assert_eq!(scene.read(state).await, "failed");
    scene.stop().await;
}

#[tokio::test]
async fn a_usage_that_gets_a_link_is_not_wiped() {
    if !only_on_postgres(REASON) {
        return;
    }
    let mut scene = Scene::new().await;
    // The service itself does not wipe meanwhile: its first pass is over by then.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let lease = format!(
        "INSERT INTO leases (name, holder, until) VALUES ('upkeep', 'test', {FAR}) \
                         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until"
    );
    scene.run(&lease).await;
    scene.usage(false).await;
    scene
        .run(
            "UPDATE media_references SET content_token = 'token', state = 'disabled', pending_at = NULL \
             WHERE id = 1",
        )
        .await;
    scene.run("DELETE FROM cache_purges").await;
    scene.begin_an_issue().await;
    scene
        .beside(|connection| wipe::wipe(connection, 100).boxed())
        .await;
    let token = "SELECT content_token FROM media_references WHERE id = 1";
    assert_eq!(scene.read(token).await, "token");
    scene.stop().await;
}

#[tokio::test]
async fn a_link_that_is_being_renewed_does_not_expire() {
    if !only_on_postgres(REASON) {
        return;
    }
    let mut scene = Scene::new().await;
    let (mxc, token) = scene.world.upload("a text", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": scene.world.room_id});
    let link = scene.service.issue(body).await;
    scene.run("BEGIN").await;
    scene
        .run("UPDATE links SET expires_at = expires_at + 8640000000")
        .await;
    let day_ms = 86_400_000;
    let expires = scene.service.stored(&link).await.expires_at;
    let ahead = expires.expect("it ends") - scene.service.clock.now_ms() + day_ms;
    scene.service.clock.advance(ahead);
    // The service notes what has expired by itself.
    scene.commit_once_awaited().await;
    scene.service.expire_links().await;
    assert_eq!(scene.service.link(&link).await["state"], "live");
    scene.stop().await;
}
