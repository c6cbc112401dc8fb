//! A key file that is lost from sight, or comes back as another one, kills no links.

use std::{os::unix::fs::PermissionsExt, path::PathBuf};

use medialink::storage::{Database, Opener};
use serde_json::{Value, json};
use support::{Process, World, database_config, eventually, url};

struct Scene {
    world: World,
    process: Process,
    link: Value,
}

impl Scene {
    /// A service that runs and has issued a link.
    async fn new() -> Self {
        let world = World::new().await;
        let more = "usage: {batch_window: 20ms}";
        let mut process = Process::new(world.folder.path(), &world.url, more);
        process.start().await;
        let (mxc, token) = world.upload("hello", "text/plain").await;
        let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
        let link = process.issue(body).await;
        Self {
            world,
            process,
            link,
        }
    }

    fn key_file(&self) -> PathBuf {
        self.world.folder.path().join("data/link-keys.yaml")
    }

    fn away(&self) -> PathBuf {
        self.world.folder.path().join("away.yaml")
    }

    fn hide(&self) {
        std::fs::rename(self.key_file(), self.away()).expect("moved");
    }

    fn put_back(&self) {
        std::fs::rename(self.away(), self.key_file()).expect("moved back");
    }

    /// Runs a command that is refused; what it says.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.process.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Starts a service that does not come up; what it says.
    async fn refused_start(&mut self) -> String {
        let before = self.process.log().len();
        self.process.spawn();
        let status = self.process.ended().await;
        assert_eq!(status.code(), Some(1), "{status}");
        self.process.log().split_off(before)
    }

