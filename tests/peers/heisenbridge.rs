//! In front of a real bridge: heisenbridge, beside a real Synapse, registered through the service.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use medialink::storage::{Database, Opener, history};
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    AS_TOKEN, BOT, HS_TOKEN, Peer, Process, database_config, eventually, patiently,
    process::free_port, url,
};

use crate::{
    homeserver_facts::installed,
    synapse::{Synapse, User, answer},
};

const BRIDGE: &str = "@heisenbridge:localhost";
const META_EVENT: &str = "org.matrix.msc3910.media_reference";
/// What heisenbridge says to whoever has invited it, before the help.
const GREETING: &str = "Howdy, stranger!";
/// What it says to the command STATUS, and not otherwise.
const STATUS: &str = "known users";

/// Runs heisenbridge until its standard input is closed, by [`Heisenbridge::kill`] or because the
/// tests have ended.
const LAUNCHER: &str = "\
import os, runpy, signal, sys, threading

def end_when_the_pipe_closes():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGKILL)

threading.Thread(target=end_when_the_pipe_closes, daemon=True).start()
sys.argv = ['heisenbridge'] + sys.argv[1:]
runpy.run_module('heisenbridge', run_name='__main__')
";

/// A running heisenbridge.
pub struct Heisenbridge {
    python: PathBuf,
    folder: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Heisenbridge {
    /// The Python that has heisenbridge installed: the one named by the environment variable
    /// `HEISENBRIDGE_PYTHON`, or `target/heisenbridge/bin/python`.
    pub fn find() -> Option<PathBuf> {
        let heisenbridge = Peer {
            name: "heisenbridge",
            variable: "HEISENBRIDGE_PYTHON",
            place: "target/heisenbridge/bin/python",
            setup: "tests/setup-heisenbridge.sh",
        };
        heisenbridge.find(Path::is_file)
    }

    fn start(&mut self, homeserver: &str) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("heisenbridge.log"))
            .expect("a log");
        let mut command = Command::new(&self.python);
        command
            .args(["-c", LAUNCHER, "-v", "-c", "heisenbridge.yaml"])
            .args(["-l", "127.0.0.1", "-p", &self.port.to_string(), homeserver])
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log);
        self.child = Some(command.spawn().expect("starts"));
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("heisenbridge.log")).unwrap_or_default()
    }

    /// The transactions that it has answered with success. Synapse numbers them.
    fn transactions(&self) -> BTreeSet<u64> {
        let log = self.log();
        let requests = log
            .lines()
            .filter_map(|line| line.split_once("\"PUT /_matrix/app/v1/transactions/"));
        let numbers = requests.filter_map(|(_, rest)| rest.split_once(" HTTP/1.1\" 200 "));
        numbers
            .map(|(number, _)| number.parse().expect("a number"))
            .collect()
    }

    /// Waits until a start has come to its end. Before, it takes events and passes them over.
    async fn ready(&self) {
        patiently("heisenbridge to be ready", async || {
            let log = self.log();
            let (_, last_start) = log.rsplit_once("Heisenbridge v")?;
            last_start.contains("is now running").then_some(())
        })
        .await;
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Fails only for a process that has ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Heisenbridge {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(20).collect();
            eprintln!(
                "heisenbridge's last words, newest first:\n{}",
                tail.join("\n")
            );
        }
    }
}

/// The registration of all three: the homeserver finds heisenbridge at the service's address.
fn registration(url: &str) -> String {
    format!(
        "id: heisenbridge\nurl: {url}\nas_token: {AS_TOKEN}\nhs_token: {HS_TOKEN}\nrate_limited: false\n\
         sender_localpart: heisenbridge\n\
         namespaces: {{users: [{{regex: '@irc_.*', exclusive: true}}], aliases: [], rooms: []}}\n"
    )
}

/// Synapse, the service and heisenbridge, and a user of theirs.
pub struct Side {
    // The first to go: its last words are not of the others' end.
    bridge: Heisenbridge,
    pub process: Process,
    synapse: Synapse,
    pub alice: User,
    folder: tempfile::TempDir,
}

impl Side {
    async fn new() -> Option<Self> {
        Self::with("usage: {mode: always, batch_window: 2s}", false).await
    }

