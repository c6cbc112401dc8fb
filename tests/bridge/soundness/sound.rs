//! A database on which a service has run is sound, also while it runs; looking through it changes nothing.

use medialink::storage::{StorageError, engine::query};
use serde_json::json;
use sqlx::AssertSqlSafe;
use support::{World, database_url, is_postgres, only_on_sqlite};

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_sound_while_a_service_is_busy_and_after_it() {
    let mut scene = Scene::new().await;
    scene.is_sound();
    scene.be_busy().await;
    let (asked, ()) = tokio::join!(
        async {
            for number in 0..40 {
                scene
                    .issue(json!({"event_id": format!("$busy{number}")}))
                    .await;
            }
            scene
                .process
                .issue(json!({"mxc": "mxc://example.org/last", "room_id": scene.world.room_id}))
                .await
        },
        async {
            for _ in 0..3 {
                tokio::task::block_in_place(|| scene.is_sound());
                tokio::task::yield_now().await;
            }
        }
    );
    assert_eq!(asked["state"], "live");
    scene.process.drained().await;
    scene.is_sound();
    assert!(scene.process.terminate().await.success());
    scene.is_sound();
}

#[tokio::test]
async fn nothing_is_changed() {
    if !only_on_sqlite("a server's files are no concern of ours") {
        return;
    }
    let scene = Scene::stopped().await;
    let file = scene.world.folder.path().join("data/medialink.db");
    let before = std::fs::read(&file).expect("reads");
    scene.is_sound();
    assert!(std::fs::read(&file).expect("reads") == before);

    // A backup has another journal.
    let copy = scene.world.folder.path().join("copy.db");
    let copied = scene.process.run(&["backup", copy.to_str().expect("text")]);
    assert!(copied.status.success());
    scene.set("database", "sqlite:copy.db");
    let before = std::fs::read(&copy).expect("reads");
    scene.is_sound();
    assert!(std::fs::read(&copy).expect("reads") == before);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_and_not_made() {
    let scene = Scene::stopped().await;
    if is_postgres() {
        let url = database_url(scene.world.folder.path());
        scene.set("database", &format!("{url}_that_is_not_there"));
    } else {
        scene.set("database", "sqlite:data/other.db");
    }
    let said = scene.check();
    assert_eq!(said.code, 2);
    let error = said.json["error"].as_str().expect("an error");
    assert!(
        said.errors.contains(error) && !error.is_empty(),
        "{}",
        said.errors
    );
    assert!(!scene.world.folder.path().join("data/other.db").exists());
}

#[tokio::test]
async fn a_file_that_is_none_of_sqlites_or_damaged_is_told() {
    if !only_on_sqlite("a server looks after its files") {
        return;
    }
    let scene = Scene::stopped().await;
    let file = scene.world.folder.path().join("data/medialink.db");
    let mut bytes = std::fs::read(&file).expect("reads");
    // The tables are named at the beginning.
    for byte in bytes.iter_mut().skip(5 * 4096) {
        *byte = 0xff;
    }
    std::fs::write(&file, &bytes).expect("written");
    let said = scene.check();
    assert_eq!(said.code, 1, "{}", said.json);
    assert!(said.found().contains_key("integrity"), "{}", said.json);

    std::fs::write(&file, "no database at all\n".repeat(1000)).expect("written");
    let said = scene.check();
    assert_eq!(said.code, 1, "{}", said.json);
    assert!(said.found().contains_key("integrity"), "{}", said.json);
}

#[tokio::test]
#[should_panic(expected = "the database is not sound")]
async fn a_test_whose_service_leaves_an_unsound_database_fails() {
    let world = World::new().await;
    let service = world.service("").await;
    let statement = "INSERT INTO tombstones (first, ended) VALUES (0, CAST('twelve bytes' AS ";
    let statement = if is_postgres() {
        format!("{statement}BYTEA))")
    } else {
        format!("{statement}BLOB))")
    };
    let written = service
        .database()
        .writer()
        .write::<_, StorageError, _>(move |c| {
            let statement = AssertSqlSafe(statement.clone());
            Box::pin(async move { query(statement).execute(c).await.map(drop) })
        });
    written.await.expect("written");
    service.stop().await;
}