    fn says(&self, arguments: &[&str]) -> String {
        let output = self.process.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    async fn follow(&self) -> u16 {
        let answer = self.process.client.get(url(&self.link)).send().await;
        answer.expect("an answer").status().as_u16()
    }

    async fn logs(&self, text: &str) {
        eventually(text, async || {
            self.process.log().contains(text).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn nothing_makes_a_key_file_where_links_were_signed() {
    let mut scene = Scene::new().await;
    let sign = [
        "sign",
        "--mxc",
        "mxc://example.org/a",
        "--room",
        "!r:example.org",
    ];
    assert!(scene.process.terminate().await.success());
    scene.hide();
    for arguments in [
        &["links", "list"][..],
        &["keys", "list"],
        &["keys", "rotate"],
        &["keys", "revoke", "1"],
        &["keys", "retire", "1", "--force"],
        &["check"],
        &sign,
    ] {
        let told = scene.refused(arguments);
        let expected = "not found; links were signed by its keys (1)";
        assert!(told.contains(expected), "{arguments:?}: {told}");
        assert!(!scene.key_file().exists(), "{arguments:?} made one");
    }
    let told = scene.refused_start().await;
    assert!(told.contains("links were signed by its keys (1)"), "{told}");
    assert!(told.contains("Is its folder mounted?"), "{told}");
    assert!(!scene.key_file().exists(), "it made one");
    scene.says(&["usage", "list"]);
    scene.says(&["links", "revoke", "--mxc", "mxc://example.org/other"]);
    scene.put_back();
    scene.process.start().await;
    assert_eq!(scene.follow().await, 200);
    scene.says(&sign);
}

#[tokio::test]
async fn commands_make_neither_keys_nor_a_database() {
    let world = World::new().await;
    let process = Process::new(world.folder.path(), &world.url, "");
    for arguments in [
        &["keys", "list"][..],
        &["links", "list"],
        &["usage", "list"],
        &["inspect", "abc"],
        &[
            "sign",
            "--mxc",
            "mxc://example.org/a",
            "--room",
            "!r:example.org",
        ],
    ] {
        let output = process.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("medialink serve"), "{arguments:?}: {told}");
    }
    let data = world.folder.path().join("data");
    assert!(!data.exists());
    assert!(process.run(&["check"]).status.success());
    // Nor keys for a database that has never seen any.
    let database = Database::open(&database_config(world.folder.path()), Opener::Service).await;
    drop(database.expect("made"));
    for arguments in [
        &["inspect", "abc"][..],
        &["keys", "rotate"],
        &["keys", "list"],
    ] {
        assert!(!process.run(arguments).status.success(), "{arguments:?}");
    }
    assert!(!data.join("link-keys.yaml").exists());
}

#[tokio::test]
async fn a_running_service_keeps_its_keys_while_the_file_is_away() {
    let scene = Scene::new().await;
    scene.hide();
    scene.logs("the changed key file cannot be used").await;
    assert_eq!(scene.follow().await, 200);
    let again = json!({"mxc": scene.link["mxc"], "room_id": scene.world.room_id, "event_id": "$e"});
    let link = scene.process.issue(again).await;
    assert!(!scene.key_file().exists());
    scene.put_back();
    scene.says(&["keys", "rotate"]);
    scene.logs("the link keys have changed").await;
    assert_eq!(scene.follow().await, 200);
    let answer = scene.process.client.head(url(&link)).send().await;
    assert_ne!(answer.expect("an answer").status(), 404);
    let reports = scene.process.log();
    let reports = reports
        .matches("the changed key file cannot be used")
        .count();
    assert_eq!(reports, 1, "it is said once");
}

#[tokio::test]
async fn an_id_never_stands_for_another_secret() {
    let mut scene = Scene::new().await;
    let other = World::new().await;
    let mut another = Process::new(other.folder.path(), &other.url, "");
    another.start().await;
    scene.hide();
    // Another key, of the same ID, while the service runs and while it does not.
    let foreign = other.folder.path().join("data/link-keys.yaml");
    std::fs::copy(foreign, scene.key_file()).expect("copied");
    scene.logs("key 1 is another one than before").await;
    assert_eq!(scene.follow().await, 200);
    let found = std::fs::read(scene.key_file()).expect("reads");
    for arguments in [
        &["links", "list"][..],
        &["keys", "rotate"],
        &["keys", "revoke", "1"],
        &["keys", "retire", "1", "--force"],
        &["check"],
    ] {
        let told = scene.refused(arguments);
        assert!(told.contains("key 1 is another one than before"), "{told}");
        let left = std::fs::read(scene.key_file()).expect("reads");
        assert!(left == found, "{arguments:?} changed it");
    }
    assert!(scene.process.terminate().await.success());
    let told = scene.refused_start().await;
    assert!(told.contains("key 1 is another one than before"), "{told}");
    scene.put_back();
    scene.process.start().await;
    assert_eq!(scene.follow().await, 200);
}

#[tokio::test]
async fn an_old_copy_of_the_key_file_brings_no_key_back_and_no_id_twice() {
    let mut scene = Scene::new().await;
    std::fs::copy(scene.key_file(), scene.away()).expect("copied");
    assert!(scene.process.terminate().await.success());
    let told = scene.says(&["keys", "rotate"]);
    assert!(told.contains("key 2 signs"), "{told}");
    scene.put_back();
    // No link was signed by key 2, and it is not in the file any more.
    let told = scene.says(&["keys", "rotate"]);
    assert!(told.contains("key 3 signs"), "{told}");
    std::fs::copy(scene.key_file(), scene.away()).expect("copied");
    scene.says(&["keys", "revoke", "1"]);
    scene.put_back();
    let told = scene.refused_start().await;
    assert!(told.contains("key 1 was revoked"), "{told}");
    assert!(scene.refused(&["check"]).contains("key 1 was revoked"));
    scene.says(&["keys", "revoke", "1"]);
    scene.says(&["check"]);
    std::fs::copy(scene.key_file(), scene.away()).expect("copied");
    scene.says(&["keys", "retire", "1"]);
    scene.process.start().await;
    scene.logs("a key is missing from the key file").await;
    scene.put_back();
    scene.logs("key 1 was retired").await;
    assert_eq!(scene.follow().await, 404);
}

#[tokio::test]
async fn a_key_that_is_lost_for_good_can_be_retired() {
    let mut scene = Scene::new().await;
    assert!(scene.process.terminate().await.success());
    let secret = "aWF6-32KGYaC3A_FEUCk1Bt0JA37zP0wrStgmdCaW-0";
    let anew = format!(
        "keys: [{{id: 7, secret: \"{secret}\", state: active, created: \"2026-01-01T00:00:00Z\"}}]"
    );
    std::fs::write(scene.key_file(), anew).expect("written");
    let owner_alone = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(scene.key_file(), owner_alone).expect("changed");
    scene.process.start().await;
    scene.logs("a key is missing from the key file").await;
    assert_eq!(scene.follow().await, 404);
    assert!(
        scene
            .refused(&["keys", "retire", "2"])
            .contains("there is no key 2")
    );
    let told = scene.refused(&["keys", "retire", "1"]);
    assert!(told.contains("1 live links were signed by key 1"), "{told}");
    let told = scene.says(&["keys", "retire", "1", "--force"]);
    assert!(
        told.contains("key 1 is retired, and with it 1 live links"),
        "{told}"
    );
    scene.process.drained().await;
    let media = scene
        .world
        .media(scene.link["mxc"].as_str().expect("a URI"))
        .await;
    assert_eq!(media["references"], 0, "{media}");
    assert!(scene.process.terminate().await.success());
    let before = scene.process.log().len();
    scene.process.start().await;
    assert!(!scene.process.log()[before..].contains("a key is missing"));
}
