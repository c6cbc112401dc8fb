//! Secrets open with the root secret, row by row.

use serde_json::json;
use support::{is_postgres, only_on_sqlite, root_secret_file};

use super::scene::Scene;

const OTHER: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A service whose secrets are sealed, that has run.
async fn sealed() -> Scene {
    let mut scene = Scene::stopped().await;
    if !is_postgres() {
        root_secret_file(scene.world.folder.path());
        scene.set("root_secret_file", "root-secret");
        let said = scene.check();
        assert_eq!(said.code, 1);
        let found = said.json["findings"][0]["found"].as_str().expect("a text");
        assert!(
            found.contains("not all of its secrets are sealed"),
            "{found}"
        );
        scene.process.start().await;
        assert!(scene.process.terminate().await.success());
    }
    scene
}

#[tokio::test]
async fn another_root_secret_is_told_and_nothing_of_it() {
    let scene = sealed().await;
    scene.is_sound();
    assert_eq!(scene.check().json["is_sealed"], true);
    let path = scene.world.folder.path().join("root-secret");
    let right = std::fs::read_to_string(&path).expect("reads");
    std::fs::write(&path, OTHER).expect("written");
    let said = scene.check();
    assert_eq!(said.code, 2);
    let error = said.json["error"].as_str().expect("an error");
    assert!(
        error.contains("another root secret") && !error.contains(OTHER),
        "{error}"
    );
    std::fs::write(&path, format!("{OTHER}\n{right}")).expect("written");
    scene.is_sound();
}

#[tokio::test]
async fn values_that_do_not_open_are_counted() {
    let mut scene = sealed().await;
    scene
        .execute("UPDATE media_references SET content_token = 'a-token-that-is-open' WHERE id = 1")
        .await;
    let said = scene.check();
    assert_eq!(said.code, 1, "{}", said.json);
    let found = said.found();
    assert_eq!(found["secrets"], (1, Some("1".to_owned())), "{}", said.json);
    assert!(!said.json.to_string().contains("a-token-that-is-open"));
    assert_eq!(found.len(), 1, "{}", said.json);

    // A value in the place of another one.
    scene
        .execute("UPDATE links SET file = CAST('0123456789012345' AS BYTES) WHERE file IS NOT NULL")
        .await;
    let said = scene.check();
    let findings = said.json["findings"].as_array().expect("findings").iter();
    let found: Vec<bool> = findings
        .map(|one| {
            one["found"]
                .as_str()
                .expect("a text")
                .contains("links.file")
        })
        .collect();
    assert_eq!(found, [false, true], "{}", said.json);
    scene.process.start().await;
    scene.issue(json!({"event_id": "$later"})).await;
    assert_eq!(scene.check().code, 1, "beside a service too");
}

#[tokio::test]
async fn a_root_secret_that_is_missing_is_told() {
    if !only_on_sqlite("a configuration for a server has one") {
        return;
    }
    let scene = sealed().await;
    let path = scene.process.folder.join("bridge.yaml");
    let text = std::fs::read_to_string(&path).expect("reads");
    std::fs::write(&path, text.replace("root_secret_file: root-secret\n", "")).expect("written");
    let said = scene.check();
    assert_eq!(said.code, 2);
    assert!(
        said.errors.contains("root_secret_file is needed"),
        "{}",
        said.errors
    );
}
