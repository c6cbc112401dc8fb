//! A SQLite file that has held its secrets open is sealed when a root secret is configured.

use reqwest::Method;
use serde_json::json;
use support::only_on_sqlite;

use super::scene::Scene;

#[tokio::test]
async fn an_open_file_is_sealed_at_the_next_start() {
    if !only_on_sqlite("secrets on PostgreSQL are always sealed") {
        return;
    }
    let mut scene = Scene::new(false).await;
    scene.process.start().await;
    scene.issue().await;
    let (mxc, token) = scene.world.upload("again", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": scene.world.room_id});
    let first = scene.process.issue(body.clone()).await;
    scene.links.push(first.clone());
    scene.process.drained().await;
    assert!(scene.process.terminate().await.success());
    assert!(scene.found().0.contains(&"content token"));

    // Commands do not seal.
    scene.set("root_secret_file", Some("root-secret"));
    let output = scene.process.run(&["links", "list"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("`medialink serve` seals them"), "{told}");
    assert!(scene.process.run(&["check"]).status.success());
    assert!(scene.found().0.contains(&"content token"));

    scene.process.start().await;
    assert_eq!(scene.found(), (vec![], true));
    scene.are_followed().await;
    // The same media is the same usage as before.
    let (status, again) = scene
        .process
        .call(Method::POST, "/v1/links", &body)
        .await
        .expect("an answer");
    assert_eq!((status.as_u16(), &again["url"]), (200, &first["url"]));
    let mut other = body.clone();
    other["event_id"] = json!("$other");
    scene.process.issue(other).await;
    let usages = format!("SELECT COUNT(*) FROM media_references WHERE mxc = '{mxc}'");
    assert_eq!(scene.number(&usages).await, 1);
    assert_eq!(scene.world.references(&mxc).await, 1);
    assert!(scene.process.terminate().await.success());

    scene.set("root_secret_file", None);
    let log = scene.refused_start().await;
    assert!(log.contains("root_secret_file is needed"), "{log}");
}

#[tokio::test]
async fn sealing_that_was_killed_goes_on() {
    let mut scene = Scene::new(true).await;
    scene.process.start().await;
    scene.issue().await;
    assert!(scene.process.terminate().await.success());
    // As a kill leaves it: the data key is there, some rows are sealed, and some are not.
    scene
        .execute(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2500) \
             INSERT INTO media_references (bridge, room, mxc, content_token, state) \
             SELECT 'irc', (SELECT MIN(id) FROM matrix_ids), 'mxc://example.org/' || n, 'open-token-' || n, 'counted' FROM n",
        )
        .await;
    scene.execute("UPDATE data_keys SET is_all = 0").await;
    scene
        .secrets
        .push(("late token", b"open-token-2500".to_vec()));
    assert_eq!(scene.found().0, ["late token"]);
    let output = scene.process.run(&["links", "list"]);
    assert!(!output.status.success(), "no command opens it meanwhile");
    scene.process.start().await;
    assert_eq!(scene.found(), (vec![], true));
    scene.are_followed().await;
    assert!(
        scene.process.log().contains("\"secrets\":2500")
            || scene.process.log().contains("secrets=2500")
    );
}