    /// With these lines in the service's configuration, and with a bridge that may administer the
    /// homeserver, or not. The links that heisenbridge makes lead to the service.
    pub async fn with(more: &str, is_admin: bool) -> Option<Self> {
        let (python, heisenbridge) = (installed()?, Heisenbridge::find()?);
        let folder = tempfile::tempdir().expect("a folder");
        let bridge = Heisenbridge {
            python: heisenbridge,
            folder: folder.path().to_owned(),
            port: free_port(),
            child: None,
        };
        let mut process = Process::new(folder.path(), "http://127.0.0.1:1", more);
        let path = folder.path().join("bridge.yaml");
        let text = std::fs::read_to_string(&path).expect("reads");
        let forward = format!(
            "user_id: '{BRIDGE}', appservice_id: heisenbridge, forward_to: 'http://127.0.0.1:{}'}}",
            bridge.port
        );
        let text = text
            .replacen(&format!("user_id: '{BOT}'}}"), &forward, 1)
            .replace("example.org", "localhost");
        std::fs::write(&path, text).expect("written");
        let registration = registration(&process.internal);
        let own = format!(
            "{registration}heisenbridge: {{media_url: '{}'}}\n",
            process.public
        );
        std::fs::write(folder.path().join("heisenbridge.yaml"), own).expect("written");
        let synapse = Synapse::start(&python, "localhost", &[registration])
            .await
            .expect("Synapse starts");
        if is_admin {
            let bridge = synapse.register_appservice_user(AS_TOKEN, "heisenbridge");
            bridge.await.expect("registered");
            synapse.make_admin(BRIDGE).await.expect("an administrator");
        }
        process.point_at(synapse.url());
        process.start().await;
        let alice = synapse.register_user("alice").await.expect("alice");
        let mut side = Self {
            synapse,
            process,
            bridge,
            alice,
            folder,
        };
        side.start_bridge().await;
        Some(side)
    }

    /// Starts heisenbridge, and waits until it answers the homeserver's ping, through the service.
    async fn start_bridge(&mut self) {
        self.bridge.start(self.synapse.url());
        let sender = self.synapse.appservice_user(AS_TOKEN, BRIDGE);
        let path = [
            "_matrix",
            "client",
            "v1",
            "appservice",
            "heisenbridge",
            "ping",
        ];
        eventually("heisenbridge to answer a ping", async || {
            let ping = sender.request(Method::POST, &path).expect("a request");
            let told = answer(ping.json(&json!({"transaction_id": "of the bridge"})));
            let (status, told) = told.await.expect("an answer");
            (status == 200 && told["duration_ms"].is_number()).then_some(())
        })
        .await;
    }

    /// A room of Alice's with heisenbridge alone, in which it takes commands.
    pub async fn control_room(&self) -> String {
        let direct =
            json!({"preset": "trusted_private_chat", "is_direct": true, "invite": [BRIDGE]});
        let room = self.alice.create_room(&direct).await.expect("a room");
        eventually("heisenbridge to say hello", async || {
            (self.said(&room, GREETING).await > 0).then_some(())
        })
        .await;
        room
    }

    /// Has heisenbridge tell its status, which it has not told before or so many times.
    async fn ask_for_status(&self, room: &str, before: usize) {
        let command = json!({"msgtype": "m.text", "body": "STATUS"});
        let sent = self.alice.send(room, "m.room.message", &command).await;
        sent.expect("sent");
        patiently("heisenbridge to answer a command", async || {
            (self.said(room, STATUS).await > before).then_some(())
        })
        .await;
    }

    /// In how many messages heisenbridge has said this.
    pub async fn said(&self, room: &str, words: &str) -> usize {
        let messages = self.alice.messages(room, &["m.room.message"]).await;
        let messages = messages.expect("messages");
        messages
            .iter()
            .filter(|event| event["sender"] == BRIDGE)
            .filter(|event| {
                let body = event["content"]["body"].as_str();
                body.is_some_and(|body| body.contains(words))
            })
            .count()
    }

    /// A message with a picture, and a link to it that is counted.
    async fn share(&self, room: &str, bytes: &[u8]) -> (String, Value) {
        let mxc = self
            .alice
            .upload(bytes.to_vec(), "image/png", "cat.png")
            .await;
        let mxc = mxc.expect("uploaded");
        let content = json!({"msgtype": "m.image", "body": "cat.png", "url": mxc});
        let event_id = self.alice.send(room, "m.room.message", &content).await;
        let event_id = event_id.expect("sent");
        let link = json!({"mxc": mxc, "room_id": room, "event_id": event_id});
        let link = self.process.issue(link).await;
        self.wait_for(&link, "counted").await;
        let response = self.process.client.get(url(&link)).send().await;
        let body = response.expect("an answer").bytes().await;
        assert_eq!(body.expect("whole"), bytes);
        (event_id, link)
    }

    async fn wait_for(&self, link: &Value, state: &str) -> Value {
        let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
        eventually(&format!("usage {state}"), async || {
            let told = self.process.call(Method::GET, &path, &json!({})).await;
            let link = told.expect("an answer").1;
            (link["usage"]["state"] == state).then_some(link)
        })
        .await
    }

