//! Erasure: a user's links, or a room's, go with all that is known of them. Commands block the thread of the test, so
//! the service has others.

use serde_json::{Value, json};
use support::{Process, SeaweedFs, Service, World, eventually, files, is_postgres, url};

const MALLORY: &str = "@mallory:example.org";
const ALICE: &str = "@alice:example.org";
const MORE: &str = "usage: {batch_window: 20ms}\nretention: never";

struct Scene {
    world: World,
    service: Service,
    /// For commands beside it.
    process: Process,
}

impl Scene {
    async fn new() -> Self {
        Self::with("").await
    }

    async fn with(more: &str) -> Self {
        let (world, more) = (World::new().await, format!("{MORE}\n{more}"));
        Self {
            service: world.service(&more).await,
            process: Process::new(world.folder.path(), &world.url, &more),
            world,
        }
    }

    async fn link(&self, room_id: &str, sender: &str, text: &str) -> Value {
        let (mxc, token) = self.world.upload(text, "text/plain").await;
        let body = json!({"mxc": mxc, "content_token": token, "room_id": room_id, "sender": sender,
            "filename": format!("{text}.txt")});
        let link = self.service.issue(body).await;
        self.service.wait_for_usage(&link, "counted").await;
        link
    }

    async fn status(&self, link: &Value) -> u16 {
        // A service that was started again listens elsewhere.
        let url = url(link);
        let path = url.find("/m/").map(|at| &url[at..]).expect("a path");
        self.service.get(path).await.status().as_u16()
    }

    /// Erases until nothing is left, a minute later for the service.
    async fn erases(&self, arguments: &[&str]) {
        let arguments = [&["purge", "--wait", "0"], arguments].concat();
        let (went, told) = self.says(&arguments);
        assert!(
            !went && told.contains("1 wait until the homeserver is told"),
            "{told}"
        );
        eventually("all to have gone", async || {
            self.service.clock.advance(61_000);
            self.says(&arguments).0.then_some(())
        })
        .await;
    }

