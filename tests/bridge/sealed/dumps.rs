//! Whoever has the database has no secret.

use support::{is_postgres, only_on_sqlite};

use super::scene::Scene;

#[tokio::test]
async fn a_stolen_database_holds_no_secret() {
    let mut scene = Scene::new(true).await;
    scene.set("key_file", Some("database"));
    scene.process.start().await;
    scene.issue().await;
    let keys = scene.world.folder.path().join("exported.yaml");
    let keys = keys.to_str().expect("a path");
    assert!(
        scene
            .process
            .run(&["keys", "export", keys])
            .status
            .success()
    );
    let exported = std::fs::read_to_string(keys).expect("reads");
    let secret = exported.split("secret: \"").nth(1).expect("a secret");
    let secret = secret.split('"').next().expect("a secret");
    scene.secrets.push(("link key", secret.into()));
    let root_secret = std::fs::read_to_string(scene.world.folder.path().join("root-secret"));
    let root_secret = root_secret.expect("reads");
    scene
        .secrets
        .push(("root secret", root_secret.trim().into()));

    assert_eq!(scene.found(), (vec![], true), "while it runs");
    scene.are_followed().await;
    scene.restart().await;
    scene.are_followed().await;
    assert_eq!(scene.found(), (vec![], true), "after a restart");

    // What waits for the homeserver, and what it does not have.
    scene.miss().await;
    let noted = "SELECT COUNT(*) FROM missing_media WHERE substr(content_token, 1, 1) = '='";
    assert_eq!(scene.number(noted).await, 1);
    let _gone = scene.issue_while_the_homeserver_is_away().await;
    assert_eq!(scene.found(), (vec![], true), "with work to do");
    assert!(scene.process.terminate().await.success());
    assert_eq!(scene.found(), (vec![], true), "when it is stopped");
}

#[tokio::test]
async fn without_a_root_secret_a_file_holds_them_open() {
    if !only_on_sqlite("secrets on PostgreSQL are always sealed") {
        return;
    }
    let mut scene = Scene::new(false).await;
    scene.process.start().await;
    scene.issue().await;
    let (found, has_control) = scene.found();
    assert!(has_control && !is_postgres());
    for name in [
        "content token",
        "content token of a file",
        "file key",
        "content token of an event",
    ] {
        assert!(found.contains(&name), "{name}: {found:?}");
    }
}
