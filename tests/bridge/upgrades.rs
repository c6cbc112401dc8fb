//! A database of an older version is brought up to date by the first start, and what was promised is kept.

use std::{borrow::Cow, path::Path, process::Output};

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection, migrate::Migrator,
    sqlite::SqliteConnectOptions,
};
use support::{
    Process, World, database_url, encrypted::encrypted_file, eventually, is_postgres, url,
};

/// The last migration before links had their media and room by numbers.
const BEFORE: i64 = 20;

/// What the tables held then that have changed since, from what they hold now.
const CHANGED: [(&str, &str); 4] = [
    (
        "media_references",
        "SELECT r.id, r.bridge, i.matrix_id AS room_id, r.mxc, r.content_token, r.state, r.pending_at, r.counted_by, \
         r.queued_in, r.copy_mxc, r.own_upload_at FROM media_references r JOIN matrix_ids i ON i.id = r.room",
    ),
    (
        "links",
        "SELECT l.id, l.link_id, l.form, l.key_id, l.nonce, l.lifetime_s, l.bridge, l.media_reference_id, \
         i.matrix_id AS room_id, l.event_id, COALESCE(s.matrix_id, '') AS sender, r.mxc, r.content_token, l.file, \
         l.filename, l.mimetype, l.size, l.issued_at, l.expires_at, l.max_follows, l.state, l.ended_at, l.follows, \
         l.bytes_served, l.last_followed_at, l.max_size, l.pages_only, l.renewed_at, l.width, l.height, l.duration_ms, \
         l.blurhash, l.warning, l.shown_by, COALESCE(l.is_spoiler, 0) AS is_spoiler, l.paste_digest, l.language, \
         l.is_doubted FROM links l JOIN media_references r ON r.id = l.media_reference_id \
         JOIN matrix_ids i ON i.id = l.room LEFT JOIN matrix_ids s ON s.id = l.sender",
    ),
    (
        "meta_events",
        "SELECT id, bridge, room_id, state, event_type, '{\"secret\":\"body\"}' AS content, batch, txn_id, device_id, \
         event_id, redact_txn_id, attempts, unknown_since, next_attempt_at, claimed_until, review_at, last_error, \
         created_at, has_copy, copy_mxc, copied_at, copies_refused, redacted_at, claim, claimed_at FROM meta_events",
    ),
    (
        "meta_event_members",
        "SELECT counted_by AS meta_event_id, id AS media_reference_id, copy_mxc, NULL AS copied_at \
         FROM media_references WHERE counted_by IS NOT NULL",
    ),
];

/// The migrations up to this one.
async fn migrations(of: &str, last: i64) -> Migrator {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut migrator = Migrator::new(folder.join(of)).await.expect("migrations");
    let old = migrator.migrations.iter();
    let old = old.filter(|migration| migration.version <= last).cloned();
    migrator.migrations = Cow::Owned(old.collect());
    migrator
}

