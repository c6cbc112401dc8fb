//! `/ready` tells whether the database takes writes.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};
use support::{Process, Service, World, eventually, only_on_sqlite};

async fn other_connection(world: &World) -> SqliteConnection {
    let path = world.folder.path().join("data/medialink.db");
    let options = SqliteConnectOptions::new().filename(path);
    options.connect().await.expect("opens")
}

async fn ready(service: &Service) -> (u16, Value) {
    asked(&service.client, &service.internal).await
}

async fn asked(client: &reqwest::Client, internal: &str) -> (u16, Value) {
    let request = client.get(format!("{internal}/ready"));
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("JSON"))
}

async fn says(service: &Service, status: u16, database: &str) {
    eventually(database, async || {
        let (told, body) = ready(service).await;
        let text = body["database"].as_str().unwrap_or_default();
        (told == status && text.contains(database)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_locked_is_not_ready() {
    if !only_on_sqlite("it locks the file") {
        return;
    }
    let world = World::new().await;
    let service = world.service("").await;
    says(&service, 200, "ok").await;
    let mut other = other_connection(&world).await;
    other.execute("BEGIN IMMEDIATE").await.expect("locks");
    says(&service, 503, "took no write within").await;
    other.execute("ROLLBACK").await.expect("unlocks");
    says(&service, 200, "ok").await;
    other.close().await.expect("closes");
    service.stop().await;
}

#[tokio::test]
async fn a_database_that_refuses_a_write_is_not_ready() {
    if !only_on_sqlite("it makes a trigger in the file") {
        return;
    }
    let world = World::new().await;
    let service = world.service("").await;
    let mut other = other_connection(&world).await;
    let refuse = "CREATE TRIGGER refused BEFORE INSERT ON readiness BEGIN SELECT RAISE(FAIL, 'out of order'); END";
    other.execute(refuse).await.expect("made");
    says(&service, 503, "out of order").await;
    other.execute("DROP TRIGGER refused").await.expect("taken");
    says(&service, 200, "ok").await;
    other.close().await.expect("closes");
    service.stop().await;
}

#[tokio::test]
async fn a_database_whose_file_is_gone_is_not_ready() {
    if !only_on_sqlite("it moves the file") {
        return;
    }
    let world = World::new().await;
    let service = world.service("").await;
    service.expect_errors("there is no database for a moment");
    let file = world.folder.path().join("data/medialink.db");
    let away = world.folder.path().join("away.db");
    std::fs::rename(&file, &away).expect("moved");
    says(&service, 503, "the file of the database is gone").await;
    std::fs::rename(&away, &file).expect("moved back");
    says(&service, 200, "ok").await;
    service.stop().await;
}

#[tokio::test]
async fn no_link_is_acknowledged_that_another_file_would_not_have() {
    if !only_on_sqlite("it moves the file") {
        return;
    }
    let world = World::new().await;
    let service = world.service("usage: {mode: never, touch: never}").await;
    service.expect_errors("there is no database for a moment");
    let body =
        |name: &str| json!({"mxc": format!("mxc://example.org/{name}"), "room_id": world.room_id});
    let issue = async |name: &str| service.call(Method::POST, "/v1/links", &body(name)).await.0;
    assert_eq!(issue("before").await, 201);
    let file = world.folder.path().join("data/medialink.db");
    let away = world.folder.path().join("away.db");
    std::fs::rename(&file, &away).expect("moved");
    assert_eq!(issue("gone").await, 500);
    std::fs::write(&file, "another file").expect("written");
    assert_eq!(issue("replaced").await, 500);
    assert_eq!(
        service.listed().await.len(),
        1,
        "what was refused is not there"
    );
    std::fs::rename(&away, &file).expect("moved back");
    for name in ["gone", "replaced"] {
        assert_eq!(issue(name).await, 201);
    }
    service.stop().await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_outlived() {
    if !only_on_sqlite("it limits the size of the files of the service") {
        return;
    }
    let world = World::new().await;
    let more = "usage: {mode: never, touch: never}";
    let mut process = Process::new(world.folder.path(), &world.url, more);
    process.start().await;
    let pid = i32::try_from(process.pid()).expect("a process");
    // For the system, a file over the limit of a process is what a full disk is to it.
    let limit_files = |current| {
        let limit = Rlimit {
            current,
            maximum: None,
        };
        prlimit(Pid::from_raw(pid), Resource::Fsize, limit).expect("limited");
    };
    let says = async |status, database: &str| {
        eventually(database, async || {
            let (told, body) = asked(&process.client, &process.internal).await;
            let text = body["database"].as_str().unwrap_or_default();
            (told == status && text.contains(database)).then_some(())
        })
        .await;
    };
    let link = json!({"mxc": "mxc://example.org/a", "room_id": world.room_id});
    says(200, "ok").await;
    limit_files(Some(1));
    says(503, "could not commit").await;
    let refused = process.call(Method::POST, "/v1/links", &link).await;
    assert_eq!(refused.expect("an answer").0, 500);
    limit_files(None);
    says(200, "ok").await;
    process.issue(link).await;
    assert!(process.terminate().await.success());
}

#[tokio::test]
async fn many_that_ask_cost_one_write_and_an_idle_service_none() {
    let world = World::new().await;
    let service = world.service("").await;
    says(&service, 200, "ok").await;
    let commits = || service.database().writer().commits();
    eventually("the end of what a start brings about", async || {
        let before = commits();
        tokio::time::sleep(Duration::from_secs(1)).await;
        (commits() == before).then_some(())
    })
    .await;
    // The last answer may hold no more, or for almost a second.
    let before = commits();
    let answers = join_all((0..50).map(|_| ready(&service))).await;
    assert!(answers.iter().all(|(status, _)| *status == 200));
    let written = commits() - before;
    assert!(written <= 2, "{written}");
    let before = commits();
    for _ in 0..5 {
        // Whatever is done each minute is done.
        service.clock.advance(60_000);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(commits(), before);
    service.stop().await;
}
