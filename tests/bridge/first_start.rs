//! `medialink init`, `health`, `completions` and `man`: what an operator types first.

use std::{
    collections::BTreeMap, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path,
    process::Output,
};

use serde_json::{Value, json};
use support::{AS_TOKEN, HS_TOKEN, Process, World, database_url, url};

const REGISTRATION: &str = "# made by the bridge\nid: irc-bridge\nurl: http://127.0.0.1:9999\nas_token: harness-as-token-0123456789\nhs_token: harness-hs-token-0123456789\nsender_localpart: medialink\nrate_limited: false\nde.sorunome.msc2409.push_ephemeral: true\nnamespaces:\n  users:\n    - {regex: '@irc_.*', exclusive: true}\n";

const JWK: &str = r#"{"kty":"oct","alg":"HS512","k":"c2VjcmV0LXNlY3JldA","key_ops":["sign","verify"],"ext":true}"#;

/// A folder without a configuration.
struct Empty {
    folder: tempfile::TempDir,
    process: Process,
}

impl Empty {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let process = Process::new(folder.path(), "http://127.0.0.1:1", "");
        for name in ["bridge.yaml", "root-secret"] {
            drop(std::fs::remove_file(folder.path().join(name)));
        }
        Self { folder, process }
    }

    fn init(&self, more: &[&str]) -> Output {
        let arguments = [&["init", "--server-name", "example.org"], more].concat();
        self.process.run(&arguments)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).expect(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    }

    /// All files below, with what stands in them.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        read_below(self.folder.path(), self.folder.path(), &mut files);
        files
    }

    fn is_ok(&self) {
        let checked = self.process.run(&["check"]);
        assert!(checked.status.success(), "{}", told(&checked));
    }
}

fn read_below(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_below(root, &path, files);
            continue;
        }
        let mode = path.metadata().expect("a file").permissions().mode() & 0o777;
        let name = path.strip_prefix(root).expect("below").display();
        files.insert(
            format!("{name} {mode:o}"),
            std::fs::read(&path).expect("a file"),
        );
    }
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn what_init_writes_is_checked_and_served() {
    let world = World::new().await;
    let mut empty = Empty::new();
    let dead = empty.process.run(&["health"]);
    assert_eq!(dead.status.code(), Some(2), "no configuration is there");
    let of_bridge = empty.write("registration-of-bridge.yaml", REGISTRATION);
    let (public, database) = (
        empty.process.public.clone(),
        database_url(empty.folder.path()),
    );
    let address = |url: &str| url.trim_start_matches("http://").to_owned();
    let (listen, internal) = (address(&public), address(&empty.process.internal));
    let written = empty.init(&[
        "--from",
        &of_bridge,
        "--homeserver-url",
        &world.url,
        "--public-url",
        &public,
        "--listen-public",
        &listen,
        "--listen-internal",
        &internal,
        "--database",
        &database,
        "--forward-to",
        "http://127.0.0.1:1",
    ]);
    assert!(written.status.success(), "{}", told(&written));
    empty.is_ok();
    let dead = empty.process.run(&["health"]);
    assert_eq!(dead.status.code(), Some(1), "{}", told(&dead));
    empty.process.start().await;
    for arguments in [&["health"][..], &["health", "--ready"]] {
        let asked = empty.process.run(arguments);
        assert!(asked.status.success(), "{}", told(&asked));
        let answer: Value = serde_json::from_slice(&asked.stdout).expect("JSON");
        assert_eq!(answer["status"], "ok");
    }
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let api_token = empty.text("tokens/irc-bridge-api-token");
    let body =
        json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "event_id": "$e"});
    let links = format!("{}/v1/links", empty.process.internal);
    let request = empty.process.client.post(links).json(&body);
    let response = request.bearer_auth(api_token.trim()).send().await;
    let link: Value = response.expect("sent").json().await.expect("JSON");
    let opened = empty.process.client.get(url(&link)).send().await;
    assert_eq!(opened.expect("sent").text().await.expect("text"), "bytes");
    empty.process.terminate().await;
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let empty = Empty::new();
    let told_of = told(&empty.process.run(&["init"]));
    assert!(told_of.contains("--server-name is missing"), "{told_of}");
    assert_eq!(empty.files().len(), 0, "{told_of}");

    let written = empty.init(&["--network", "Libera: \"Chat\""]);
    assert!(written.status.success(), "{}", told(&written));
    let first = empty.files();
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "bridge.yaml 600",
            "data/link-keys.yaml 600",
            "medialink-registration.yaml 600",
            "tokens/irc-api-token 600",
            "tokens/irc-as-token 600",
            "tokens/irc-hs-token 600",
        ]
    );
    empty.is_ok();
    let printed = empty.process.run(&["registration"]);
    let printed = String::from_utf8(printed.stdout).expect("UTF-8");
    assert_eq!(printed, empty.text("medialink-registration.yaml"));
    // No secret is told.
    let told_of = told(&written);
    for name in ["irc-api-token", "irc-as-token", "irc-hs-token"] {
        let token = empty.text(&format!("tokens/{name}"));
        assert_eq!(token.trim().len(), 64);
        assert!(!told_of.contains(token.trim()), "{told_of}");
        assert!(!empty.text("bridge.yaml").contains(token.trim()));
    }
}

