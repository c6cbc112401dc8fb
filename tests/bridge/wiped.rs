//! Secrets of links that are over leave the database.

use std::path::Path;

use medialink::storage::engine::query_as;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use support::{Service, World, database_url, encrypted::encrypted_file, eventually, is_postgres};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The secrets of links as the database may hold them.
#[derive(Default)]
struct Secrets(Vec<(&'static str, Vec<u8>)>);

impl Secrets {
    /// Those of a link, as its rows hold them.
    async fn note(&mut self, service: &Service, link: &Value) {
        let (token, file): (String, Option<Vec<u8>>) = query_as(
            "SELECT r.content_token, l.file FROM links l \
             JOIN media_references r ON r.id = l.media_reference_id WHERE l.link_id = $1",
        )
        .bind(link["link_id"].as_str())
        .fetch_one(service.database().reader())
        .await
        .expect("a link");
        assert!(token.len() > 10);
        self.0.push(("content token", token.into_bytes()));
        self.0.extend(file.map(|file| ("file key", file)));
    }

    /// Those that are in the database of a folder.
    async fn found_in(&self, folder: &Path) -> Vec<&'static str> {
        let bytes = if is_postgres() {
            rows(folder).await
        } else {
            files(&folder.join("data"))
        };
        let is_there = |secret: &[u8]| bytes.windows(secret.len()).any(|at| at == secret);
        let is_found = |secret: &[u8]| is_there(secret) || is_there(hex(secret).as_bytes());
        let found = self.0.iter().filter(|(_, secret)| is_found(secret));
        found.map(|(name, _)| *name).collect()
    }
}

/// What the files of a SQLite database hold.
fn files(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).expect("reads") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if name.starts_with("medialink.db") {
            bytes.extend(std::fs::read(&path).expect("reads"));
        }
    }
    bytes
}

/// What the rows of a PostgreSQL database hold, as a dump shows it: bytes in hexadecimal digits.
async fn rows(folder: &Path) -> Vec<u8> {
    let connected = PgConnection::connect(&database_url(folder)).await;
    let mut connection = connected.expect("connects");
    let names = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
    let names: Vec<String> = sqlx::query_scalar(names)
        .fetch_all(&mut connection)
        .await
        .expect("reads");
    let mut text = String::new();
    for name in names {
        let rows = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {name} t");
        let rows: String = sqlx::query_scalar(AssertSqlSafe(rows))
            .fetch_one(&mut connection)
            .await
            .expect("reads");
        text += &rows;
    }
    text.into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Scene {
    world: World,
    service: Service,
    issued: Vec<(Value, Value)>,
    secrets: Secrets,
}

impl Scene {
    async fn new(more: &str) -> Self {
        let world = World::new().await;
        let service = world.service(more).await;
        Self {
            issued: Vec::new(),
            secrets: Secrets::default(),
            service,
            world,
        }
    }

    /// Links of each form, to media that is encrypted or not.
    async fn issue(&mut self) {
        let (mxc, token) = self.world.upload("hello", "text/plain").await;
        let (file, file_token) = encrypted_file(&self.world, b"hello").await;
        let room = &self.world.room_id;
        for body in [
            json!({"mxc": mxc, "content_token": token, "room_id": room, "lifetime_ms": HOUR_MS}),
            json!({"mxc": mxc, "content_token": token, "room_id": room, "lifetime_ms": HOUR_MS, "form": "self_contained"}),
            json!({"file": file, "content_token": file_token, "room_id": room, "lifetime_ms": HOUR_MS}),
        ] {
            let link = self.service.issue(body.clone()).await;
            self.secrets.note(&self.service, &link).await;
            self.issued.push((body, link));
        }
        for (_, link) in &self.issued {
            self.service.wait_for_usage(link, "counted").await;
            let followed = self.service.follow(link).await;
            assert_eq!(followed.text().await.expect("a body"), "hello");
        }
        let found = self.found().await;
        assert_eq!(found.len(), self.secrets.0.len(), "{found:?}");
    }

    async fn found(&self) -> Vec<&'static str> {
        self.secrets.found_in(self.world.folder.path()).await
    }

    async fn are_wiped(&self) {
        eventually("the secrets to be gone", async || {
            self.service.clock.advance(HOUR_MS / 2);
            self.found().await.is_empty().then_some(())
        })
        .await;
    }

    /// The API tells of ended links as before, and issues them anew.
    async fn are_issued_again(&self, state: &str) {
        for (body, link) in &self.issued {
            let listed = self.service.link(link).await;
            assert_eq!(listed["state"], state);
            for name in ["link_id", "mxc", "room_id", "event_id", "issued_ts"] {
                assert_eq!(listed[name], link[name], "{name}");
            }
            let is_short = link["form"] == "short";
            assert_eq!(
                listed["url"],
                if is_short {
                    link["url"].clone()
                } else {
                    Value::Null
                }
            );
            assert_eq!(self.service.follow(link).await.status(), 410);
            let (status, again) = self.service.call(Method::POST, "/v1/links", body).await;
            assert_eq!(status, 201, "{again}");
            self.service.wait_for_usage(&again, "counted").await;
            let followed = self.service.follow(&again).await;
            assert_eq!(followed.text().await.expect("a body"), "hello");
        }
    }
}

#[tokio::test]
async fn secrets_of_revoked_links_are_wiped_once_their_media_is_purged() {
    let mut scene = Scene::new("usage: {batch_window: 20ms}").await;
    scene.issue().await;
    for (_, link) in &scene.issued {
        scene.service.revoke(link).await;
    }
    scene.are_wiped().await;
    scene.are_issued_again("revoked").await;
    scene.service.stop().await;
}

#[tokio::test]
async fn secrets_of_expired_links_are_wiped_without_a_cache() {
    let more = "usage: {batch_window: 20ms, release_after: 1s}\nmedia: {cache: null}";
    let mut scene = Scene::new(more).await;
    scene.issue().await;
    scene.service.clock.advance(2 * HOUR_MS);
    scene.are_wiped().await;
    scene.are_issued_again("expired").await;
    scene.service.stop().await;
}

#[tokio::test]
async fn secrets_of_live_links_stay() {
    let mut scene = Scene::new("usage: {batch_window: 20ms}").await;
    scene.issue().await;
    scene.service.revoke(&scene.issued[0].1).await;
    let live = &scene.issued[2].1;
    scene.service.drained().await;
    for _ in 0..3 {
        scene.service.clock.advance(MINUTE_MS);
        scene.service.drained().await;
    }
    assert_eq!(
        scene
            .service
            .follow(live)
            .await
            .text()
            .await
            .expect("a body"),
        "hello"
    );
    assert_eq!(scene.found().await.len(), scene.secrets.0.len());
    scene.service.stop().await;
}
