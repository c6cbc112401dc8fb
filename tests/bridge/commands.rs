//! Commands, as operators type them: with what they paste, in the environment that they have.

use std::process::Output;

use serde_json::{Value, json};
use support::{Process, World, url};

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

struct Scene {
    world: World,
    process: Process,
    links: Vec<Value>,
}

impl Scene {
    /// With this many links.
    async fn with_links(count: usize) -> Self {
        let world = World::new().await;
        let mut process = Process::new(world.folder.path(), &world.url, "usage: {mode: never}");
        process.start().await;
        let (mxc, token) = world.upload("bytes", "text/plain").await;
        let mut links = Vec::new();
        for number in 0..count {
            let form = ["short", "self_contained"][number % 2];
            let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id,
                "event_id": format!("$e{number}"), "form": form, "filename": "a cat.png"});
            links.push(process.issue(body).await);
        }
        Self {
            world,
            process,
            links,
        }
    }

    fn id(&self, number: usize) -> &str {
        self.links[number]["link_id"].as_str().expect("an ID")
    }

    /// A link as it may be pasted: each time another way.
    fn pasted(&self, number: usize) -> String {
        let media = url(&self.links[number]).to_owned();
        let bare = media.trim_end_matches("/a%20cat.png").to_owned();
        match number {
            0 => media,
            1 => format!(" <{}> ", media.replace("/m/", "/v/")),
            2 => format!("{}?width=64&height=64#x", bare.replace("/m/", "/t/")),
            3 => self.id(number).to_owned(),
            4 => format!("<{}>,", self.id(number)),
            5 => bare.trim_start_matches("http://").to_owned(),
            _ => bare.rsplit('/').next().expect("a token").to_owned(),
        }
    }

    async fn state(&self, number: usize) -> u16 {
        let response = self.process.client.get(url(&self.links[number])).send();
        response.await.expect("an answer").status().as_u16()
    }
}

#[tokio::test]
async fn links_are_shown_inspected_and_revoked_however_they_are_pasted() {
    let scene = Scene::with_links(8).await;
    for number in 0..7 {
        let pasted = scene.pasted(number);
        let inspected = scene.process.run(&["inspect", &pasted]);
        assert!(inspected.status.success(), "{pasted}: {}", told(&inspected));
        let shown = scene.process.run(&["links", "show", &pasted]);
        for output in [inspected, shown] {
            let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert_eq!(found["link_id"], scene.id(number), "{pasted}");
        }
    }
    // Several at once, one from standard input, and one that is none: the others end all the same.
    let pasted: Vec<String> = (0..6).map(|number| scene.pasted(number)).collect();
    let mut arguments = vec!["links", "revoke", "--bridge", "irc", "not-a-link", "-"];
    arguments.extend(pasted.iter().map(String::as_str));
    let output = scene
        .process
        .run_with_input(&arguments, &format!("{}\n", scene.pasted(6)));
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let text = told(&output);
    assert!(
        text.contains("link 1: not a link of this service"),
        "{text}"
    );
    for number in 0..7 {
        assert!(
            text.contains(&format!("{}: revoked", scene.id(number))),
            "{text}"
        );
        assert_eq!(scene.state(number).await, 410, "{number}");
    }
    assert_eq!(scene.state(7).await, 200);
    assert!(!text.contains(url(&scene.links[0]).rsplit('/').nth(1).expect("a token")));
}

#[tokio::test]
async fn a_link_that_is_not_there_is_told_from_no_link() {
    let scene = Scene::with_links(1).await;
    for command in [&["inspect"][..], &["links", "show"], &["links", "revoke"]] {
        // Such IDs are like options: for help, for the version.
        for id in ["-hAECAwQ", "-VECAwQF", "--AECAwQ", "AAECAwQF"] {
            let output = scene.process.run(&[command, &[id]].concat());
            let text = told(&output);
            assert_eq!(output.status.code(), Some(1), "{text}");
            assert!(text.contains(&format!("the ID {id}")), "{text}");
        }
        let output = scene
            .process
            .run(&[command, &["https://media.example.org/m/abc"]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(told(&output).contains("not a link of this service"));
    }
    let output = scene
        .process
        .run(&["links", "revoke", "--bridge", "xmpp", scene.id(0)]);
    assert_eq!(output.status.code(), Some(1));
    let output = scene
        .process
        .run(&["links", "revoke", "--mxc", "mxc://x/y", scene.id(0)]);
    assert!(told(&output).contains("allowed is one of both"));
    assert_eq!(scene.state(0).await, 200);
    assert_eq!(scene.world.requests("rooms.send").await, 0);
}

#[tokio::test]
async fn a_pod_of_kubernetes_starts_and_misspelt_variables_stop_it() {
    let world = World::new().await;
    let process = Process::new(world.folder.path(), &world.url, "");
    let of_kubernetes = [
        ("MEDIALINK_PORT", "tcp://10.43.0.7:8480"),
        ("MEDIALINK_SERVICE_HOST", "10.43.0.7"),
        ("MEDIALINK_PORT_8480_TCP_ADDR", "10.43.0.7"),
    ];
    let output = process.run_with_environment(&["check"], &of_kubernetes);
    let text = told(&output);
    assert!(output.status.success(), "{text}");
    let lines = text.lines().filter(|line| line.contains("Kubernetes"));
    assert_eq!(lines.count(), 1, "{text}");
    assert!(text.contains("MEDIALINK_PORT, MEDIALINK_PORT_8480_TCP_ADDR, MEDIALINK_SERVICE_HOST"));
    let misspelt = [("MEDIALINK_PUBLIC_ULR", "https://x")];
    let output = process.run_with_environment(&["check"], &misspelt);
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("public_ulr: is an unknown field"));
}

#[tokio::test]
async fn the_registration_asks_for_devices() {
    let world = World::new().await;
    let process = Process::new(world.folder.path(), &world.url, "");
    let output = process.run(&["registration"]);
    assert!(output.status.success());
    let text = told(&output);
    assert!(
        text.lines().any(|line| line == "io.element.msc4190: true"),
        "{text}"
    );
}
