//! The service of today starts on the tables of every version that there was, and keeps what they promise: links live
//! or are over, media stays counted, and what waits to be counted is counted once.

mod rows;

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection,
    migrate::{Migrate, Migrator},
    sqlite::SqliteConnectOptions,
};
use support::{Process, World, database_url, eventually, is_postgres, url};

use rows::Past;

const MORE: &str = "usage: {batch_window: 20ms, touch: never}\n";

/// All migrations of the database that tests run on.
async fn migrations() -> Migrator {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let of = if is_postgres() { "postgres" } else { "sqlite" };
    Migrator::new(folder.join(of)).await.expect("migrations")
}

async fn versions() -> Vec<i64> {
    let migrator = migrations().await;
    migrator.iter().map(|migration| migration.version).collect()
}

/// Makes the tables of a version, with these rows in them.
async fn make(folder: &Path, version: i64, rows: &str) {
    if is_postgres() {
        let connected = PgConnection::connect(&database_url(folder)).await;
        fill(connected.expect("connects"), version, rows).await;
    } else {
        let options = SqliteConnectOptions::new().create_if_missing(true);
        let options = options.filename(folder.join("data/medialink.db"));
        fill(options.connect().await.expect("opens"), version, rows).await;
    }
}

async fn fill<C>(mut connection: C, version: i64, rows: &str)
where
    C: Connection + Migrate,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
{
    let made = migrations()
        .await
        .run_direct(Some(version), &mut connection, false)
        .await;
    made.expect("made");
    let filled = connection.execute(sqlx::raw_sql(AssertSqlSafe(rows.to_owned())));
    if let Err(error) = filled.await {
        panic!("{error}: {rows}");
    }
    connection.close().await.expect("closes");
}

/// Links of a service of today, whose rows go into the tables of the past.
struct Scene {
    world: World,
    live: Value,
    dead: Value,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let mut process = Process::new(world.folder.path(), &world.url, MORE);
        process.start().await;
        let mut links = Vec::new();
        for event_id in ["$live", "$dead"] {
            let (mxc, token) = world.upload(event_id, "text/plain").await;
            let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "event_id": event_id});
            let link = process.issue(body).await;
            let mut told = counted(&process, &link).await;
            told["token"] = json!(token);
            links.push(told);
        }
        assert!(process.terminate().await.success());
        let [live, dead] = links.try_into().expect("two links");
        Self { world, live, dead }
    }

    /// A service in a folder of its own, with the same keys.
    fn process(&self, version: i64) -> Process {
        let folder = self.world.folder.path().join(format!("version{version}"));
        let (keys, data) = ("data/link-keys.yaml", folder.join("data"));
        std::fs::create_dir_all(data).expect("a folder");
        std::fs::copy(self.world.folder.path().join(keys), folder.join(keys)).expect("copied");
        Process::new(&folder, &self.world.url, MORE)
    }

    /// Starts the service on the tables of a version, and looks at what it makes of them.
    async fn comes_from(&self, version: i64) {
        let mut process = self.process(version);
        let (pending, queued) = (
            self.media(version, "pending").await,
            self.media(version, "queued").await,
        );
        let past = Past {
            version,
            room: &self.world.room_id,
            live: &self.live,
            dead: &self.dead,
            pending: &pending,
            queued: &queued,
        };
        make(&process.folder, version, &past.rows()).await;
        let before = self.world.meta_events(&self.world.room_id).await.len();
        process.start().await;
        assert_eq!(
            follow(&process, &self.live).await,
            (200, "$live".to_owned()),
            "{version}"
        );
        assert_eq!(follow(&process, &self.dead).await.0, 410, "{version}");
        let live = counted(&process, &self.live).await;
        assert_eq!(
            live["usage"]["event_id"], self.live["usage"]["event_id"],
            "{version}"
        );
        for (mxc, _) in [&pending, &queued] {
            eventually("what waited to be counted", async || {
                (self.world.references(mxc).await == 1).then_some(())
            })
            .await;
        }
        process.drained().await;
        let room = &self.world.room_id;
        assert_eq!(
            self.world.meta_events(room).await.len(),
            before + 2,
            "{version}"
        );
        let live = self.live["mxc"].as_str().expect("mxc");
        assert_eq!(self.world.references(live).await, 1, "{version}");
        if version >= 2 {
            self.refuses_the_redacted(&process, &pending).await;
        }
        is_sound(&process, version);
        assert!(process.terminate().await.success());
        is_sound(&process, version);
    }

    async fn media(&self, version: i64, what: &str) -> (String, String) {
        let bytes = format!("{what} in {version}");
        self.world.upload(bytes, "text/plain").await
    }

    async fn refuses_the_redacted(&self, process: &Process, (mxc, token): &(String, String)) {
        let body = json!({"mxc": mxc, "content_token": token, "room_id": self.world.room_id, "event_id": rows::REDACTED});
        let told = process.call(Method::POST, "/v1/links", &body).await;
        assert_eq!(told.expect("an answer").0, 410);
    }
}

/// Waits until the media of a link is counted; the link.
async fn counted(process: &Process, link: &Value) -> Value {
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
    eventually("a count", async || {
        let told = process.call(Method::GET, &path, &json!({})).await?.1;
        (told["usage"]["state"] == "counted").then_some(told)
    })
    .await
}

async fn follow(process: &Process, link: &Value) -> (u16, String) {
    let issued = url(link);
    let at = issued.find("/m/").expect("a path");
    let target = format!("{}{}", process.public, &issued[at..]);
    let answer = process.client.get(target).send().await.expect("an answer");
    (
        answer.status().as_u16(),
        answer.text().await.expect("a body"),
    )
}

fn is_sound(process: &Process, version: i64) {
    let checked = process.run(&["check", "--database"]);
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{version}: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_every_past_version_is_brought_up_to_date_and_keeps_its_promises() {
    let scene = Scene::new().await;
    let versions = versions().await;
    assert!(versions.len() >= 10);
    for version in versions {
        scene.comes_from(version).await;
    }
}
