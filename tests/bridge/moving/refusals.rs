//! What cannot be moved is refused, in words that say why and what to do.

use sqlx::{Connection, PgConnection};
use support::{Process, only_on_postgres};

use super::scene::{Scene, told};

/// Fails with these words, and has no secret among them.
#[track_caller]
fn refused(scene: &Scene, from: &str, to: &str, words: &str) {
    let output = scene.migrate(from, to);
    let text = told(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(words), "{words}: {text}");
    assert!(!text.contains("hunter2"), "{text}");
}

async fn execute(url: &str, statement: &'static str) {
    let mut server = PgConnection::connect(url).await.expect("connects");
    sqlx::query(statement)
        .execute(&mut server)
        .await
        .expect("done");
    server.close().await.expect("closes");
}

#[tokio::test]
async fn a_database_in_use_is_not_moved() {
    if !only_on_postgres("it moves between the two databases") {
        return;
    }
    let mut scene = Scene::new("").await;
    let (file, server) = (scene.sqlite(), scene.postgres());
    scene.process.start().await;
    refused(
        &scene,
        &file,
        &server,
        "cannot be locked: another service runs on it",
    );
    assert!(scene.process.terminate().await.success());

    // On a server, any of several services counts.
    scene.configure(&server);
    scene.process.start().await;
    let folder = scene.world.folder.path().join("replica");
    std::fs::create_dir_all(folder.join("data")).expect("a folder");
    let keys = scene.world.folder.path().join("data/link-keys.yaml");
    std::fs::copy(keys, folder.join("data/link-keys.yaml")).expect("copied");
    let mut replica = Process::new(&folder, &scene.world.url, "");
    let root_secret = scene.world.folder.path().join("root-secret");
    std::fs::copy(root_secret, folder.join("root-secret")).expect("copied");
    let path = folder.join("bridge.yaml");
    let text = std::fs::read_to_string(&path).expect("reads");
    let own = support::database_url(&folder);
    std::fs::write(&path, text.replace(&own, &server)).expect("written");
    replica.start().await;
    let other = scene.other_postgres();
    refused(
        &scene,
        &server,
        &other,
        "cannot be locked: a service or a command runs on it",
    );
    assert!(scene.process.terminate().await.success());
    refused(
        &scene,
        &server,
        &other,
        "cannot be locked: a service or a command runs on it",
    );
    refused(
        &scene,
        &file,
        &server,
        "cannot be locked: a service or a command runs on it",
    );
    assert!(replica.terminate().await.success());
    let output = scene.migrate(&server, &other);
    assert!(output.status.success(), "{}", told(&output));
}

#[tokio::test]
async fn no_service_starts_on_a_database_that_is_being_moved() {
    if !only_on_postgres("it moves between the two databases") {
        return;
    }
    let mut scene = Scene::with_file().await;
    // A move holds this lock.
    let mut session = PgConnection::connect(&scene.postgres())
        .await
        .expect("connects");
    let number = i64::from_be_bytes(*b"medialnk");
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(number)
        .execute(&mut session)
        .await
        .expect("locked");
    scene.configure(&scene.postgres());
    scene.process.spawn();
    assert_eq!(scene.process.ended().await.code(), Some(1));
    assert!(scene.process.log().contains("`medialink migrate` moves it"));
    session.close().await.expect("closes");
    scene.process.start().await;
    assert!(scene.process.terminate().await.success());
}

#[tokio::test]
async fn a_target_with_rows_and_a_source_of_another_version_are_refused() {
    if !only_on_postgres("it moves between the two databases") {
        return;
    }
    let scene = Scene::with_file().await;
    scene.add_links(3).await;
    let (file, server) = (scene.sqlite(), scene.postgres());
    let output = scene.migrate(&file, &server);
    assert!(output.status.success(), "{}", told(&output));
    refused(
        &scene,
        &file,
        &server,
        "has rows that are not from a move that goes on (in links, matrix_ids, media_references)",
    );
    refused(
        &scene,
        &server,
        &file,
        "has rows that are not from a move that goes on",
    );
    refused(&scene, &file, &file, "allowed are two databases");

    // A move from elsewhere that has not ended.
    let other = scene.other_postgres();
    execute(&other, "CREATE TABLE migration_progress (table_name TEXT PRIMARY KEY, source TEXT NOT NULL, rows_moved BIGINT NOT NULL)").await;
    execute(
        &other,
        "INSERT INTO migration_progress VALUES ('links', 'sqlite:/elsewhere.db', 7)",
    )
    .await;
    refused(
        &scene,
        &file,
        &other,
        "the target is that of a move from sqlite:/elsewhere.db",
    );
    refused(
        &scene,
        &other,
        "sqlite:new.db",
        "is the target of a move that has not ended",
    );

    let missing = scene.world.folder.path().join("missing.db");
    let missing = format!("sqlite:{}", missing.display());
    refused(&scene, &missing, &other, "missing.db cannot be opened");
    let mut connection = scene.connection().await;
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version > 16")
        .execute(&mut connection)
        .await
        .expect("done");
    connection.close().await.expect("closes");
    refused(&scene, &file, &other, "is of an older version (found 16");
    execute(&server, "INSERT INTO _sqlx_migrations SELECT 9999, description, installed_on, success, checksum, execution_time FROM _sqlx_migrations LIMIT 1").await;
    refused(&scene, &server, &other, "is of a newer version (found 9999");
}

#[tokio::test]
async fn a_password_is_in_a_file_or_in_the_configuration() {
    if !only_on_postgres("it moves between the two databases") {
        return;
    }
    let scene = Scene::with_file().await;
    let (file, server) = (scene.sqlite(), scene.postgres());
    let with_password = server.replace("postgres@", "postgres:hunter2@");
    assert_ne!(server, with_password);
    refused(&scene, &file, &with_password, "--to: holds a password");
    refused(&scene, &with_password, &file, "--from: holds a password");
    let nothing = scene.process.run(&["migrate"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(told(&nothing).contains("--from, --to or both are needed"));

    let password = scene.world.folder.path().join("password");
    std::fs::write(&password, "hunter2\n").expect("written");
    let password = password.to_str().expect("a path");
    let lone = scene
        .process
        .run(&["migrate", "--from", &file, "--to-password-file", password]);
    assert_eq!(lone.status.code(), Some(2), "{}", told(&lone));
    let to = [
        "migrate",
        "--from",
        &file,
        "--to",
        &server,
        "--to-password-file",
        password,
    ];
    let output = scene.process.run(&to);
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("are the same there"));
    assert!(!told(&output).contains("hunter2"));
}
