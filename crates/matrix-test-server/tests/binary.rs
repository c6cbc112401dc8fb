//! The program: it reads a registration, says where it listens, and stops at a signal.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use reqwest::Client;
use serde_json::{Value, json};

const REGISTRATION: &str = r"
id: irc
url: null
as_token: as-secret
hs_token: hs-secret
sender_localpart: ircbot
namespaces:
  users:
    - exclusive: true
      regex: '@irc_.*:example\.org'
";

/// Starts the program on a free port; its URL is the first line that it prints.
fn start(registration: &std::path::Path) -> (Child, String) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_matrix-test-server"))
        .args(["--listen", "127.0.0.1:0", "--server-name", "example.org"])
        .arg("--registration")
        .arg(registration)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut url = String::new();
    let output = server.stdout.as_mut().expect("a pipe");
    BufReader::new(output).read_line(&mut url).expect("a line");
    (server, url.trim().to_owned())
}

#[tokio::test]
async fn the_program_takes_an_event_of_an_appservice_and_stops_at_a_signal() {
    let mut registration = tempfile::NamedTempFile::new().expect("a file");
    registration
        .write_all(REGISTRATION.as_bytes())
        .expect("written");
    let (mut server, url) = start(registration.path());
    let client = Client::builder().no_proxy().build().expect("a client");
    let ask = async |request: reqwest::RequestBuilder| -> Value {
        let response = request
            .bearer_auth("as-secret")
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 200);
        response.json().await.expect("JSON")
    };
    let v3 = format!("{url}/_matrix/client/v3");

    let room = ask(client.post(format!("{v3}/createRoom")).json(&json!({}))).await;
    let room = room["room_id"].as_str().expect("a room ID");
    let send = format!("{v3}/rooms/{room}/send/m.room.message/1");
    let message = json!({"msgtype": "m.text", "body": "hello"});
    let sent = ask(client.put(send).json(&message)).await;
    let event_id = sent["event_id"].as_str().expect("an event ID");
    let event = ask(client.get(format!("{v3}/rooms/{room}/event/{event_id}"))).await;
    assert_eq!(event["sender"], "@ircbot:example.org");
    assert_eq!(event["content"], message);

    let pid = server.id().to_string();
    assert!(
        Command::new("kill")
            .arg(&pid)
            .status()
            .expect("kill")
            .success()
    );
    assert!(server.wait().expect("ends").success());
}

#[test]
fn a_bad_registration_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_matrix-test-server"))
        .args(["--registration", "/nowhere.yaml"])
        .output()
        .expect("runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere.yaml"));
}
