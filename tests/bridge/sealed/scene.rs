//! A service with secrets of every kind, and what its database looks like to a thief.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use medialink::storage::{
    Database, Opener,
    engine::{query, query_scalar},
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use support::{
    API_TOKEN, AS_TOKEN, Gone, HS_TOKEN, Process, World, answer, client, database_config,
    database_url, encrypted::encrypted_file, eventually, is_postgres, pg_dump, root_secret_file,
    url,
};

const MORE: &str = "usage: {batch_window: 20ms, touch: never}\n\
    legacy_links: [{format: unsigned, bridge: irc}]\n";

pub struct Scene {
    pub world: World,
    pub process: Process,
    pub links: Vec<Value>,
    /// Names and values.
    pub secrets: Vec<(&'static str, Vec<u8>)>,
}

impl Scene {
    /// With a root secret, or as a SQLite file is without one.
    pub async fn new(is_sealed: bool) -> Self {
        let world = World::new().await;
        let process = Process::new(world.folder.path(), &world.url, MORE);
        let scene = Self {
            world,
            process,
            links: Vec::new(),
            secrets: Vec::new(),
        };
        root_secret_file(scene.world.folder.path());
        if is_sealed {
            scene.set("root_secret_file", Some("root-secret"));
        }
        scene
    }

    /// Sets a key at the top of the configuration, or takes it out.
    pub fn set(&self, key: &str, value: Option<&str>) {
        set(&self.process, key, value);
    }

