//! What commands print: data as JSON, tables on a terminal, and what would end.

use std::process::{Command, Output};

use serde_json::{Value, json};
use support::{Process, World, binary, url};

struct Scene {
    _world: World,
    process: Process,
    links: Vec<Value>,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let mut process = Process::new(world.folder.path(), &world.url, "");
        process.start().await;
        let (mxc, token) = world.upload("bytes", "text/plain").await;
        let mut links = Vec::new();
        for number in 0..3 {
            let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id,
                "event_id": format!("$e{number}")});
            links.push(process.issue(body).await);
        }
        process.drained().await;
        Self {
            _world: world,
            process,
            links,
        }
    }

    fn id(&self, number: usize) -> &str {
        self.links[number]["link_id"].as_str().expect("an ID")
    }

    fn room(&self) -> &str {
        self.links[0]["room_id"].as_str().expect("an ID")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.process.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}");
        output
    }

    fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).stdout).expect("UTF-8")
    }

    /// The objects that a command prints, one a line.
    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.text(arguments);
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().expect(&text)
    }

    async fn status(&self, number: usize) -> u16 {
        let response = self.process.client.get(url(&self.links[number])).send();
        response.await.expect("an answer").status().as_u16()
    }
}

#[tokio::test]
async fn a_dry_run_ends_nothing() {
    let mut scene = Scene::new().await;
    let (first, second) = (scene.id(0).to_owned(), scene.id(1).to_owned());
    let told = scene.text(&["links", "revoke", "--dry-run", &first, &second]);
    assert_eq!(
        told,
        format!("{first}: live, would be revoked\n{second}: live, would be revoked\n")
    );
    let room = scene.room().to_owned();
    let matching = ["links", "revoke", "--dry-run", "--room", &room];
    assert_eq!(scene.text(&matching), "3 links would be revoked\n");
    let told = scene.text(&["keys", "revoke", "1", "--dry-run"]);
    assert!(told.contains("with it 3 live links"), "{told}");
    assert!(told.contains("a new key would sign"), "{told}");
    assert!(
        !scene
            .process
            .run(&["keys", "revoke", "9", "--dry-run"])
            .status
            .success()
    );
    let told = scene.text(&["takedown", "--dry-run", &first]);
    assert!(told.starts_with("media mxc://"), "{told}");
    assert!(told.ends_with(" links would be revoked\n"), "{told}");
    scene.text(&["keys", "rotate"]);
    let retired = ["keys", "retire", "1", "--dry-run"];
    assert!(!scene.process.run(&retired).status.success());
    let told = scene.text(&[&retired[..], &["--force"]].concat());
    assert!(
        told.ends_with("key 1 would be retired, and with it 3 live links\n"),
        "{told}"
    );
    assert!(!scene.text(&["deny", "list"]).contains("mxc://"));
    for number in 0..3 {
        assert_eq!(scene.status(number).await, 200);
    }
    assert_eq!(scene.lines(&["keys", "list", "--json"]).len(), 2);

    // Without it they end, several at once.
    let revoked = scene.lines(&["links", "revoke", "--json", &first, &second]);
    let expected = [&first, &second].map(|id| json!({"link_id": id, "state": "revoked"}));
    assert_eq!(revoked, expected);
    let of_two = scene.lines(&[
        "links",
        "revoke",
        "--json",
        "--dry-run",
        &first,
        scene.id(2),
    ]);
    let would_end: Vec<&Value> = of_two
        .iter()
        .map(|line| &line["would_be_revoked"])
        .collect();
    assert_eq!(would_end, [&json!(false), &json!(true)]);
    let matching = [&matching[..], &["--json"]].concat();
    assert_eq!(scene.lines(&matching), [json!({"live": 1})]);
    scene.process.terminate().await;
}

#[tokio::test]
async fn data_is_printed_as_json() {
    let mut scene = Scene::new().await;
    let keys = scene.lines(&["keys", "list", "--json"]);
    assert_eq!(
        (&keys[0]["id"], &keys[0]["live_links"]),
        (&json!(1), &json!(3))
    );
    assert!(keys[0].get("secret").is_none(), "{keys:?}");
    for arguments in [&["links", "list"][..], &["links", "list", "--json"]] {
        assert_eq!(scene.lines(arguments).len(), 3);
    }
    assert!(scene.lines(&["reports", "list", "--json"]).is_empty());
    let usage = scene.lines(&["usage", "list", "--json"]);
    assert_eq!(usage[0]["usages"]["counted"], 1, "{usage:?}");
    assert_eq!(usage[0]["meta_events"][0]["state"], "sent", "{usage:?}");
    let compared = scene.lines(&["usage", "reconcile", "--json"]);
    assert_eq!(
        (&compared[0]["rooms"], &compared[0]["events"]),
        (&json!(1), &json!(1))
    );
    let registration = scene.lines(&["registration", "--json"]);
    assert_eq!(registration[0]["sender_localpart"], "medialink");
    let room = scene.room().to_owned();
    let mxc = scene.links[0]["mxc"].as_str().expect("an mxc URI");
    let signed = scene.lines(&[
        "sign", "--mxc", mxc, "--room", &room, "--event", "$e0", "--json",
    ]);
    assert_eq!(signed[0]["link_id"], scene.links[0]["link_id"]);
    let purged = scene.lines(&["purge", "--room", &room, "--dry-run", "--json"]);
    assert_eq!(purged, [json!({"links": 3, "live": 3})]);
    scene.process.terminate().await;
}

#[tokio::test]
async fn on_a_terminal_lists_are_tables() {
    let mut scene = Scene::new().await;
    let config = scene.process.folder.join("bridge.yaml");
    let on_terminal = |arguments: &str, no_colour: &str| {
        let command = format!(
            "stty cols 70; '{}' --config '{}' {arguments}",
            binary().display(),
            config.display()
        );
        // A terminal of its own, by a program that every Debian has.
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]);
        script.env("NO_COLOR", no_colour).env("TERM", "xterm");
        let output = script.output().expect("script runs (Debian: bsdutils)");
        String::from_utf8_lossy(&output.stdout).replace('\r', "")
    };
    for list in ["links list", "keys list", "usage list"] {
        let told = on_terminal(list, "1");
        let widest = told.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest <= 70), "{told}");
        assert!(told.contains("state"), "{told}");
        assert!(!told.contains('\u{1b}'), "{told}");
        assert!(on_terminal(list, "").contains('\u{1b}'), "{list}");
    }
    let told = on_terminal("links list", "1");
    assert_eq!(told.lines().count(), 4, "{told}");
    assert!(told.contains(scene.id(0)), "{told}");
    let told = on_terminal("links list --json", "");
    assert!(told.lines().all(|line| line.starts_with('{')), "{told}");
    scene.process.terminate().await;
}