/// Makes a file of the older version that holds what another one holds.
async fn older_file(new: &Path, old: &Path) {
    let options = SqliteConnectOptions::new()
        .filename(old)
        .create_if_missing(true);
    let options = options.foreign_keys(false);
    let mut connection: SqliteConnection = options.connect().await.expect("opens");
    let migrator = migrations("sqlite", BEFORE).await;
    migrator.run(&mut connection).await.expect("made");
    let mut run = async |text: String| -> Vec<String> {
        let rows = sqlx::query_scalar(AssertSqlSafe(text.clone()));
        let rows = rows.fetch_all(&mut connection).await;
        rows.unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    run(format!("ATTACH '{}' AS new", new.display())).await;
    let tables = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' \
         AND name <> '_sqlx_migrations'";
    for table in run(tables.to_owned()).await {
        let columns = run(format!(
            "SELECT name FROM pragma_table_info('{table}', 'main')"
        ))
        .await;
        let columns = columns.join(", ");
        run(format!("DELETE FROM main.{table}")).await;
        let changed = CHANGED.iter().find(|(name, _)| *name == table);
        let select = changed.map_or_else(
            || format!("SELECT {columns} FROM new.{table}"),
            |(_, select)| {
                let select = select
                    .replace("FROM ", "FROM new.")
                    .replace("JOIN ", "JOIN new.");
                format!("SELECT {columns} FROM ({select})")
            },
        );
        run(format!("INSERT INTO main.{table} ({columns}) {select}")).await;
    }
    connection.close().await.expect("closes");
}

/// The same for a database on a server. It is brought up to date here: its secrets are sealed by the data key of the
/// other one, which no older one has.
async fn older_database(new: &str, old: &str) {
    let mut from = PgConnection::connect(new).await.expect("connects");
    let mut to = PgConnection::connect(old).await.expect("connects");
    migrations("postgres", BEFORE)
        .await
        .run(&mut to)
        .await
        .expect("made");
    let tables = "SELECT c.relname::text FROM pg_class c WHERE c.relkind = 'r' \
         AND c.relnamespace = 'public'::regnamespace AND c.relname NOT IN ('_sqlx_migrations', 'changes')";
    let tables: Vec<String> = sqlx::query_scalar(tables)
        .fetch_all(&mut to)
        .await
        .expect("reads");
    sqlx::raw_sql("SET session_replication_role = replica")
        .execute(&mut to)
        .await
        .expect("set");
    for table in tables {
        let changed = CHANGED.iter().find(|(name, _)| *name == table);
        let select = changed.map_or_else(
            || format!("SELECT * FROM {table}"),
            |(_, select)| (*select).to_owned(),
        );
        let rows =
            format!("SELECT COALESCE(json_agg(row_to_json(t)), '[]')::text FROM ({select}) t");
        let rows: String = sqlx::query_scalar(AssertSqlSafe(rows))
            .fetch_one(&mut from)
            .await
            .expect("reads");
        let insert = format!(
            "DELETE FROM {table}; INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, '{}')",
            rows.replace('\'', "''")
        );
        sqlx::raw_sql(AssertSqlSafe(insert))
            .execute(&mut to)
            .await
            .unwrap_or_else(|error| panic!("{table}: {error}"));
        sqlx::raw_sql(AssertSqlSafe(format!(
            "SELECT setval(pg_get_serial_sequence('{table}', 'id'), MAX(id)) FROM {table} HAVING MAX(id) IS NOT NULL"
        )))
        .execute(&mut to)
        .await
        .ok();
    }
    sqlx::raw_sql("SET session_replication_role = DEFAULT")
        .execute(&mut to)
        .await
        .expect("set");
    bring_up_to_date(&mut from, &mut to).await;
}

/// With the data key of the database that the rows come from.
async fn bring_up_to_date(from: &mut PgConnection, to: &mut PgConnection) {
    let all = migrations("postgres", i64::MAX).await;
    all.run(&mut *to).await.expect("brought up to date");
    let key: (Vec<u8>, i64) = sqlx::query_as("SELECT sealed, is_all FROM data_keys")
        .fetch_one(&mut *from)
        .await
        .expect("reads");
    sqlx::query("INSERT INTO data_keys (id, sealed, is_all) VALUES (1, $1, $2)")
        .bind(key.0)
        .bind(key.1)
        .execute(&mut *to)
        .await
        .expect("writes");
}

struct Scene {
    world: World,
    process: Process,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let more = "usage: {batch_window: 20ms, touch: never}";
        let mut process = Process::new(world.folder.path(), &world.url, more);
        process.start().await;
        Self { world, process }
    }

    async fn issue(&self, more: Value) -> Value {
        let (mxc, token) = self.world.upload(more.to_string(), "text/plain").await;
        let mut body = json!({"mxc": mxc, "content_token": token, "room_id": self.world.room_id});
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        self.process.issue(body).await
    }

    async fn link(&self, link: &Value) -> Value {
        let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
        let told = self.process.call(Method::GET, &path, &json!({})).await;
        told.expect("an answer").1
    }

    async fn status(&self, url: &str) -> u16 {
        let answer = self.process.client.get(url).send().await;
        answer.expect("an answer").status().as_u16()
    }

    /// The IDs of the links that match.
    async fn list(&self, query: &str) -> Vec<Value> {
        let path = format!("/v1/links?{query}");
        let told = self.process.call(Method::GET, &path, &json!({})).await;
        let told = told.expect("an answer").1;
        let links = told["links"].as_array().expect("links").iter();
        links.map(|link| link["link_id"].clone()).collect()
    }

    /// Puts a database of the older version in the place of that of the service, which has ended.
    async fn turn_back(&self) {
        let folder = self.world.folder.path();
        if is_postgres() {
            let other = folder.join("other");
            std::fs::create_dir(&other).expect("a folder");
            let (new, old) = (database_url(folder), database_url(&other));
            older_database(&new, &old).await;
            let path = folder.join("bridge.yaml");
            let text = std::fs::read_to_string(&path).expect("reads");
            std::fs::write(path, text.replace(&new, &old)).expect("written");
        } else {
            let (new, old) = (folder.join("data/medialink.db"), folder.join("old.db"));
            older_file(&new, &old).await;
            std::fs::rename(old, new).expect("moved");
        }
    }
}