    /// Waits until the bridge has taken all that has happened in a room up to now; the number of
    /// the last transaction. Nothing follows from what this does, so nothing is on its way then.
    async fn quiet(&self, room: &str) -> u64 {
        let notice = json!({"msgtype": "m.notice", "body": "to be redacted"});
        let event_id = self.alice.send(room, "m.room.message", &notice).await;
        let event_id = event_id.expect("sent");
        self.alice.redact(room, &event_id).await.expect("redacted");
        let config = database_config(self.folder.path());
        let database = Database::open(&config, Opener::Command)
            .await
            .expect("opens");
        eventually("the redaction to arrive", async || {
            let mut reader = database.reader().acquire().await.expect("a connection");
            let told = history::is_redacted(&mut reader, room, &event_id).await;
            told.expect("reads").then_some(())
        })
        .await;
        eventually("the bridge to take it", async || {
            let status = async |number: u64| {
                let (reader, txn_id) = (database.reader(), number.to_string());
                let status = history::transaction_status(reader, "irc", &txn_id, None).await;
                status.expect("reads")
            };
            let mut number = 1;
            while status(number).await == history::TransactionStatus::HandedOn {
                number += 1;
            }
            // One that nothing follows from may be noted after those behind it.
            for later in number..number + 10 {
                if status(later).await != history::TransactionStatus::New {
                    return None;
                }
            }
            Some(number - 1)
        })
        .await
    }

    async fn is_dead(&self, link: &Value) -> bool {
        let response = self.process.client.get(url(link)).send().await;
        response.expect("an answer").status() == 410
    }

    fn cached(&self) -> usize {
        let folder = self.folder.path().join("data/cache");
        support::files(&folder).0.len()
    }

    /// Redacts a message and waits until its link is dead and its media out of the cache, where so
    /// many files stay; how long that took from the redaction's answer on.
    async fn redact(&self, room: &str, event_id: &str, link: &Value, stay: usize) -> Duration {
        self.alice.redact(room, event_id).await.expect("redacted");
        let answered = Instant::now();
        for _ in 0..3000 {
            if self.is_dead(link).await && self.cached() == stay {
                return answered.elapsed();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("waited in vain for the link to die and its file to go");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_ends_a_link_in_front_of_heisenbridge_which_works_on() {
    let Some(mut side) = Side::new().await else {
        return;
    };
    eventually("a ping to reach the service itself", async || {
        let log = side.process.log();
        log.contains("the homeserver reaches us").then_some(())
    })
    .await;
    let room = side.control_room().await;
    side.ask_for_status(&room, 0).await;

    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.extend((0..400_000_u32).map(|n| n.to_le_bytes()[1]));
    let (event_id, link) = side.share(&room, &picture).await;
    eventually("its file in the cache", async || {
        (side.cached() == 1).then_some(())
    })
    .await;
    let counted_by = side.wait_for(&link, "counted").await["usage"]["event_id"].clone();
    let took = side.redact(&room, &event_id, &link, 0).await;
    // Past the test runner, which shows what it captures of failed tests only.
    let _ = writeln!(
        std::io::stderr(),
        "after a redaction beside Synapse, link and cache file were gone in {} ms",
        took.as_millis()
    );
    side.wait_for(&link, "released").await;
    let meta_event = counted_by.as_str().expect("an ID");
    let (_, event) = side.alice.event(&room, meta_event).await.expect("an event");
    assert_eq!(event["type"], META_EVENT);
    assert!(event["unsigned"]["redacted_because"].is_object(), "{event}");

    redactions_bite_while_the_bridge_is_down(&mut side, &room, &picture).await;
}

/// While the bridge is down, a redaction bites all the same.
async fn redactions_bite_while_the_bridge_is_down(side: &mut Side, room: &str, picture: &[u8]) {
    let (event_id, link) = side.share(room, &picture[..300_000]).await;
    let (later_id, later) = side.share(room, &picture[..200_000]).await;
    eventually("their files in the cache", async || {
        (side.cached() == 2).then_some(())
    })
    .await;
    // Otherwise the kill might meet the transaction with the last meta event.
    let before = side.quiet(room).await;
    side.bridge.kill();
    side.redact(room, &event_id, &link, 1).await;
    // Synapse repeats what was not taken before it pushes anything else.
    side.alice.redact(room, &later_id).await.expect("redacted");
    // What was missed arrives when the bridge is back, and it works on.
    side.start_bridge().await;
    patiently("the later link to end", async || {
        (side.is_dead(&later).await && side.cached() == 0).then_some(())
    })
    .await;
    side.bridge.ready().await;
    side.ask_for_status(room, 1).await;
    let last = side.quiet(room).await;
    let missed: BTreeSet<u64> = (before + 1..=last).collect();
    eventually("every transaction to be in the bridge's log", async || {
        missed.is_subset(&side.bridge.transactions()).then_some(())
    })
    .await;
}