#[test]
fn what_is_there_is_kept() {
    let empty = Empty::new();
    assert!(empty.init(&[]).status.success());
    let first = empty.files();
    let again = empty.init(&[]);
    assert!(!again.status.success());
    assert!(
        told(&again).contains("is there already"),
        "{}",
        told(&again)
    );
    assert_eq!(empty.files(), first);
    // With --force the configuration is; tokens and keys stay, and the homeserver need not be told again.
    let forced = empty.init(&["--force", "--public-url", "https://other.example.org"]);
    assert!(forced.status.success(), "{}", told(&forced));
    let mut files = empty.files();
    assert_eq!(
        files.remove("bridge.yaml.old 600").as_ref(),
        first.get("bridge.yaml 600")
    );
    let config = files.insert(
        "bridge.yaml 600".to_owned(),
        first["bridge.yaml 600"].clone(),
    );
    assert_eq!(files, first);
    let config = String::from_utf8(config.expect("a configuration")).expect("UTF-8");
    assert!(config.contains("https://other.example.org"), "{config}");
    empty.is_ok();
}

#[test]
fn what_cannot_be_used_leaves_nothing_behind() {
    let empty = Empty::new();
    let two = empty.write(
        "other.yaml",
        &REGISTRATION.replace("as-token", "as-token-2"),
    );
    let one = empty.write("registration.yaml", REGISTRATION);
    let unknown = empty.write("unknown.yaml", "secret: harness-as-token-0123456789\n");
    let before = empty.files();
    for (arguments, words) in [
        (&["--public-url", "ftp://x"][..], "public_url"),
        (&["--homeserver-url", "x"], "homeserver.url"),
        (&["--user", "@a:other.org"], "not a user of example.org"),
        (&["--bridge", "../../x"], "--bridge: found"),
        (&["--listen-public", "127.0.0.1:8481"], "listen.internal"),
        (
            &["--forward-to", "http://127.0.0.1:1"],
            "--forward-to needs",
        ),
        (&["--database", "mysql:x"], "database"),
        (&["--from", "/nothing"], "/nothing: cannot be opened"),
        (&["--from", &unknown], "no known kind"),
        (
            &["--from", &one, "--from", &two],
            "allowed are files of one bridge",
        ),
        (&["--data", "/proc/nothing"], "cannot be written"),
    ] {
        let refused = empty.init(arguments);
        let told_of = told(&refused);
        assert!(!refused.status.success(), "{arguments:?}: {told_of}");
        assert!(told_of.contains(words), "{arguments:?}: {told_of}");
        assert!(!told_of.contains(AS_TOKEN), "{arguments:?}: {told_of}");
        assert_eq!(empty.files(), before, "{arguments:?}");
    }
}

#[test]
fn a_registration_of_a_bridge_is_kept_but_for_its_url() {
    let empty = Empty::new();
    let text = REGISTRATION.replace("irc-bridge", "heisenbridge");
    let from = empty.write("heisenbridge.yaml", &text);
    let written = empty.init(&["--from", &from, "--listen-internal", "127.0.0.1:8999"]);
    let told_of = told(&written);
    assert!(written.status.success(), "{told_of}");
    assert!(
        !told_of.contains(HS_TOKEN) && !told_of.contains(AS_TOKEN),
        "{told_of}"
    );
    empty.is_ok();
    let registration = text.replace(
        "url: http://127.0.0.1:9999",
        "url: \"http://127.0.0.1:8999\"",
    );
    assert_eq!(empty.text("medialink-registration.yaml"), registration);
    let config = empty.text("bridge.yaml");
    for line in [
        "forward_to: \"http://127.0.0.1:9999\"",
        "appservice_id: \"heisenbridge\"",
        "user_id: \"@medialink:example.org\"",
        "format: heisenbridge",
    ] {
        assert!(config.contains(line), "{line}: {config}");
    }
    assert_eq!(
        empty.text("data/legacy-heisenbridge-heisenbridge.key"),
        HS_TOKEN
    );
    assert_eq!(empty.text("tokens/heisenbridge-as-token").trim(), AS_TOKEN);
}

