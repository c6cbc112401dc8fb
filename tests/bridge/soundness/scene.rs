//! A service whose database is looked through, and damaged past it.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, sqlite::SqliteConnectOptions,
};
use support::{
    HS_TOKEN, Process, World, answer, database_url, encrypted::encrypted_file, eventually,
    is_postgres, url,
};

const MORE: &str = "usage: {batch_window: 20ms, release_after: 100ms, touch: never}\n";

/// What the command has found: for each check how many findings, their rows, and the last example.
pub type Found = BTreeMap<String, (i64, Option<String>)>;

/// What the command says.
pub struct Said {
    pub code: i32,
    pub json: Value,
    pub errors: String,
}

impl Said {
    pub fn found(&self) -> Found {
        let findings = self.json["findings"].as_array().expect("findings");
        let one = |finding: &Value| {
            for name in ["found", "todo"] {
                assert!(
                    finding[name].as_str().expect("a text").len() > 15,
                    "{finding}"
                );
            }
            let example = finding["example"].as_str().map(str::to_owned);
            let check = finding["check"].as_str().expect("a name").to_owned();
            (check, (finding["rows"].as_i64().unwrap_or(0), example))
        };
        findings.iter().map(one).collect()
    }
}

pub struct Scene {
    pub world: World,
    pub process: Process,
}

impl Scene {
    pub async fn new() -> Self {
        let world = World::new().await;
        let mut process = Process::new(world.folder.path(), &world.url, MORE);
        process.start().await;
        Self { world, process }
    }

    /// With a service that has run, and was stopped.
    pub async fn stopped() -> Self {
        let mut scene = Self::new().await;
        scene.be_busy().await;
        scene.process.drained().await;
        assert!(scene.process.terminate().await.success());
        scene
    }

    /// What the command says, as JSON and in words, which agree.
    pub fn check(&self) -> Said {
        let output = self.process.run(&["check", "--database", "--json"]);
        let json = serde_json::from_slice(&output.stdout).expect("JSON");
        let code = output.status.code().expect("a code");
        let plain = self.process.run(&["check", "--database"]);
        assert_eq!(plain.status.code(), Some(code));
        let words = String::from_utf8_lossy(&plain.stdout).into_owned();
        let errors = String::from_utf8_lossy(&plain.stderr).into_owned();
        match code {
            0 => assert!(
                words.contains(": sound (") && words.lines().count() == 1,
                "{words}"
            ),
            1 => {
                assert!(words.contains(". What to do: "), "{words}");
                assert_eq!(json_len(&json), words.lines().count(), "{words}");
            }
            _ => assert!(words.is_empty(), "{words}"),
        }
        Said { code, json, errors }
    }

    pub fn is_sound(&self) {
        let said = self.check();
        assert_eq!(said.code, 0, "{}", said.json);
        assert_eq!(said.json["is_sound"], true);
        assert!(said.json["checks"].as_array().expect("checks").len() > 15);
    }

    pub async fn issue(&self, more: Value) -> Value {
        let (mxc, token) = self.world.upload(more.to_string(), "text/plain").await;
        let mut body = json!({"mxc": mxc, "content_token": token, "room_id": self.world.room_id});
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        self.process.issue(body).await
    }

    pub async fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        let (status, told) = self
            .process
            .call(method, path, body)
            .await
            .expect("an answer");
        assert!(status.is_success(), "{status} {told}");
        told
    }

    /// Links of every kind that live and have ended in every way.
    pub async fn be_busy(&self) {
        let (file, token) = encrypted_file(&self.world, b"secret words").await;
        let body = json!({"file": file, "content_token": token, "room_id": self.world.room_id});
        self.process.issue(body.clone()).await;
        let again = self.process.issue(body).await;
        for more in [
            json!({"event_id": "$short", "sender": "@bob:example.org"}),
            json!({"event_id": "$whole", "form": "self_contained"}),
            json!({"event_id": "$twice", "max_follows": 5}),
            json!({"event_id": "$twice", "max_follows": 6}),
            json!({"lifetime_ms": 3_600_000}),
        ] {
            self.follow(&self.issue(more).await).await;
        }
        let once = self
            .issue(json!({"event_id": "$once", "max_follows": 1}))
            .await;
        self.follow(&once).await;
        self.issue(json!({"event_id": "$short-lived", "lifetime_ms": 1000}))
            .await;
        self.call(
            Method::POST,
            "/v1/pastes",
            &json!({"text": "a long text", "room_id": self.world.room_id}),
        )
        .await;
        self.issue(json!({"event_id": "$redacted"})).await;
        self.push_redaction("$redacted").await;
        let revoked = self.issue(json!({"event_id": "$revoked"})).await;
        self.counted(&revoked).await;
        let path = format!("/v1/links/{}", revoked["link_id"].as_str().expect("an ID"));
        self.call(Method::DELETE, &path, &json!({})).await;
        self.counted(&again).await;
    }

    async fn follow(&self, link: &Value) {
        let answered = self.process.client.get(url(link)).send().await;
        assert_eq!(answered.expect("an answer").status(), 200, "{link}");
    }

    async fn push_redaction(&self, event_id: &str) {
        let event = json!({
            "type": "m.room.redaction", "event_id": "$by", "room_id": self.world.room_id, "redacts": event_id,
            "sender": "@alice:example.org", "origin_server_ts": 1, "content": {"redacts": event_id},
        });
        let pushed = format!("{}/_matrix/app/v1/transactions/1", self.process.internal);
        let request = self.process.client.put(pushed).bearer_auth(HS_TOKEN);
        let (status, told) = answer(request.json(&json!({"events": [event]}))).await;
        assert_eq!(status, 200, "{told}");
    }

    async fn counted(&self, link: &Value) {
        let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
        eventually("a count", async || {
            let told = self.call(Method::GET, &path, &json!({})).await;
            (told["usage"]["state"] == "counted").then_some(())
        })
        .await;
    }

    /// Runs statements past the service, whatever the tables want to hold; BYTES is the type of bytes.
    pub async fn execute(&self, statements: &str) {
        execute(self, statements).await;
    }

    /// Sets a key at the top of the configuration.
    pub fn set(&self, key: &str, value: &str) {
        let path = self.process.folder.join("bridge.yaml");
        let text = std::fs::read_to_string(&path).expect("reads");
        let start = format!("{key}: ");
        let others = text.lines().filter(|line| !line.starts_with(&start));
        let lines: Vec<&str> = others.collect();
        let text = format!("{}\n{start}{value}\n", lines.join("\n"));
        std::fs::write(path, text).expect("written");
    }
}

fn json_len(told: &Value) -> usize {
    told["findings"].as_array().expect("findings").len()
}

async fn execute(scene: &Scene, statements: &str) {
    let folder = scene.world.folder.path();
    let run = if is_postgres() {
        let mut connection = PgConnection::connect(&database_url(folder))
            .await
            .expect("connects");
        let text = format!(
            "SET session_replication_role = replica; {}",
            statements.replace("BYTES", "BYTEA")
        );
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(text)))
            .await
            .map(drop)
    } else {
        let options = SqliteConnectOptions::new().filename(folder.join("data/medialink.db"));
        let mut connection = options.foreign_keys(false).connect().await.expect("opens");
        let text = statements.replace("BYTES", "BLOB");
        let run = connection
            .execute(sqlx::raw_sql(AssertSqlSafe(text)))
            .await
            .map(drop);
        connection.close().await.expect("closes");
        run
    };
    run.unwrap_or_else(|error| panic!("{error}: {statements}"));
}