#[tokio::test]
async fn links_of_an_older_database_are_followed_listed_and_ended() {
    let mut scene = Scene::new().await;
    let short = scene
        .issue(json!({"event_id": "$short", "sender": "@bob:example.org", "filename": "a cat.png"}))
        .await;
    let whole = scene
        .issue(json!({"event_id": "$whole", "form": "self_contained"}))
        .await;
    let without = scene.issue(json!({})).await;
    let (file, token) = encrypted_file(&scene.world, b"secret words").await;
    let body = json!({"file": file, "content_token": token, "room_id": scene.world.room_id, "event_id": "$encrypted"});
    let encrypted = scene.process.issue(body.clone()).await;
    let revoked = scene.issue(json!({"event_id": "$revoked"})).await;
    let links = [&short, &whole, &without, &encrypted, &revoked];
    for link in links {
        eventually("a count", async || {
            (scene.link(link).await["usage"]["state"] == "counted").then_some(())
        })
        .await;
    }
    revoke(&scene, &revoked).await;
    scene.process.drained().await;
    let mut told = Vec::new();
    for link in links {
        told.push(scene.link(link).await);
    }
    assert!(scene.process.terminate().await.success());
    scene.turn_back().await;
    if !is_postgres() {
        let refused = scene.process.run(&["links", "list"]);
        let refused = text(&refused);
        assert!(refused.contains("of an older version"), "{refused}");
    }

    scene.process.start().await;
    for (link, told) in links.iter().zip(&told) {
        assert_eq!(&scene.link(link).await, told);
        let expected = if told["state"] == "live" { 200 } else { 410 };
        assert_eq!(scene.status(&url(link)).await, expected, "{told}");
    }
    let room = &scene.world.room_id;
    let ids: Vec<Value> = links
        .iter()
        .rev()
        .map(|link| link["link_id"].clone())
        .collect();
    assert_eq!(scene.list("").await, ids);
    assert_eq!(scene.list(&format!("room_id={room}")).await, ids);
    assert_eq!(scene.list("event_id=$short").await, ids[4..]);
    assert_eq!(scene.list("event_id=$whole").await, ids[3..4]);
    let mxc = without["mxc"].as_str().expect("mxc");
    assert_eq!(scene.list(&format!("mxc={mxc}")).await, ids[2..3]);
    assert_eq!(scene.list("state=revoked").await, ids[..1]);
    let again = scene.process.issue(body).await;
    assert_eq!(again["link_id"], encrypted["link_id"]);
    keeps_usage(&scene, links).await;
    assert!(scene.process.terminate().await.success());
}

/// Usage is counted by the events that counted it, and released.
async fn keeps_usage(scene: &Scene, links: [&Value; 5]) {
    let events = scene.world.meta_events(&scene.world.room_id).await;
    let again = scene.issue(json!({"event_id": "$new"})).await;
    eventually("a count", async || {
        (scene.link(&again).await["usage"]["state"] == "counted").then_some(())
    })
    .await;
    scene.process.drained().await;
    let after = scene.world.meta_events(&scene.world.room_id).await;
    assert_eq!(after.len(), events.len() + 1);
    let of_sender = json!({"sender": "@bob:example.org"});
    let told = scene
        .process
        .call(Method::POST, "/v1/revocations", &of_sender);
    assert_eq!(told.await.expect("an answer").1["revoked"], 1);
    for link in [links[1], links[2], links[3], &again] {
        revoke(scene, link).await;
    }
    for link in links {
        assert_eq!(scene.status(&url(link)).await, 410);
    }
    for link in links {
        let mxc = link["mxc"].as_str().expect("mxc");
        eventually("its count to go", async || {
            (scene.world.references(mxc).await == 0).then_some(())
        })
        .await;
    }
}

async fn revoke(scene: &Scene, link: &Value) {
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
    let told = scene.process.call(Method::DELETE, &path, &json!({})).await;
    assert_eq!(told.expect("an answer").0, 200);
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
