//! Links that the real packages make, followed beside a real Synapse: matrix-appservice-bridge 10 and
//! 11 from npm, heisenbridge from PyPI. mautrix bridges are no package; their links are made by a few
//! lines of Python.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use medialink::clock::Clock;
use reqwest::Url;
use serde_json::{Value, json};
use support::{AS_TOKEN, HS_TOKEN, Peer, Service, eventually};

use crate::{heisenbridge::Heisenbridge, homeserver_facts::installed, synapse::Synapse};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The folder of matrix-appservice-bridge 10 and 11: the one named by the environment variable
/// `APPSERVICE_BRIDGE_DIRECTORY`, or `target/appservice-bridge`.
fn appservice_bridges() -> Option<PathBuf> {
    let packages = Peer {
        name: "matrix-appservice-bridge",
        variable: "APPSERVICE_BRIDGE_DIRECTORY",
        place: "target/appservice-bridge",
        setup: "tests/setup-appservice-bridge.sh",
    };
    packages.find(|folder| folder.join("11/.medialink-version").is_file())
}

/// Runs a program of `tests/drivers` that reads and writes JSON.
fn made_by(program: &Path, driver: &str, arguments: &[&Path], asked: &Value) -> Value {
    let driver = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/drivers")
        .join(driver);
    let mut child = Command::new(program)
        .arg(driver)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut input = child.stdin.take().expect("a pipe");
    input
        .write_all(asked.to_string().as_bytes())
        .expect("written");
    drop(input);
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{program:?} {}", output.status);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The paths of the URLs that were made, as they stand there.
fn paths(made: &Value) -> Vec<String> {
    let urls = made["urls"].as_array().expect("URLs").iter();
    urls.map(|url| {
        let url = Url::parse(url.as_str().expect("a text")).expect("a URL");
        url.path().to_owned()
    })
    .collect()
}

/// What every format has to show.
struct Made {
    /// Links to one medium, all good; the last one is without a file name.
    good: Vec<String>,
    /// Links whose time is over.
    expired: Vec<String>,
    /// Links under the key or in the format of another entry.
    foreign: Vec<String>,
}

struct Side {
    synapse: Synapse,
    service: Service,
    mxc: String,
    bytes: Vec<u8>,
    _folder: tempfile::TempDir,
}

impl Side {
    /// A Synapse with a picture, and a service with these entries in its configuration.
    async fn new(python: &Path, files: &[(&str, String)], entries: &Value) -> Self {
        let registration = format!(
            "id: medialink\nurl: null\nas_token: {AS_TOKEN}\nhs_token: {HS_TOKEN}\nrate_limited: false\n\
             sender_localpart: medialink\nnamespaces: {{users: [], aliases: [], rooms: []}}\n"
        );
        let synapse = Synapse::start(python, "example.org", &[registration]).await;
        let synapse = synapse.expect("Synapse starts");
        let alice = synapse.register_user("alice").await.expect("alice");
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        bytes.extend((0..100_000_u32).map(|n| n.to_le_bytes()[1]));
        let mxc = alice.upload(bytes.clone(), "image/png", "cat.png").await;
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        // JSON is YAML, too.
        let more = format!("legacy_links: {entries}\n");
        let clock = Clock::default();
        let service = Service::start_at(folder.path(), synapse.url(), "", &more, &clock).await;
        Self {
            synapse,
            service,
            mxc: mxc.expect("uploaded"),
            bytes,
            _folder: folder,
        }
    }

    async fn shows(&self, made: &Made) {
        for path in &made.good {
            let url = format!("{}{path}", self.service.public);
            let response = self.service.client.get(url).send().await;
            let response = response.expect("an answer");
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(response.headers()["content-type"], "image/png");
            let body = response.bytes().await.expect("whole");
            assert!(body == self.bytes, "{path}");
        }
        for path in &made.expired {
            // The bridge's end has passed since it was made, or does within milliseconds.
            eventually("the link to end", async || {
                (self.service.refused(path).await == (410, json!("M_GONE"))).then_some(())
            })
            .await;
            self.every_changed_byte_is_refused(path).await;
        }
        for path in &made.foreign {
            assert_eq!(self.service.refused(path).await.0, 404, "{path}");
        }
        let path = made.good.last().expect("a link");
        self.every_changed_byte_is_refused(path).await;
    }

    /// Every link works in its own format, and in no other.
    async fn shows_each_at_its_own_path(
        &self,
        usual: Vec<String>,
        forged: Vec<String>,
        moved: Vec<String>,
        signed: Vec<String>,
        ending: Vec<String>,
    ) {
        let under = |prefix: &str, path: &str, from: &str| path.replacen(from, prefix, 1);
        self.shows(&Made {
            foreign: vec![
                forged[1].clone(),
                under("/_mautrix/publicmedia", &usual[1], "/_heisenbridge/media"),
                under("/ending", &usual[1], "/_heisenbridge/media"),
            ],
            good: usual,
            expired: vec![],
        })
        .await;
        self.shows(&Made {
            good: moved,
            expired: vec![],
            foreign: vec![],
        })
        .await;
        self.shows(&Made {
            foreign: vec![
                under("/_heisenbridge/media", &signed[1], "/_mautrix/publicmedia"),
                under("/ending", &signed[1], "/_mautrix/publicmedia"),
            ],
            good: signed,
            expired: vec![],
        })
        .await;
        self.shows(&Made {
            foreign: vec![under("/_mautrix/publicmedia", &ending[0], "/ending")],
            good: ending[..1].to_vec(),
            expired: ending[1..].to_vec(),
        })
        .await;
    }

    async fn every_changed_byte_is_refused(&self, path: &str) {
        // Without its first slash it would be no URL.
        for n in 1..path.len() {
            let mut changed = path.as_bytes().to_vec();
            let place = ALPHABET.iter().position(|byte| *byte == changed[n]);
            // The next one differs in few bits, so that nothing but the check can tell them apart.
            changed[n] = ALPHABET[place.map_or(0, |place| place ^ 1)];
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(self.service.refused(&changed).await.0, 404, "{changed}");
            let mut shorter = path.to_owned();
            shorter.remove(n);
            assert_eq!(self.service.refused(&shorter).await.0, 404, "{shorter}");
        }
        for more in ["A", "=", "%3D", ".png"] {
            let longer = format!("{path}{more}");
            assert_eq!(self.service.refused(&longer).await.0, 404, "{longer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_matrix_appservice_bridge_work_again() {
    let (Some(python), Some(packages)) = (installed(), appservice_bridges()) else {
        return;
    };
    let majors = ["10", "11"];
    let make = |major: &str, jwk: &Value, links: Value| {
        let public_url = format!("https://media.example.org/media{major}");
        let asked = json!({"jwk": jwk, "publicUrl": public_url, "links": links});
        let folder = packages.join(major);
        made_by(
            Path::new("node"),
            "links_of_appservice_bridge.js",
            &[&folder],
            &asked,
        )
    };
    // The keys are made by the packages, too.
    let jwks: Vec<Value> = majors
        .iter()
        .map(|major| make(major, &Value::Null, json!([]))["jwk"].clone())
        .collect();
    let files = [
        ("10.jwk", jwks[0].to_string()),
        ("11.jwk", jwks[1].to_string()),
    ];
    let entries = json!([
        {"format": "appservice-bridge", "bridge": "irc", "path": "/media10", "jwk_file": "10.jwk"},
        {"format": "appservice-bridge", "bridge": "irc", "path": "/media11", "jwk_file": "11.jwk"},
    ]);
    let side = Side::new(&python, &files, &entries).await;
    for (major, jwk) in majors.iter().zip(&jwks) {
        let of = |ttl: u64| json!({"mxc": side.mxc, "ttl": ttl});
        let made = paths(&make(major, jwk, json!([of(3_600_000), of(0), of(1)])));
        let other = if *major == "10" {
            "/media11/"
        } else {
            "/media10/"
        };
        let foreign = made[1].replacen(&format!("/media{major}/"), other, 1);
        side.shows(&Made {
            good: made[..2].to_vec(),
            expired: made[2..].to_vec(),
            foreign: vec![foreign],
        })
        .await;
    }
    drop(side.synapse);
    side.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_heisenbridge_and_mautrix_work_again() {
    let (Some(python), Some(heisenbridge)) = (installed(), Heisenbridge::find()) else {
        return;
    };
    let template = "/files/{checksum}/{server}/{media_id}";
    let entries = json!([
        {"format": "heisenbridge", "bridge": "irc", "key": "hs-token of heisenbridge"},
        {"format": "heisenbridge", "bridge": "irc", "key_file": "media.key", "path": template},
        {"format": "mautrix", "bridge": "irc", "key": "sïgning key"},
        {"format": "mautrix", "bridge": "irc", "key": "sïgning key", "path": "/ending", "hash_length": 12, "expiry": true},
    ]);
    let files = [("media.key", "another key\n".to_owned())];
    let side = Side::new(&python, &files, &entries).await;
    let link = |name: Option<&str>| json!({"mxc": side.mxc, "filename": name});
    let of_heisenbridge = |key: &str, path: Option<&str>, links: Value| {
        let asked = json!({"media_key": key, "media_path": path,
            "media_url": "https://media.example.org", "links": links});
        paths(&made_by(
            &heisenbridge,
            "links_of_heisenbridge.py",
            &[],
            &asked,
        ))
    };
    let of_mautrix = |path: &str, hash_length: u8, links: Value| {
        let asked = json!({"signing_key": "sïgning key", "hash_length": hash_length, "path": path,
            "public_url": "https://media.example.org", "links": links});
        paths(&made_by(&python, "links_of_mautrix.py", &[], &asked))
    };
    let names = json!([link(Some("ä cat?.png")), link(None)]);
    let usual = of_heisenbridge("hs-token of heisenbridge", None, names.clone());
    let forged = of_heisenbridge("another key", None, names.clone());
    let moved = of_heisenbridge("another key", Some(template), json!([link(None)]));
    let now_s = side.service.clock.now_ms() / 1000;
    let until = |end: Value, name: Value| json!({"mxc": side.mxc, "filename": name, "expiry": end});
    let signed = of_mautrix(
        "/_mautrix/publicmedia",
        32,
        json!([
            until(Value::Null, json!("ä cat?.png")),
            until(Value::Null, Value::Null)
        ]),
    );
    let ending = of_mautrix(
        "/ending",
        12,
        json!([
            until(json!(now_s + 3600), Value::Null),
            until(json!(now_s - 1), Value::Null)
        ]),
    );
    side.shows_each_at_its_own_path(usual, forged, moved, signed, ending)
        .await;
    drop(side.synapse);
    side.service.stop().await;
}
