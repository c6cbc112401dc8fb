//! The whole way of a link beside a real Synapse.

use std::time::Duration;

use aes::cipher::{KeyIvInit, StreamCipher};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{BOT, Process, eventually, url};

use crate::{
    homeserver_facts::installed,
    synapse::{Synapse, User},
};

const META_EVENT: &str = "org.matrix.msc3910.media_reference";

/// Synapse, registered with the output of our own command, and the service beside it.
struct Side {
    synapse: Synapse,
    process: Process,
    alice: User,
    bob: User,
    room_id: String,
    _folder: tempfile::TempDir,
}

impl Side {
    async fn new(usage: &str) -> Option<Self> {
        let python = installed()?;
        let folder = tempfile::tempdir().expect("a folder");
        // Synapse's port is known once it runs, so the registration is made before.
        let mut process = Process::new(folder.path(), "http://127.0.0.1:1", usage);
        let registration = process.run(&["registration"]);
        assert!(registration.status.success());
        let registration = String::from_utf8(registration.stdout).expect("UTF-8");
        let synapse = Synapse::start(&python, "example.org", &[registration])
            .await
            .expect("Synapse starts");
        process.point_at(synapse.url());
        process.start().await;
        let alice = synapse.register_user("alice").await.expect("alice");
        let bob = synapse.register_user("bob").await.expect("bob");
        let room_id = alice
            .create_room(&json!({"preset": "private_chat"}))
            .await
            .expect("a room");
        for user in [bob.user_id.as_str(), BOT] {
            alice.invite(&room_id, user).await.expect("invited");
        }
        bob.join(&room_id).await.expect("joined");
        // The service accepts the pushed invite by itself.
        let path = [
            "_matrix",
            "client",
            "v3",
            "rooms",
            &room_id,
            "joined_members",
        ];
        eventually("the bridge's user to join", async || {
            let request = alice.request(Method::GET, &path).expect("a request");
            let members = crate::synapse::succeed(request).await.expect("members");
            members["joined"].get(BOT).map(drop)
        })
        .await;
        Some(Self {
            synapse,
            process,
            alice,
            bob,
            room_id,
            _folder: folder,
        })
    }

    async fn link(&self, link: &Value) -> Value {
        let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
        self.process
            .call(Method::GET, &path, &json!({}))
            .await
            .expect("an answer")
            .1
    }

    async fn wait_for(&self, link: &Value, state: &str) -> Value {
        eventually(&format!("usage {state}"), async || {
            let link = self.link(link).await;
            (link["usage"]["state"] == state).then_some(link)
        })
        .await
    }

    async fn status(&self, link: &Value) -> u16 {
        self.process
            .client
            .get(url(link))
            .send()
            .await
            .expect("an answer")
            .status()
            .as_u16()
    }
}