    fn says(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.process.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.success(),
            format!("{}{}", text(&output.stdout), text(&output.stderr)),
        )
    }

    /// Whether any row of any table has this text.
    async fn knows(&self, text: &str) -> bool {
        let file = self.world.folder.path().join("copy.db");
        drop(std::fs::remove_file(&file));
        let (is_copied, told) = self.says(&["backup", file.to_str().expect("text")]);
        assert!(is_copied, "{told}");
        contains(&std::fs::read(file).expect("a copy"), text)
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

fn says(process: &Process, arguments: &[&str]) -> (bool, String) {
    let output = process.run(arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    (output.status.success(), told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_links_go_with_all_that_is_known_of_them() {
    let scene = Scene::new().await;
    let room_id = scene.world.room_id.clone();
    let mine = scene.link(&room_id, MALLORY, "secret-plans").await;
    let other = scene.link(&room_id, ALICE, "harmless").await;
    let (went, told) = scene.says(&["purge", "--user", MALLORY, "--dry-run"]);
    assert!(
        went && told.contains("1 links would go, 1 of them live"),
        "{told}"
    );
    assert_eq!(scene.status(&mine).await, 200);
    scene.erases(&["--user", MALLORY]).await;
    assert_eq!(scene.status(&mine).await, 410);
    assert_eq!(scene.status(&other).await, 200);
    if !is_postgres() {
        for (text, is_known) in [
            ("mallory", false),
            ("secret-plans", false),
            ("harmless", true),
        ] {
            assert_eq!(scene.knows(text).await, is_known, "{text}");
        }
    }
    // Once more: nothing is left. Later links are no matter of it.
    let (went, told) = scene.says(&["purge", "--user", MALLORY]);
    assert!(went && told.contains("0 of 0 links erased"), "{told}");
    let later = scene.link(&room_id, MALLORY, "later").await;
    assert_eq!(scene.status(&later).await, 200);
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rooms_links_go_and_those_of_one_user_in_it() {
    let scene = Scene::new().await;
    let (here, there) = (scene.world.room_id.clone(), scene.world.new_room().await);
    let mut links = Vec::new();
    for (room_id, sender, text) in [
        (&here, MALLORY, "one"),
        (&here, ALICE, "two"),
        (&there, MALLORY, "three"),
    ] {
        links.push(scene.link(room_id, sender, text).await);
    }
    scene.erases(&["--user", MALLORY, "--room", &here]).await;
    let statuses = async || {
        let mut statuses = Vec::new();
        for link in &links {
            statuses.push(scene.status(link).await);
        }
        statuses
    };
    assert_eq!(statuses().await, [410, 200, 200]);
    scene.erases(&["--room", &here]).await;
    assert_eq!(statuses().await, [410, 410, 200]);
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_homeserver_is_to_be_told_of_is_kept_until_it_is() {
    let mut scene = Scene::new().await;
    let link = scene
        .link(&scene.world.room_id, MALLORY, "secret-plans")
        .await;
    scene.service.stop().await;
    let (went, told) = says(&scene.process, &["purge", "--user", MALLORY, "--wait", "0"]);
    assert!(
        !went && told.contains("1 wait until the homeserver is told"),
        "{told}"
    );
    scene.service = scene.world.service(MORE).await;
    assert_eq!(scene.status(&link).await, 410);
    scene.erases(&["--user", MALLORY]).await;
    assert_eq!(scene.status(&link).await, 410);
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_nobody_is_refused() {
    let scene = Scene::new().await;
    for (arguments, found) in [
        (
            &["purge"][..],
            "at least one of --user and --room is needed",
        ),
        (&["purge", "--user", "mallory"], "found \"mallory\""),
        (&["purge", "--room", "#alias:example.org"], "found \"#alias"),
    ] {
        let (went, told) = scene.says(arguments);
        assert!(!went && told.contains(found), "{told}");
    }
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caches_keep_nothing_of_a_user() {
    let Some(store) = SeaweedFs::start().await else {
        return;
    };
    let s3 = store.settings();
    let scene = Scene::with(&format!("media: {{cache: {{dir: cached, s3: {s3}}}}}")).await;
    scene.service.follows_for_store().await;
    let mine = scene
        .link(&scene.world.room_id, MALLORY, "plans of mallory")
        .await;
    let other = scene
        .link(&scene.world.room_id, ALICE, "words of alice")
        .await;
    for link in [&mine, &other] {
        assert_eq!(scene.status(link).await, 200);
    }
    store.wait_for_objects(2).await;
    let folder = scene.world.folder.path().join("cached");
    let has = |text: &str| {
        let cached = files(&folder).0;
        let mut contents = cached
            .iter()
            .map(|file| std::fs::read(file).unwrap_or_default());
        contents.any(|content| contains(&content, text))
    };
    assert!(has("plans of mallory") && has("words of alice"));
    scene.erases(&["--user", MALLORY]).await;
    store.wait_for_objects(1).await;
    assert!(!has("plans of mallory") && has("words of alice"));
    assert_eq!(scene.status(&other).await, 200);
    for (link, references) in [(&mine, 0), (&other, 1)] {
        let mxc = link["mxc"].as_str().expect("a URI");
        assert_eq!(scene.world.references(mxc).await, references, "{mxc}");
    }
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_neither_a_user_nor_what_they_shared() {
    let world = World::new().await;
    let mut process = Process::new(world.folder.path(), &world.url, MORE);
    process.start_with_log_level("debug").await;
    let (mxc, token) = world.upload("secret-plans", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "sender": MALLORY,
        "filename": "secret-plans.txt"});
    let link = process.issue(body).await;
    let link_id = link["link_id"].as_str().expect("an ID");
    let followed = process.client.get(url(&link)).send().await;
    assert_eq!(followed.expect("an answer").status(), 200);
    process.drained().await;
    let (_, told) = says(&process, &["purge", "--wait", "0", "--user", MALLORY]);
    assert!(told.contains("1 wait"), "{told}");
    eventually("the end of the link", async || {
        let followed = process.client.get(url(&link)).send().await;
        (followed.expect("an answer").status() == 410).then_some(())
    })
    .await;
    process.drained().await;
    assert!(process.terminate().await.success());
    let log = process.log();
    assert!(log.contains(link_id) && !log.contains("mallory") && !log.contains("secret-plans"));
}
