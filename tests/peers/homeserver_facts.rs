//! What Medialink relies on a homeserver to do, asked of a real Synapse. A failure here after an
//! update of Synapse means that the bridge has to change, not the test.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use support::is_ci;

use crate::{synapse::Synapse, synapse::User, synapse::answer};

const AS_TOKEN: &str = "as-token-of-a-test";
const HS_TOKEN: &str = "hs-token-of-a-test";
const BOT: &str = "@ircbot:example.org";
const EVENT_TYPE: &str = "org.matrix.msc3910.media_reference";

/// Where Synapse is installed. Without it the tests pass, saying so, except in CI.
pub fn installed() -> Option<PathBuf> {
    let python = Synapse::find();
    assert!(
        python.is_some() || !is_ci(),
        "CI tests against a real Synapse: run tests/setup-synapse.sh before"
    );
    python
}

/// A registration without any key besides those of the Matrix specification.
fn registration(url: Option<&str>) -> String {
    json!({
        "id": "medialink",
        "url": url,
        "as_token": AS_TOKEN,
        "hs_token": HS_TOKEN,
        "sender_localpart": "ircbot",
        "rate_limited": false,
        "namespaces": {
            "users": [{"exclusive": true, "regex": "@irc_.*:example\\.org"}],
            "aliases": [],
            "rooms": [],
        },
    })
    .to_string()
}

/// A room of two users and the bridge.
struct Scene {
    synapse: Synapse,
    alice: User,
    bob: User,
    bridge: User,
    room_id: String,
}

impl Scene {
    async fn start(python: &std::path::Path, url: Option<&str>) -> anyhow::Result<Self> {
        let synapse = Synapse::start(python, "example.org", &[registration(url)]).await?;
        let alice = synapse.register_user("alice").await?;
        let bob = synapse.register_user("bob").await?;
        let bridge = synapse.appservice_user(AS_TOKEN, BOT);
        let room_id = room(&alice, &[&bob, &bridge], "12").await?;
        Ok(Self {
            synapse,
            alice,
            bob,
            bridge,
            room_id,
        })
    }
}

async fn room(creator: &User, members: &[&User], version: &str) -> anyhow::Result<String> {
    let options = json!({"preset": "private_chat", "room_version": version});
    let room_id = creator.create_room(&options).await?;
    for member in members {
        creator.invite(&room_id, &member.user_id).await?;
        member.join(&room_id).await?;
    }
    Ok(room_id)
}

#[tokio::test]
async fn media_is_downloaded_as_the_bridge_and_unknown_media_is_not_found() -> anyhow::Result<()> {
    let Some(python) = installed() else {
        return Ok(());
    };
    let scene = Scene::start(&python, None).await?;
    let mxc = scene
        .alice
        .upload("hello", "text/plain", "über \"x\".txt")
        .await?;

    let response = scene.bridge.download(&mxc).await?;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=UTF-8"
    );
    assert_eq!(response.text().await?, "hello");

    let response = scene.bridge.download("mxc://example.org/unknown").await?;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.json::<Value>().await?["errcode"], "M_NOT_FOUND");

    let (_, media_id) = mxc.rsplit_once('/').context("no mxc URI")?;
    let path = [
        "_matrix",
        "client",
        "v1",
        "media",
        "download",
        "example.org",
    ];
    let path = [&path[..], &[media_id]].concat();
    let response = scene.bridge.request(Method::HEAD, &path)?.send().await?;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-length"], "5");
    let request = scene.bridge.request(Method::GET, &path)?;
    let response = request.header("If-None-Match", "1").send().await?;
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);

    let (status, error) = answer(scene.bridge.request(
        Method::POST,
        &[
            "_matrix",
            "client",
            "v1",
            "media",
            "copy",
            "example.org",
            "x",
        ],
    )?)
    .await?;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(error["errcode"], "M_UNRECOGNIZED");
    Ok(())
}

#[tokio::test]
async fn a_transaction_of_a_device_is_one_event_even_across_a_restart() -> anyhow::Result<()> {
    let Some(python) = installed() else {
        return Ok(());
    };
    let mut scene = Scene::start(&python, None).await?;
    let room_id = scene.room_id.as_str();
    let content = json!({"content_token": {}, "batch": "1", "references": []});

    let mut stranger = scene.bridge.clone();
    stranger.device_id = Some("UNKNOWN".to_owned());
    let (status, error) = stranger.send_as(room_id, EVENT_TYPE, "t", &content).await?;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(error["errcode"], "M_UNKNOWN_DEVICE");

    let device = scene.bridge.with_device("MEDIALINK").await?;
    let (status, first) = device.send_as(room_id, EVENT_TYPE, "t", &content).await?;
    assert_eq!(status, StatusCode::OK);
    let (_, again) = device.send_as(room_id, EVENT_TYPE, "t", &content).await?;
    assert_eq!(first["event_id"], again["event_id"]);

    let without = json!({"batch": "2"});
    let (_, forgotten) = scene
        .bridge
        .send_as(room_id, EVENT_TYPE, "u", &without)
        .await?;

    scene.synapse.stop().await?;
    assert!(reqwest::get(scene.synapse.url()).await.is_err());
    scene.synapse.restart().await?;
    // Making the device again is harmless.
    let device = scene.bridge.with_device("MEDIALINK").await?;
    let (_, again) = device.send_as(room_id, EVENT_TYPE, "t", &content).await?;
    assert_eq!(first["event_id"], again["event_id"]);
    let (_, second) = scene
        .bridge
        .send_as(room_id, EVENT_TYPE, "u", &without)
        .await?;
    assert_ne!(
        forgotten["event_id"], second["event_id"],
        "without a device a restart forgets the transaction"
    );

    let seen = scene.bob.messages(room_id, &[EVENT_TYPE]).await?;
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0]["event_id"], first["event_id"]);
    assert_eq!(seen[0]["sender"], BOT);
    assert_eq!(seen[0]["content"], content);
    Ok(())
}