const ALWAYS: &str = "usage: {mode: always, batch_window: 100ms}";

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_followed_counted_revoked_and_released() {
    let Some(side) = Side::new(ALWAYS).await else {
        return;
    };
    let mut bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    bytes[..8].copy_from_slice(b"\x89PNG\r\n\x1a\n");
    let mxc = side
        .alice
        .upload(bytes.clone(), "image/png", "cat.png")
        .await
        .expect("uploaded");
    let link = side
        .process
        .issue(json!({"mxc": mxc, "room_id": side.room_id, "filename": "cat.png"}))
        .await;
    let response = side
        .process
        .client
        .get(url(&link))
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["content-type"]
        ),
        (200, &"image/png".parse().expect("value"))
    );
    assert_eq!(response.bytes().await.expect("a body"), bytes);

    let counted = side.wait_for(&link, "counted").await;
    let events = side
        .bob
        .messages(&side.room_id, &[META_EVENT])
        .await
        .expect("messages");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event_id"], counted["usage"]["event_id"]);
    assert_eq!(events[0]["sender"], BOT);
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(&mxc));
    assert_eq!(events[0]["content"]["content_token"], json!({}));
    assert_eq!(events[0]["content"]["references"][0]["hash"], json!(hash));
    assert!(
        !events[0].to_string().contains(&mxc),
        "the event does not tell the URI"
    );

    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
    side.process
        .call(Method::DELETE, &path, &json!({}))
        .await
        .expect("an answer");
    assert_eq!(side.status(&link).await, 410);
    side.wait_for(&link, "released").await;
    let event_id = events[0]["event_id"].as_str().expect("ID");
    let (_, event) = side
        .bob
        .event(&side.room_id, event_id)
        .await
        .expect("an event");
    assert!(event["unsigned"]["redacted_because"].is_object(), "{event}");
    assert_eq!(event["content"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn redacting_the_message_kills_its_link() {
    let Some(side) = Side::new(ALWAYS).await else {
        return;
    };
    let mxc = side
        .alice
        .upload("words", "text/plain", "a.txt")
        .await
        .expect("uploaded");
    let content = json!({"msgtype": "m.file", "body": "a.txt", "url": mxc});
    let event_id = side
        .alice
        .send(&side.room_id, "m.room.message", &content)
        .await
        .expect("sent");
    let link = side
        .process
        .issue(json!({"mxc": mxc, "room_id": side.room_id, "event_id": event_id}))
        .await;
    assert_eq!(side.status(&link).await, 200);
    side.alice
        .redact(&side.room_id, &event_id)
        .await
        .expect("redacted");
    eventually("the link to die", async || {
        (side.status(&link).await == 410).then_some(())
    })
    .await;
    assert_eq!(side.link(&link).await["state"], "redacted");
    let again = json!({"mxc": mxc, "room_id": side.room_id, "event_id": event_id});
    let (status, told) = side
        .process
        .call(Method::POST, "/v1/links", &again)
        .await
        .expect("an answer");
    assert_eq!((status.as_u16(), &told["errcode"]), (410, &json!("M_GONE")));
    side.wait_for(&link, "released").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paste_is_followed_counted_and_dies_with_its_message() {
    let Some(side) = Side::new(ALWAYS).await else {
        return;
    };
    let text = "first line\nsecond line of a long message\n";
    let content = json!({"msgtype": "m.text", "body": text});
    let event_id = side
        .alice
        .send(&side.room_id, "m.room.message", &content)
        .await
        .expect("sent");
    let body = json!({"text": text, "room_id": side.room_id, "event_id": event_id,
        "filename": "message ü.md", "sender": side.alice.user_id});
    let ask = || side.process.call(Method::POST, "/v1/pastes", &body);
    let (status, link) = ask().await.expect("an answer");
    assert_eq!(status, 201, "{link}");
    assert_eq!(link["excerpt"], "first line\nsecond line of a long message");
    let (status, again) = ask().await.expect("an answer");
    assert_eq!(
        (status.as_u16(), &again["link_id"]),
        (200, &link["link_id"])
    );
    let request = side.process.client.get(url(&link));
    let response = request.send().await.expect("an answer");
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["content-type"]
        ),
        (200, &"text/plain; charset=utf-8".parse().expect("value"))
    );
    assert_eq!(response.text().await.expect("a body"), text);
    let page = side
        .process
        .client
        .get(link["page_url"].as_str().expect("a URL"));
    let page = page.send().await.expect("an answer").text().await;
    assert!(
        page.expect("a page")
            .contains("second line of a long message")
    );
    side.wait_for(&link, "counted").await;

    // In an encrypted room, Synapse gets what it cannot read.
    let room = json!({"preset": "private_chat", "invite": [BOT], "initial_state": [
        {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]});
    let closed = side.alice.create_room(&room).await.expect("a room");
    let body = json!({"text": text, "room_id": closed});
    let asked = side.process.call(Method::POST, "/v1/pastes", &body).await;
    let (status, sealed) = asked.expect("an answer");
    assert_eq!(status, 201, "{sealed}");
    let mxc = sealed["mxc"]
        .as_str()
        .expect("mxc")
        .trim_start_matches("mxc://");
    let (server, id) = mxc.split_once('/').expect("an mxc URI");
    let path = ["_matrix", "client", "v1", "media", "download", server, id];
    let request = side.alice.request(Method::GET, &path).expect("a request");
    let stored = request.send().await.expect("an answer");
    assert_eq!(stored.headers()["content-type"], "application/octet-stream");
    let stored = stored.bytes().await.expect("whole");
    assert!(stored.len() == text.len() && stored != text.as_bytes());
    let opened = side.process.client.get(url(&sealed)).send().await;
    assert_eq!(
        opened.expect("an answer").text().await.expect("a body"),
        text
    );

    side.alice
        .redact(&side.room_id, &event_id)
        .await
        .expect("redacted");
    eventually("the link to die", async || {
        (side.status(&link).await == 410).then_some(())
    })
    .await;
    assert_eq!(side.link(&link).await["state"], "redacted");
    let asked = json!({"text": text, "room_id": side.room_id, "event_id": event_id});
    let asked = side.process.call(Method::POST, "/v1/pastes", &asked).await;
    let (status, told) = asked.expect("an answer");
    assert_eq!((status.as_u16(), &told["errcode"]), (410, &json!("M_GONE")));
    side.wait_for(&link, "released").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_media_arrives_as_it_was_and_unknown_media_is_not_found() {
    let Some(side) = Side::new(ALWAYS).await else {
        return;
    };
    let mut plaintext: Vec<u8> = (0..=255).rev().cycle().take(200_001).collect();
    plaintext[..8].copy_from_slice(b"\x89PNG\r\n\x1a\n");
    let (key, iv) = ([3_u8; 32], [5_u8; 16]);
    let mut ciphertext = plaintext.clone();
    ctr::Ctr128BE::<aes::Aes256>::new(&key.into(), &iv.into()).apply_keystream(&mut ciphertext);
    let sha256 = STANDARD_NO_PAD.encode(Sha256::digest(&ciphertext));
    let mxc = side
        .alice
        .upload(ciphertext, "application/octet-stream", "x")
        .await
        .expect("uploaded");
    let file = json!({
        "url": mxc, "v": "v2", "iv": STANDARD_NO_PAD.encode(iv), "hashes": {"sha256": sha256},
        "key": {"kty": "oct", "alg": "A256CTR", "ext": true, "key_ops": ["encrypt", "decrypt"], "k": URL_SAFE_NO_PAD.encode(key)},
    });
    let link = side
        .process
        .issue(json!({"file": file, "room_id": side.room_id, "mimetype": "image/png"}))
        .await;
    let response = side
        .process
        .client
        .get(url(&link))
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.headers()["content-type"], "image/png");
    assert_eq!(response.bytes().await.expect("a body"), plaintext);
    let unknown = side
        .process
        .issue(json!({"mxc": "mxc://example.org/nothing", "room_id": side.room_id}))
        .await;
    assert_eq!(side.status(&unknown).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_and_thumbnails_are_given_beside_synapse_and_kept() {
    let Some(mut side) = Side::new(ALWAYS).await else {
        return;
    };
    let pixels = image::RgbImage::from_fn(1000, 500, |x, y| image::Rgb([x as u8, y as u8, 7]));
    let mut png = std::io::Cursor::new(Vec::new());
    pixels
        .write_to(&mut png, image::ImageFormat::Png)
        .expect("encodes");
    let png = png.into_inner();
    let mxc = side.alice.upload(png.clone(), "image/png", "cat.png").await;
    let link = json!({"mxc": mxc.expect("uploaded"), "room_id": side.room_id});
    let link = side.process.issue(link).await;
    let thumbnail = url(&link).replace("/m/", "/t/") + "?width=300&height=200&method=scale";
    for round in 0..2 {
        if round == 1 {
            // What was followed once is there without it.
            side.synapse.stop().await.expect("stops");
        }
        let get = |url: &str| side.process.client.get(url.to_owned());
        let part = get(&url(&link)).header("Range", "bytes=1000-1999");
        let part = part.send().await.expect("an answer");
        assert_eq!(part.status(), 206);
        assert!(part.bytes().await.expect("a part") == png[1000..2000]);
        let small = get(&thumbnail).send().await.expect("an answer");
        assert_eq!(small.status(), 200);
        let small = small.bytes().await.expect("whole");
        let small = image::load_from_memory(&small).expect("an image");
        assert_eq!((small.width(), small.height()), (320, 160));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_issued_while_synapse_is_away_is_counted_once() {
    let Some(mut side) = Side::new(ALWAYS).await else {
        return;
    };
    let mxc = side
        .alice
        .upload("words", "text/plain", "a.txt")
        .await
        .expect("uploaded");
    let first = side
        .process
        .issue(json!({"mxc": mxc, "room_id": side.room_id, "event_id": "$first"}))
        .await;
    side.wait_for(&first, "counted").await;
    side.synapse.stop().await.expect("stops");
    let other = json!({"mxc": "mxc://example.org/other", "room_id": side.room_id});
    let second = side.process.issue(other).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(side.link(&second).await["usage"]["state"], "pending");
    assert_eq!(side.status(&second).await, 502);
    side.synapse.restart().await.expect("starts again");
    side.wait_for(&second, "counted").await;
    let events = side
        .bob
        .messages(&side.room_id, &[META_EVENT])
        .await
        .expect("messages");
    assert_eq!(events.len(), 2, "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_server_without_content_tokens_auto_sends_nothing() {
    let Some(side) = Side::new("usage: {mode: auto, batch_window: 50ms}").await else {
        return;
    };
    let mxc = side
        .alice
        .upload("words", "text/plain", "a.txt")
        .await
        .expect("uploaded");
    let link = side
        .process
        .issue(json!({"mxc": mxc, "room_id": side.room_id}))
        .await;
    assert_eq!(link["usage"]["state"], "disabled");
    assert_eq!(side.status(&link).await, 200);
    side.process.drained().await;
    assert!(
        side.bob
            .messages(&side.room_id, &[META_EVENT])
            .await
            .expect("messages")
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn media_that_is_not_uploaded_yet_is_asked_for_again_later() {
    let Some(mut side) = Side::new(ALWAYS).await else {
        return;
    };
    // Synapse waits 20 seconds for the upload: longer than the harness is patient.
    let path = side.process.folder.join("bridge.yaml");
    let text = std::fs::read_to_string(&path).expect("reads");
    std::fs::write(&path, text.replacen("first_byte: 5s", "first_byte: 60s", 1)).expect("written");
    side.process.kill();
    side.process.start().await;

    let create = ["_matrix", "media", "v1", "create"];
    let create = side.alice.request(Method::POST, &create).expect("request");
    let created = crate::synapse::succeed(create.json(&json!({})))
        .await
        .expect("created");
    let mxc = created["content_uri"].as_str().expect("a URI");
    let link = side
        .process
        .issue(json!({"mxc": mxc, "room_id": side.room_id}))
        .await;
    let early = side.process.client.get(url(&link)).send().await;
    let early = early.expect("an answer");
    assert_eq!(early.status(), 503);
    assert!(early.headers().contains_key("retry-after"));
    let told: Value = early.json().await.expect("JSON");
    assert_eq!(told["errcode"], "M_NOT_YET_UPLOADED");

    let (_, media_id) = mxc.rsplit_once('/').expect("an mxc URI");
    let upload = ["_matrix", "media", "v3", "upload", "example.org", media_id];
    let upload = side.alice.request(Method::PUT, &upload).expect("request");
    let upload = upload.header("Content-Type", "text/plain").body("words");
    crate::synapse::succeed(upload).await.expect("uploaded");
    assert_eq!(side.status(&link).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_moves_on_when_synapse_upgrades_a_room() {
    let Some(side) = Side::new(ALWAYS).await else {
        return;
    };
    let room = &side.room_id;
    // Synapse mutes the old room: whoever has not the power cannot redact there any more.
    let levels = |room: &str| {
        let path = [
            "_matrix",
            "client",
            "v3",
            "rooms",
            room,
            "state",
            "m.room.power_levels",
            "",
        ];
        let (alice, path) = (side.alice.clone(), path.map(str::to_owned));
        async move {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let request = alice.request(Method::GET, &path).expect("a request");
            (
                crate::synapse::succeed(request).await.expect("levels"),
                path.iter()
                    .map(|part| (*part).to_owned())
                    .collect::<Vec<_>>(),
            )
        }
    };
    let (mut content, path) = levels(room).await;
    content["users"][BOT] = json!(50);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let set = side.alice.request(Method::PUT, &path).expect("a request");
    crate::synapse::succeed(set.json(&content))
        .await
        .expect("set");

    let mxc = side.alice.upload("words", "text/plain", "a.txt").await;
    let link = json!({"mxc": mxc.expect("uploaded"), "room_id": room});
    let link = side.process.issue(link).await;
    side.wait_for(&link, "counted").await;
    let upgrade = ["_matrix", "client", "v3", "rooms", room, "upgrade"];
    let upgrade = side.alice.request(Method::POST, &upgrade).expect("request");
    let told = crate::synapse::succeed(upgrade.json(&json!({"new_version": "12"})));
    let told = told.await.expect("upgraded");
    let successor = told["replacement_room"].as_str().expect("a room");
    let (muted, _) = levels(room).await;
    assert!(muted["events_default"].as_i64() >= Some(50), "{muted}");
    side.alice.invite(successor, BOT).await.expect("invited");

    let live = async |room: &str| {
        let events = side.alice.messages(room, &[META_EVENT]).await;
        let events = events.expect("messages");
        let is_live = |event: &&Value| !event["unsigned"]["redacted_because"].is_object();
        events.iter().filter(is_live).count()
    };
    eventually("the usage to move", async || {
        (live(successor).await == 1 && live(room).await == 0).then_some(())
    })
    .await;
    assert_eq!(side.status(&link).await, 200);
}
