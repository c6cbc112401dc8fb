//! Link keys in the database: one ring for all services on it.

use std::{os::unix::fs::MetadataExt, process::Output};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Process, eventually, is_postgres, only_on_postgres};

use super::scene::{Scene, follow_at};

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn says(process: &Process, arguments: &[&str]) -> String {
    let output = process.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", told(&output));
    told(&output)
}

#[track_caller]
fn refuses(process: &Process, arguments: &[&str]) -> String {
    let output = process.run(arguments);
    assert!(!output.status.success(), "{arguments:?}: {}", told(&output));
    told(&output)
}

/// A link that one of the services signs.
async fn issue(scene: &Scene, process: &Process, event: &str) -> Value {
    let (mxc, token) = scene
        .world
        .upload(format!("of {event}"), "text/plain")
        .await;
    process
        .issue(json!({"mxc": mxc, "content_token": token, "room_id": scene.world.room_id, "event_id": event}))
        .await
}

/// The key that signs at a service, as a link of it tells.
async fn signs(scene: &Scene, process: &Process, event: &str) -> String {
    let link = issue(scene, process, event).await;
    let told = says(process, &["inspect", link["url"].as_str().expect("a URL")]);
    let inspected: Value = serde_json::from_str(&told).expect("JSON");
    inspected["key_id"].to_string()
}

#[tokio::test]
async fn keys_in_the_database_are_changed_by_commands_and_noticed_by_every_service() {
    let mut scene = Scene::new(true).await;
    scene.set("key_file", Some("database"));
    scene.process.start().await;
    let mut replicas: Vec<Process> = Vec::new();
    if is_postgres() {
        replicas.push(scene.replica(1));
        replicas[0].start().await;
    }
    let all = || replicas.iter().chain([&scene.process]);
    let first = issue(&scene, &scene.process, "$first").await;
    for process in all() {
        assert_eq!(follow_at(process, &first).await, 200);
    }
    let elsewhere = replicas.first().unwrap_or(&scene.process);
    assert!(says(elsewhere, &["keys", "rotate"]).contains("key 2 signs from now on"));
    for (number, process) in all().enumerate() {
        eventually("the new key", async || {
            let event = format!("$of-{number}-{}", fresh());
            (signs(&scene, process, &event).await == "2").then_some(())
        })
        .await;
        assert_eq!(follow_at(process, &first).await, 200);
    }
    let second = issue(&scene, elsewhere, "$second").await;
    for process in all() {
        assert_eq!(follow_at(process, &second).await, 200);
    }
    says(elsewhere, &["keys", "revoke", "1"]);
    for process in all() {
        eventually("a revoked key", async || {
            (follow_at(process, &first).await == 410).then_some(())
        })
        .await;
        assert_eq!(follow_at(process, &second).await, 200);
    }
    says(elsewhere, &["keys", "retire", "1"]);
    let listed = says(&scene.process, &["keys", "list"]);
    assert!(
        listed.contains("  2  active") && !listed.contains("revoked"),
        "{listed}"
    );
}

/// A number that was not given before.
fn fresh() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[tokio::test]
async fn services_that_start_at_the_same_moment_have_the_same_first_key() {
    if !only_on_postgres("a SQLite file has one service") {
        return;
    }
    let scene = Scene::new(true).await;
    let mut replicas: Vec<Process> = (1..=4).map(|number| scene.replica(number)).collect();
    for replica in &mut replicas {
        replica.spawn();
    }
    join_all(replicas.iter().map(Process::healthy)).await;
    for (number, replica) in replicas.iter().enumerate() {
        let link = issue(&scene, replica, &format!("$of-{number}")).await;
        for other in &replicas {
            assert_eq!(follow_at(other, &link).await, 200);
        }
    }
    assert_eq!(scene.number("SELECT COUNT(*) FROM link_keys").await, 1);
}

#[tokio::test]
async fn keys_move_from_a_file_into_the_database_and_back() {
    let mut scene = Scene::new(true).await;
    scene.process.start().await;
    let link = issue(&scene, &scene.process, "$of-a-file").await;
    assert!(scene.process.terminate().await.success());
    let folder = scene.world.folder.path().to_owned();
    let file = folder.join("data/link-keys.yaml");
    let path = file.to_str().expect("a path").to_owned();
    let said = refuses(&scene.process, &["keys", "import", &path]);
    assert!(said.contains("key_file is the path"), "{said}");

    // Without keys nothing starts, and nothing makes any: links were signed.
    scene.set("key_file", Some("database"));
    let log = scene.refused_start().await;
    assert!(log.contains("medialink keys import"), "{log}");
    let said = refuses(&scene.process, &["check"]);
    assert!(said.contains("links were signed by keys (1)"), "{said}");
    // Keys that were made anew are not those that signed.
    let text = std::fs::read_to_string(&file).expect("reads");
    let secret = text.split('"').nth(1).expect("a secret");
    let other = folder.join("other.yaml");
    let anew = text.replace(&secret[..8], "AAAAAAAA");
    std::fs::copy(&file, &other).expect("copied");
    std::fs::write(&other, anew).expect("written");
    let said = refuses(
        &scene.process,
        &["keys", "import", other.to_str().expect("a path")],
    );
    assert!(said.contains("key 1 is another one than before"), "{said}");

    assert!(says(&scene.process, &["keys", "import", &path]).contains("not needed any more"));
    assert!(says(&scene.process, &["keys", "import", &path]).contains("already"));
    std::fs::remove_file(&file).expect("removed");
    scene.process.start().await;
    assert_eq!(follow_at(&scene.process, &link).await, 200);
    assert!(!file.exists());
    let log = scene.process.log();
    assert!(!log.contains(secret) && !says(&scene.process, &["keys", "list"]).contains(secret));

    let exported = says(&scene.process, &["keys", "export", &path]);
    assert!(!exported.contains(secret));
    assert_eq!(
        std::fs::metadata(&file).expect("there").mode() & 0o777,
        0o600
    );
    refuses(&scene.process, &["keys", "export", &path]);
    assert!(scene.process.terminate().await.success());
    scene.set("key_file", Some("data/link-keys.yaml"));
    scene.process.start().await;
    assert_eq!(follow_at(&scene.process, &link).await, 200);
}

#[tokio::test]
async fn keys_that_are_gone_from_the_database_stop_no_service_that_has_them() {
    let mut scene = Scene::new(true).await;
    scene.set("key_file", Some("database"));
    scene.process.start().await;
    let link = issue(&scene, &scene.process, "$first").await;
    let copy = scene.world.folder.path().join("copy.yaml");
    let copy = copy.to_str().expect("a path");
    says(&scene.process, &["keys", "export", copy]);
    scene
        .execute("DELETE FROM secrets WHERE name = 'link_keys'")
        .await;
    eventually("a report", async || {
        let log = scene.process.log();
        log.contains("the changed key file cannot be used")
            .then_some(())
    })
    .await;
    assert_eq!(follow_at(&scene.process, &link).await, 200);
    refuses(&scene.process, &["keys", "rotate"]);
    says(&scene.process, &["keys", "import", copy]);
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
    let told = scene.process.call(Method::GET, &path, &json!({})).await;
    assert_eq!(told.expect("an answer").0, 200);
    scene.restart().await;
    assert_eq!(follow_at(&scene.process, &link).await, 200);
}
