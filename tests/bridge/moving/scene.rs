//! A service on a SQLite file beside an empty database on a server, and the command that moves it.

use std::{
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use medialink::{config::DatabaseConfig, storage::Database, storage::Opener};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use support::{Process, World, binary, database_url, eventually};

pub struct Scene {
    pub world: World,
    pub process: Process,
}

pub fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

impl Scene {
    /// Configured for the SQLite file.
    pub async fn new(more: &str) -> Self {
        let world = World::new().await;
        let process = Process::new(world.folder.path(), &world.url, more);
        let scene = Self { world, process };
        scene.configure("sqlite:data/medialink.db");
        scene
    }

    /// With a SQLite file that a service has made.
    pub async fn with_file() -> Self {
        let scene = Self::new("").await;
        std::fs::create_dir(scene.world.folder.path().join("data")).expect("a folder");
        let config = DatabaseConfig::sqlite(scene.file());
        drop(
            Database::open(&config, Opener::Service)
                .await
                .expect("opens"),
        );
        scene
    }

    /// Changes the database in the configuration.
    pub fn configure(&self, database: &str) {
        let path = self.world.folder.path().join("bridge.yaml");
        let text = std::fs::read_to_string(&path).expect("reads");
        let lines = text.lines().map(|line| {
            if line.starts_with("database: ") {
                format!("database: {database}\n")
            } else {
                format!("{line}\n")
            }
        });
        std::fs::write(&path, lines.collect::<String>()).expect("written");
    }

    pub fn file(&self) -> PathBuf {
        self.world.folder.path().join("data/medialink.db")
    }

    pub fn sqlite(&self) -> String {
        format!("sqlite:{}", self.file().display())
    }

    pub fn postgres(&self) -> String {
        database_url(self.world.folder.path())
    }

    /// Another database on the server.
    pub fn other_postgres(&self) -> String {
        let folder = self.world.folder.path().join("other");
        std::fs::create_dir_all(&folder).expect("a folder");
        database_url(&folder)
    }

    /// Moves to its end.
    pub fn migrate(&self, from: &str, to: &str) -> Output {
        self.process
            .run(&["migrate", "--from", from, "--to", to, "--json"])
    }

    /// Begins to move.
    pub fn spawn_migrate(&self, from: &str, to: &str) -> Child {
        let mut command = Command::new(binary());
        command
            .arg("--config")
            .arg(self.world.folder.path().join("bridge.yaml"))
            .args(["migrate", "--from", from, "--to", to])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().expect("starts")
    }

    /// The SQLite file, to be looked at and changed past the service.
    pub async fn connection(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.file());
        options.connect().await.expect("opens")
    }

    /// Adds links that have ended.
    pub async fn add_links(&self, count: i64) {
        let mut connection = self.connection().await;
        sqlx::query("INSERT INTO matrix_ids (matrix_id) VALUES ('!of-many:example.org')")
            .execute(&mut connection)
            .await
            .expect("inserts");
        sqlx::query(
            "INSERT INTO media_references (bridge, room, mxc, state) \
             SELECT 'irc', MAX(id), 'mxc://example.org/of-many', 'disabled' FROM matrix_ids",
        )
        .execute(&mut connection)
        .await
        .expect("inserts");
        sqlx::query(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < $1) \
             INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room, issued_at, state, ended_at) \
             SELECT printf('many%06d', n), 'short', 1, 'irc', \
             (SELECT MAX(id) FROM media_references), (SELECT MAX(id) FROM matrix_ids), n, 'revoked', n FROM n",
        )
        .bind(count)
        .execute(&mut connection)
        .await
        .expect("inserts");
    }

    pub async fn link(&self, link: &Value) -> Value {
        let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
        let told = self.process.call(Method::GET, &path, &json!({})).await;
        told.expect("an answer").1
    }

    pub async fn counted(&self, link: &Value) {
        eventually("a count", async || {
            (self.link(link).await["usage"]["state"] == "counted").then_some(())
        })
        .await;
    }

    pub async fn revoke(&self, link: &Value) {
        let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
        let told = self.process.call(Method::DELETE, &path, &json!({})).await;
        assert_eq!(told.expect("an answer").0, 200);
    }

    pub async fn status(&self, url: &str) -> u16 {
        let answer = self.process.client.get(url).send().await;
        answer.expect("an answer").status().as_u16()
    }
}