    /// Another service on the same database, with the same root secret and keys in the database.
    pub fn replica(&self, number: usize) -> Process {
        let first = self.world.folder.path();
        let folder = first.join(format!("replica{number}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let process = Process::new(&folder, &self.world.url, MORE);
        set(&process, "database", Some(&database_url(first)));
        let root_secret = first.join("root-secret").display().to_string();
        set(&process, "root_secret_file", Some(&root_secret));
        set(&process, "key_file", Some("database"));
        process
    }

    /// Links of every kind, whose media is counted.
    pub async fn issue(&mut self) {
        let (mxc, token) = self.world.upload("hello", "text/plain").await;
        let (file, file_token) = encrypted_file(&self.world, b"hello").await;
        let key = file["key"]["k"].as_str().expect("a key");
        let key = URL_SAFE_NO_PAD.decode(key).expect("base64url");
        let room = &self.world.room_id;
        for body in [
            json!({"mxc": mxc, "content_token": token, "room_id": room, "filename": "control.txt"}),
            json!({"mxc": mxc, "content_token": token, "room_id": room, "form": "self_contained"}),
            json!({"file": file, "content_token": file_token, "room_id": room}),
        ] {
            self.links.push(self.process.issue(body).await);
        }
        let seen = self.see().await;
        self.wait_until_counted().await;
        for link in &self.links {
            let url = url(link);
            let token = url.split("/m/").nth(1);
            let token = token.and_then(|token| token.split('/').next());
            // The bridge's own links have none.
            self.secrets
                .extend(token.map(|token| ("link", token.into())));
        }
        for (name, secret) in [
            ("content token", token.as_bytes()),
            ("content token of a file", file_token.as_bytes()),
            ("file key", &key),
            ("content token of an event", seen.as_bytes()),
            ("api_token", API_TOKEN.as_bytes()),
            ("as_token", AS_TOKEN.as_bytes()),
            ("hs_token", HS_TOKEN.as_bytes()),
        ] {
            self.secrets.push((name, secret.to_vec()));
        }
    }

    /// Has an event show media to the service, and follows the bridge's own link to it; its token.
    async fn see(&mut self) -> String {
        let (mxc, token) = self.world.upload("seen", "text/plain").await;
        let event = json!({
            "type": "m.room.message", "event_id": "$seen", "room_id": self.world.room_id,
            "sender": "@alice:example.org", "origin_server_ts": 1,
            "content": {"msgtype": "m.file", "body": "a", "url": mxc, "content_token": token},
        });
        let pushed = format!("{}/_matrix/app/v1/transactions/seen", self.process.internal);
        let request = self.process.client.put(pushed).bearer_auth(HS_TOKEN);
        let (status, told) = answer(request.json(&json!({"events": [event]}))).await;
        assert_eq!(status, 200, "{told}");
        let media = mxc.strip_prefix("mxc://").expect("an mxc URI");
        let link = format!("{}/_matrix/media/v3/download/{media}", self.process.public);
        self.links.push(json!({"url": link, "link_id": null}));
        assert_eq!(self.follow(self.links.len() - 1).await, 200);
        token
    }

    /// Follows a link to media that the homeserver does not have.
    pub async fn miss(&mut self) {
        let token = "token-of-missing-media";
        let room = &self.world.room_id;
        let body =
            json!({"mxc": "mxc://example.org/none", "content_token": token, "room_id": room});
        let link = self.process.issue(body).await;
        assert_eq!(follow_at(&self.process, &link).await, 404);
        self.secrets.push(("token of missing media", token.into()));
    }

    /// Has a meta event wait to be sent.
    pub async fn issue_while_the_homeserver_is_away(&mut self) -> Gone {
        let (mxc, token) = self.world.upload("waiting", "text/plain").await;
        // An attempt that fails now would have the device asked for again, which nobody tells.
        let pending = "SELECT COUNT(*) FROM media_references WHERE state = 'pending'";
        eventually("a count of all before", async || {
            (self.number(pending).await == 0).then_some(())
        })
        .await;
        let gone = self.world.stop_homeserver().await;
        let body = json!({"mxc": mxc, "content_token": token, "room_id": self.world.room_id});
        self.process.issue(body).await;
        self.secrets.push(("token that waits", token.into()));
        let waiting = "SELECT COUNT(*) FROM meta_event_bodies WHERE substr(content, 1, 1) = '='";
        eventually("a meta event that waits", async || {
            (self.number(waiting).await > 0).then_some(())
        })
        .await;
        gone
    }

    async fn wait_until_counted(&self) {
        for link in self.links.iter().filter(|link| link["link_id"].is_string()) {
            let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
            eventually("a count", async || {
                let told = self.process.call(Method::GET, &path, &json!({})).await?.1;
                (told["usage"]["state"] == "counted").then_some(())
            })
            .await;
        }
    }

    pub async fn follow(&self, number: usize) -> u16 {
        follow_at(&self.process, &self.links[number]).await
    }

    /// All links lead to their media.
    pub async fn are_followed(&self) {
        for number in 0..self.links.len() {
            assert_eq!(self.follow(number).await, 200, "{}", self.links[number]);
        }
    }

    /// The secrets that are in the database, by name, and whether what is no secret is found there.
    pub fn found(&self) -> (Vec<&'static str>, bool) {
        let stolen = self.stolen();
        let is_found = |secret: &[u8]| forms(secret).iter().any(|form| contains(&stolen, form));
        let found = self.secrets.iter().filter(|(_, secret)| is_found(secret));
        let has_control = is_found(b"control.txt") && is_found(self.world.room_id.as_bytes());
        (found.map(|(name, _)| *name).collect(), has_control)
    }

    /// What somebody has who has the database: a dump, or the file with its write-ahead log.
    fn stolen(&self) -> Vec<u8> {
        let folder = self.world.folder.path();
        if is_postgres() {
            return pg_dump(&database_url(folder));
        }
        let mut bytes = Vec::new();
        for name in ["medialink.db", "medialink.db-wal"] {
            bytes.extend(std::fs::read(folder.join("data").join(name)).unwrap_or_default());
        }
        assert!(bytes.len() > 10_000);
        bytes
    }

    /// Runs a statement past the service, which is stopped.
    pub async fn execute(&self, statement: &'static str) {
        let database = self.open().await;
        let written = database
            .writer()
            .write::<_, medialink::storage::StorageError, _>(move |c| {
                Box::pin(async move { query(statement).execute(c).await.map(drop) })
            });
        written.await.expect("done");
    }

    /// The number that a statement gives.
    pub async fn number(&self, statement: &str) -> i64 {
        let database = self.open().await;
        let asked = query_scalar(AssertSqlSafe(statement.to_owned()));
        asked.fetch_one(database.reader()).await.expect("a number")
    }

    async fn open(&self) -> Database {
        let mut config = database_config(self.world.folder.path());
        if config.root_secret.is_none() && self.text().contains("root_secret_file: ") {
            let path = root_secret_file(self.world.folder.path());
            config.root_secret = medialink::config::RootSecret::read(&path).ok();
        }
        let opened = Database::open(&config, Opener::Command).await;
        opened.expect("opens")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.process.folder.join("bridge.yaml")).expect("reads")
    }

    /// Starts a service that does not come up; what it says.
    pub async fn refused_start(&mut self) -> String {
        let before = self.process.log().len();
        self.process.spawn();
        assert!(!self.process.ended().await.success());
        self.process.log().split_off(before)
    }

    pub async fn restart(&mut self) {
        assert!(self.process.terminate().await.success());
        // The connections of the one before lead nowhere.
        self.process.client = client();
        self.process.start().await;
    }
}

fn set(process: &Process, key: &str, value: Option<&str>) {
    let path = process.folder.join("bridge.yaml");
    let text = std::fs::read_to_string(&path).expect("reads");
    let start = format!("{key}: ");
    let others = text.lines().filter(|line| !line.starts_with(&start));
    let mut lines: Vec<String> = others.map(str::to_owned).collect();
    lines.extend(value.map(|value| format!("{start}{value}")));
    std::fs::write(path, lines.join("\n") + "\n").expect("written");
}

/// Follows a link at a service, whichever has issued it.
pub async fn follow_at(process: &Process, link: &Value) -> u16 {
    let issued = url(link);
    let at = issued.match_indices('/').nth(2).expect("a path").0;
    let target = format!("{}{}", process.public, &issued[at..]);
    // By a connection of its own: others may be those of a process that has ended.
    let answer = client().get(target).send().await;
    answer.expect("an answer").status().as_u16()
}

/// The ways in which bytes may be written down.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers = format!("{secret:?}").replace(' ', "");
    let mut forms = vec![
        secret.to_vec(),
        hex.to_uppercase().into(),
        hex.into(),
        STANDARD.encode(secret).into(),
        STANDARD_NO_PAD.encode(secret).into(),
        URL_SAFE.encode(secret).into(),
        URL_SAFE_NO_PAD.encode(secret).into(),
        numbers.trim_matches(['[', ']']).into(),
    ];
    if let Ok(text) = std::str::from_utf8(secret) {
        let json = json!(text).to_string();
        forms.push(json.trim_matches('"').into());
    }
    forms
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