#[tokio::test]
async fn a_redacted_event_is_empty_for_everybody_and_its_type_is_still_found() -> anyhow::Result<()>
{
    let Some(python) = installed() else {
        return Ok(());
    };
    let scene = Scene::start(&python, None).await?;
    let device = scene.bridge.with_device("MEDIALINK").await?;
    let content = json!({"batch": "1"});
    let event_id = device.send(&scene.room_id, EVENT_TYPE, &content).await?;
    scene
        .alice
        .send(
            &scene.room_id,
            "m.room.message",
            &json!({"msgtype": "m.text", "body": "x"}),
        )
        .await?;
    let (_, event) = scene.bob.event(&scene.room_id, &event_id).await?;
    assert_eq!(event["content"], content);

    let redaction = device.redact(&scene.room_id, &event_id).await?;
    let (status, event) = scene.bob.event(&scene.room_id, &event_id).await?;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(event["content"], json!({}));
    assert_eq!(
        event["unsigned"]["redacted_because"]["event_id"],
        redaction.as_str()
    );

    let seen = scene.bridge.messages(&scene.room_id, &[EVENT_TYPE]).await?;
    assert_eq!(seen.len(), 1, "the filter leaves out other types: {seen:?}");
    assert_eq!(seen[0]["event_id"], event_id.as_str());
    assert_eq!(seen[0]["content"], json!({}));

    scene.bridge.leave(&scene.room_id).await?;
    assert!(
        scene
            .bridge
            .redact(&scene.room_id, &event_id)
            .await
            .is_err()
    );
    Ok(())
}

#[tokio::test]
async fn redactions_reach_the_appservice_in_rooms_of_both_kinds() -> anyhow::Result<()> {
    let Some(python) = installed() else {
        return Ok(());
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let mut requests = listen(listener);
    let scene = Scene::start(&python, Some(&url)).await?;
    let ghost = scene
        .synapse
        .register_appservice_user(AS_TOKEN, "irc_carol")
        .await?;
    assert_eq!(ghost.user_id, "@irc_carol:example.org");

    let older = room(&scene.alice, &[&ghost], "10").await?;
    for room_id in [&scene.room_id, &older] {
        let message = json!({"msgtype": "m.text", "body": "hello"});
        let event_id = scene
            .alice
            .send(room_id, "m.room.message", &message)
            .await?;
        let redaction_id = scene.alice.redact(room_id, &event_id).await?;
        let event = pushed(&mut requests, &redaction_id).await?;
        assert_eq!(event["type"], "m.room.redaction");
        assert_eq!(event["room_id"], room_id.as_str());
        // Synapse names the event in both places, whatever the room's version.
        assert_eq!(event["redacts"], event_id.as_str());
        assert_eq!(event["content"]["redacts"], event_id.as_str());
    }
    Ok(())
}

#[tokio::test]
async fn a_failed_start_shows_why() -> anyhow::Result<()> {
    let Some(python) = installed() else {
        return Ok(());
    };
    let broken = "id: medialink\n".to_owned();
    let Err(error) = Synapse::start(&python, "example.org", &[broken]).await else {
        anyhow::bail!("Synapse started with a broken registration");
    };
    let error = format!("{error:#}");
    assert!(
        error.contains("Required string field: 'as_token'"),
        "{error}"
    );
    Ok(())
}

/// A request of the homeserver to the appservice.
struct Pushed {
    request_line: String,
    authorization: String,
    body: Value,
}

/// The event with this ID, when a transaction has brought it.
async fn pushed(
    requests: &mut mpsc::UnboundedReceiver<anyhow::Result<Pushed>>,
    event_id: &str,
) -> anyhow::Result<Value> {
    let deadline = std::time::Duration::from_secs(30);
    loop {
        let request = tokio::time::timeout(deadline, requests.recv())
            .await
            .context("no transaction brought the event")?
            .context("the listener has ended")??;
        ensure!(
            request
                .request_line
                .starts_with("PUT /_matrix/app/v1/transactions/"),
            "{}",
            request.request_line
        );
        ensure!(request.authorization == format!("Bearer {HS_TOKEN}"));
        let events = request.body["events"].as_array().context("no events")?;
        if let Some(event) = events.iter().find(|event| event["event_id"] == event_id) {
            return Ok(event.clone());
        }
    }
}

/// An appservice that accepts everything, and hands it to the test.
fn listen(listener: TcpListener) -> mpsc::UnboundedReceiver<anyhow::Result<Pushed>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if sender.send(receive(stream).await).is_err() {
                break;
            }
        }
    });
    receiver
}

async fn receive(stream: TcpStream) -> anyhow::Result<Pushed> {
    let mut stream = BufReader::new(stream);
    let mut request_line = String::new();
    stream.read_line(&mut request_line).await?;
    let mut authorization = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        match line.trim_end().split_once(": ") {
            Some(("Authorization", value)) => value.clone_into(&mut authorization),
            Some(("Content-Length", value)) => length = value.parse()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(Pushed {
        request_line,
        authorization,
        body: serde_json::from_slice(&body)?,
    })
}
