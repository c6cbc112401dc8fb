//! Links and pastes are followed, counted, revoked and released.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{BOT, eventually, url};

use super::side::{ALWAYS, META_EVENT, Side};

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

    let event_id = assert_counted(&side, &link, &mxc).await;

    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
    side.process
        .call(Method::DELETE, &path, &json!({}))
        .await
        .expect("an answer");
    assert_eq!(side.status(&link).await, 410);
    side.wait_for(&link, "released").await;
    let (_, event) = side
        .bob
        .event(&side.room_id, &event_id)
        .await
        .expect("an event");
    assert!(event["unsigned"]["redacted_because"].is_object(), "{event}");
    assert_eq!(event["content"], json!({}));
}

/// The meta event counts the medium, and does not say its URI; its ID.
async fn assert_counted(side: &Side, link: &Value, mxc: &str) -> String {
    let counted = side.wait_for(link, "counted").await;
    let events = side
        .bob
        .messages(&side.room_id, &[META_EVENT])
        .await
        .expect("messages");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event_id"], counted["usage"]["event_id"]);
    assert_eq!(events[0]["sender"], BOT);
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(mxc));
    assert_eq!(events[0]["content"]["content_token"], json!({}));
    assert_eq!(events[0]["content"]["references"][0]["hash"], json!(hash));
    assert!(
        !events[0].to_string().contains(mxc),
        "the event does not tell the URI"
    );
    events[0]["event_id"].as_str().expect("ID").to_owned()
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
    eventually("the link to end", async || {
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
async fn a_paste_is_followed_counted_and_ends_with_its_message() {
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

    a_paste_of_an_encrypted_room_is_sealed(&side, text).await;

    let redacted = side.alice.redact(&side.room_id, &event_id).await;
    redacted.expect("redacted");
    eventually("the link to end", async || {
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

/// In an encrypted room, Synapse gets what it cannot read.
async fn a_paste_of_an_encrypted_room_is_sealed(side: &Side, text: &str) {
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
