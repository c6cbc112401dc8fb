//! Tables of other versions are told plainly, and their rows are left alone.

use super::scene::Scene;

/// What is found of the tables, which is all that is found.
fn told(scene: &Scene) -> String {
    let said = scene.check();
    assert_eq!(said.code, 1, "{}", said.json);
    let found: Vec<String> = said.found().into_keys().collect();
    assert_eq!(found, ["schema"], "{}", said.json);
    said.json["findings"][0]["found"]
        .as_str()
        .expect("a text")
        .to_owned()
}

#[tokio::test]
async fn newer_older_altered_and_unfinished_tables_are_told_apart() {
    let scene = Scene::stopped().await;
    scene
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'of a later version', TRUE, CAST('x' AS BYTES), 1)",
        )
        .await;
    let newer = told(&scene);
    assert!(
        newer.contains("of a newer version (found migration 9999"),
        "{newer}"
    );
    scene
        .execute("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 9999")
        .await;
    let unfinished = told(&scene);
    assert!(
        unfinished.contains("migration 9999 has begun"),
        "{unfinished}"
    );
    scene
        .execute("DELETE FROM _sqlx_migrations WHERE version = 9999")
        .await;
    scene.is_sound();

    scene
        .execute(
            "CREATE TABLE kept AS SELECT * FROM _sqlx_migrations; \
             DELETE FROM _sqlx_migrations WHERE version >= 26",
        )
        .await;
    let older = told(&scene);
    assert!(older.contains("of an older version (found 25,"), "{older}");
    scene
        .execute(
            "DELETE FROM _sqlx_migrations; INSERT INTO _sqlx_migrations SELECT * FROM kept; DROP TABLE kept",
        )
        .await;
    scene.is_sound();

    scene
        .execute("UPDATE _sqlx_migrations SET checksum = CAST('x' AS BYTES) WHERE version = 24")
        .await;
    let altered = told(&scene);
    assert!(
        altered.contains("migration 24 was applied with other statements"),
        "{altered}"
    );
}

#[tokio::test]
async fn a_move_that_has_not_ended_and_a_database_without_tables_are_told() {
    let scene = Scene::stopped().await;
    scene
        .execute("CREATE TABLE migration_progress (id BIGINT)")
        .await;
    let moving = told(&scene);
    assert!(moving.contains("target of a move"), "{moving}");
    scene
        .execute("DROP TABLE migration_progress; DROP TABLE _sqlx_migrations")
        .await;
    let empty = told(&scene);
    assert!(empty.contains("has no tables yet"), "{empty}");
}

#[tokio::test]
async fn tables_that_were_altered_by_hand_are_told() {
    let scene = Scene::stopped().await;
    scene
        .execute("DROP TABLE tombstones; ALTER TABLE links RENAME COLUMN expires_at TO ends_at")
        .await;
    let said = scene.check();
    assert_eq!(said.code, 1);
    let found: Vec<String> = said.found().into_keys().collect();
    assert_eq!(
        found,
        ["no_live_twins", "tombstones_are_whole"],
        "{}",
        said.json
    );
}