#[test]
fn configurations_of_bridges_tell_the_homeserver_and_their_links() {
    let mautrix = format!(
        "homeserver: {{address: 'http://127.0.0.1:8009', domain: matrix.example.org}}\n\
         appservice:\n  address: http://127.0.0.1:29334\n  public_address: https://bridge.example.org/x\n  id: whatsapp\n  \
         bot: {{username: whatsappbot}}\n  as_token: {AS_TOKEN}\n  hs_token: {HS_TOKEN}\n\
         public_media: {{enabled: true, signing_key: a-key, hash_length: 32, expiry: 0}}\n"
    );
    let empty = Empty::new();
    let from = empty.write("config-of-bridge.yaml", &mautrix);
    let written = empty.process.run(&["init", "--from", &from]);
    assert!(written.status.success(), "{}", told(&written));
    // It has a registration, which was not given.
    assert!(
        told(&written).contains("set url to http://127.0.0.1:8481"),
        "{}",
        told(&written)
    );
    assert!(
        !empty
            .folder
            .path()
            .join("medialink-registration.yaml")
            .exists()
    );
    empty.is_ok();
    let config = empty.text("bridge.yaml");
    for line in [
        "url: \"http://127.0.0.1:8009\"",
        "server_name: \"matrix.example.org\"",
        "public_url: \"https://media.matrix.example.org\"",
        "id: \"whatsapp\"",
        "user_id: \"@whatsappbot:matrix.example.org\"",
        "forward_to: \"http://127.0.0.1:29334\"",
        "path: \"/x/_mautrix/publicmedia\"",
    ] {
        assert!(config.contains(line), "{line}: {config}");
    }
}

#[test]
fn the_media_proxy_of_a_bridge_is_taken_over() {
    let irc = "homeserver: {url: 'http://127.0.0.1:8009', domain: example.org}\n\
               ircService:\n  servers: {irc.libera.chat: {name: Libera}}\n  \
               mediaProxy: {signingKeyPath: signingkey.jwk, publicUrl: 'https://irc.example.org/media', bindPort: 11111}\n";
    let empty = Empty::new();
    let config = empty.write("config-of-irc.yaml", irc);
    empty.write("signingkey.jwk", JWK);
    let registration = empty.write("registration-of-irc.yaml", REGISTRATION);
    let from = ["init", "--from", &config, "--from", &registration];
    let written = empty.process.run(&from);
    assert!(written.status.success(), "{}", told(&written));
    empty.is_ok();
    let config = empty.text("bridge.yaml");
    for line in [
        "forward_to: \"http://127.0.0.1:9999\"",
        "format: appservice-bridge",
        "path: \"/media\"",
    ] {
        assert!(config.contains(line), "{line}: {config}");
    }
    assert_eq!(
        empty.text("data/legacy-irc-bridge-appservice-bridge.jwk"),
        JWK
    );
}

#[test]
fn shells_and_the_manual_know_every_command() {
    let empty = Empty::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let printed = told(&empty.process.run(&["completions", shell]));
        assert!(printed.contains("registration"), "{shell}: {printed}");
        assert!(printed.contains("dry-run"), "{shell}: {printed}");
    }
    let folder = empty.folder.path().join("man");
    let written = empty.process.run(&["man", &folder.display().to_string()]);
    assert!(written.status.success(), "{}", told(&written));
    for name in ["medialink", "medialink-init", "medialink-links-revoke"] {
        let page = std::fs::read_to_string(folder.join(format!("{name}.1"))).expect(name);
        assert!(page.contains(".SH NAME"), "{page}");
    }
    let page = |name: &str| folder.join(name).exists();
    assert!(
        !page("medialink-make-thumbnail.1"),
        "it is no command of people"
    );
}

#[tokio::test]
async fn on_a_read_only_root_and_without_capabilities_only_the_data_is_written() {
    let mut unshare = std::process::Command::new("unshare");
    let unshared = unshare.args(["--mount", "true"]).output();
    if !unshared.is_ok_and(|output| output.status.success()) {
        let _ = writeln!(
            std::io::stderr(),
            "skipped, for root alone: mounts of its own cannot be made here"
        );
        return;
    }
    let world = World::new().await;
    let mut process = Process::new(world.folder.path(), &world.url, "usage: {mode: never}");
    let folder = world.folder.path().display();
    // As the container of packaging/Dockerfile runs it.
    let hardened = format!(
        "mount --make-rprivate / && mount --bind '{folder}' '{folder}' && mount -o remount,bind,ro / \
         && ! touch /written 2>&- && exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all -- \"$@\""
    );
    let temporary = format!("SQLITE_TMPDIR={folder}");
    let launcher = [
        "unshare", "--mount", "sh", "-c", &hardened, "sh", "env", &temporary,
    ];
    process.start_through(&launcher).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid()));
    assert!(
        status
            .expect("a process")
            .contains("CapEff:\t0000000000000000")
    );
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = url(&process.issue(body).await);
    let opened = process.client.get(link).send().await.expect("sent");
    assert_eq!(opened.text().await.expect("text"), "bytes");
    process.terminate().await;
}
