//! Copies of the database that are made while the service runs.

use std::{os::unix::fs::PermissionsExt, path::Path};

use serde_json::json;
use support::{API_TOKEN, Process, World, only_on_postgres, only_on_sqlite, url};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_made_while_links_are_issued_opens_all_that_came_before() {
    if !only_on_sqlite("a server has tools of its own for backups") {
        return;
    }
    let world = World::new().await;
    let folder = world.folder.path();
    let mut process = Process::new(folder, &world.url, "usage: {mode: never}");
    process.start().await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let body = |n: usize| json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "event_id": format!("$e{n}")});
    let mut before = Vec::new();
    for n in 0..20 {
        before.push(process.issue(body(n)).await);
    }
    let copy = folder.join("copies/copy.db");
    std::fs::create_dir(folder.join("copies")).expect("made");
    let named = copy.display().to_string();
    let (client, internal) = (process.client.clone(), process.internal.clone());
    let bodies: Vec<_> = (20..220).map(body).collect();
    let issuing = tokio::spawn(async move {
        for body in bodies {
            let request = client
                .post(format!("{internal}/v1/links"))
                .bearer_auth(API_TOKEN);
            let issued = request.json(&body).send().await.expect("an answer");
            assert_eq!(issued.status(), 201);
        }
    });
    let command = ["backup", &*named];
    let copied = process.run(&command);
    issuing.await.expect("issued");
    let told = String::from_utf8_lossy(&copied.stdout).into_owned();
    assert!(
        copied.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&copied.stderr)
    );
    assert!(told.contains("the key file is not part of it"), "{told}");
    let made = std::fs::metadata(&copy).expect("there");
    assert_eq!(made.permissions().mode() & 0o777, 0o600);
    assert_eq!(files(&folder.join("copies")), ["copy.db"]);
    let again = process.run(&command);
    assert_eq!(again.status.code(), Some(1), "nothing is overwritten");
    assert!(String::from_utf8_lossy(&again.stderr).contains("File exists"));
    process.terminate().await;
    restore(&copy, &folder.join("data"));
    process.start().await;
    for link in &before {
        let followed = process
            .client
            .get(url(link))
            .send()
            .await
            .expect("an answer");
        assert_eq!(followed.status(), 200);
    }
    process.terminate().await;
}

#[tokio::test]
async fn a_copy_that_fails_leaves_nothing() {
    if !only_on_sqlite("a server has tools of its own for backups") {
        return;
    }
    let world = World::new().await;
    let folder = world.folder.path();
    let process = Process::new(folder, &world.url, "");
    let copy = folder.join("copy.db");
    let failed = process.run(&["backup", &copy.display().to_string()]);
    let told = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert_eq!(failed.status.code(), Some(1), "{told}");
    assert!(told.contains("medialink serve"), "{told}");
    assert!(!copy.exists());
    let nowhere = folder.join("no/such/folder/copy.db");
    let failed = process.run(&["backup", &nowhere.display().to_string()]);
    assert_eq!(failed.status.code(), Some(1));
}

#[tokio::test]
async fn a_database_on_a_server_is_backed_up_by_the_server() {
    if !only_on_postgres("it is about a server") {
        return;
    }
    let world = World::new().await;
    let process = Process::new(world.folder.path(), &world.url, "");
    let copy = world.folder.path().join("copy.db");
    let refused = process.run(&["backup", &copy.display().to_string()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("pg_dump"));
    assert!(!copy.exists());
}

/// Puts a copy in the place of the database, as the documentation says.
fn restore(copy: &Path, data: &Path) {
    for name in ["medialink.db", "medialink.db-wal", "medialink.db-shm"] {
        drop(std::fs::remove_file(data.join(name)));
    }
    std::fs::copy(copy, data.join("medialink.db")).expect("restored");
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}
