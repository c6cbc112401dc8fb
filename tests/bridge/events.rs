//! `POST /v1/events`: a corpus of events, and what is answered.

use std::fs;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Service, World, answer, encrypted::encrypted_file, url};

const EVENTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/crates/medialink-event/tests/events"
);

async fn link_text(service: &Service, body: String) -> (StatusCode, Value) {
    answer(service.api(Method::POST, "/v1/events").body(body)).await
}

/// An answer without what differs from run to run: tokens, ports and times.
fn steady(service: &Service, answer: &Value) -> String {
    let mut text = serde_json::to_string_pretty(answer).expect("JSON");
    let mut tokens = Vec::new();
    for entry in answer["links"].as_array().into_iter().flatten() {
        let Some(link) = entry["link"].as_object() else {
            continue;
        };
        let url = link["url"].as_str().expect("a URL");
        let token = url.split('/').nth(4).expect("a token").to_owned();
        for (name, value) in link {
            if name.ends_with("_ts") || name == "link_id" {
                text = text.replace(&format!("\"{name}\": {value}"), &format!("\"{name}\": …"));
            }
        }
        if !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    for (n, token) in tokens.iter().enumerate() {
        text = text.replace(token.as_str(), &format!("TOKEN{n}"));
    }
    text.replace(&service.public, "https://media.example.org")
}

#[tokio::test]
async fn every_event_of_the_corpus_is_answered_as_written_down() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let mut names: Vec<_> = fs::read_dir(EVENTS)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    assert!(names.len() > 40, "the corpus is there");
    for path in names {
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name");
        let body = fs::read_to_string(&path).expect("a file");
        let (status, answer) = link_text(&service, body).await;
        let told = format!("{} {}", status.as_u16(), steady(&service, &answer));
        insta::with_settings!({snapshot_path => "../events-answers", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name, told);
        });
    }
    service.stop().await;
}

/// An event of the room with this content, which nobody has sent.
fn event_of(room_id: &str, content: Value) -> Value {
    json!({"type": "m.room.message", "room_id": room_id, "event_id": "$e", "sender": "@alice:example.org", "content": content})
}

async fn links_of(service: &Service, body: &Value) -> Value {
    let (status, answer) = service.call(Method::POST, "/v1/events", body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn hostile_events_are_answered_and_bounded() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let room = "!room:example.org";
    let deep = format!(
        "{{\"event\": {{\"type\": \"m.room.message\", \"room_id\": \"{room}\", \"content\": {{\"url\": \"mxc://e.org/a\", \"x\": {}1{}}}}}}}",
        "[".repeat(1000),
        "]".repeat(1000)
    );
    let (status, told) = link_text(&service, deep).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (400, &json!("M_BAD_JSON"))
    );
    assert!(
        told["error"]
            .as_str()
            .is_some_and(|told| told.contains("nested too deeply")),
        "{told}"
    );

    many_media_are_bounded(&service, room).await;

    for (body, errcode) in [
        ("[]".to_owned(), "M_BAD_JSON"),
        ("{\"event\": ".to_owned(), "M_NOT_JSON"),
        ("{}".to_owned(), "M_MISSING_PARAM"),
        ("{\"event\": {}, \"evnt\": 1}".to_owned(), "M_BAD_JSON"),
        (
            format!("{{\"event\": \"{}\"}}", "x".repeat(300_000)),
            "M_TOO_LARGE",
        ),
    ] {
        let (_, told) = link_text(&service, body).await;
        assert_eq!(told["errcode"], errcode, "{told}");
    }
    let unknown = client_without_token(&service).await;
    assert_eq!(unknown, 401);
    service.stop().await;
}

/// Many media in one event, and one medium many times.
async fn many_media_are_bounded(service: &Service, room: &str) {
    let images: String = (0..1800)
        .map(|n| format!("<img src='mxc://e.org/{n}'>"))
        .collect();
    assert!(images.len() > 40_000);
    let body = json!({"event": event_of(room, json!({"msgtype": "m.text", "body": "x", "format": "org.matrix.custom.html", "formatted_body": images}))});
    let answer = links_of(service, &body).await;
    let links = answer["links"].as_array().expect("a list");
    assert_eq!(links.len(), 1800);
    assert!(
        links[..1000]
            .iter()
            .all(|entry| entry["link"]["url"].is_string())
    );
    assert!(
        links[1000..]
            .iter()
            .all(|entry| entry["error"]["errcode"] == "M_TOO_LARGE")
    );
    assert_eq!(links[1799]["path"], "content.formatted_body[1799]");

    let same = "<img src='mxc://e.org/same'>".repeat(2000);
    let body = json!({"event": event_of(room, json!({"msgtype": "m.text", "body": "x", "formatted_body": same}))});
    let answer = links_of(service, &body).await;
    let urls: std::collections::BTreeSet<_> = answer["links"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["link"]["url"].to_string())
        .collect();
    assert_eq!(urls.len(), 1, "one medium, one link");
}

async fn client_without_token(service: &Service) -> u16 {
    let request = service
        .client
        .post(format!("{}/v1/events", service.internal));
    answer(request.json(&json!({"event": {}}))).await.0.as_u16()
}

#[tokio::test]
async fn links_to_an_image_and_its_thumbnail_end_with_the_event() {
    let world = World::new().await;
    let service = world.service("usage: {batch_window: 20ms}").await;
    let (image, image_token) = world.upload("an image", "image/png").await;
    let (small, small_token) = world.upload("a thumbnail", "image/png").await;
    let hash = |mxc: &str| {
        medialink_link::matrix::MxcUri::parse(mxc)
            .expect("a URI")
            .hash()
    };
    let content = json!({
        "msgtype": "m.image", "body": "cat.png", "url": image,
        "info": {"mimetype": "image/png", "size": 8, "w": 800, "h": 600, "thumbnail_url": small},
        "content_token": { (hash(&image)): image_token, (hash(&small)): small_token },
    });
    let event_id = world.send(&world.room_id, "m.room.message", &content).await;
    let mut event = event_of(&world.room_id, content.clone());
    event["event_id"] = json!(event_id);
    let body = json!({"event": event});
    let answer = links_of(&service, &body).await;
    let link = |n: usize| answer["links"][n]["link"].clone();
    for (n, kind, text) in [(0, "file", "an image"), (1, "thumbnail", "a thumbnail")] {
        assert_eq!(answer["links"][n]["kind"], kind);
        let response = service.follow(&link(n)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.text().await.expect("a body"), text);
        service.wait_for_usage(&link(n), "counted").await;
    }
    shows_its_size(&service, &link(0)).await;
    assert!(
        !answer.to_string().contains(&image_token),
        "no token in the answer"
    );

    // Asked again, nothing is new; an edit's links are of the event that it edits.
    assert_eq!(
        links_of(&service, &body).await["links"][0]["link"]["link_id"],
        link(0)["link_id"]
    );
    let mut edit = event_of(
        &world.room_id,
        json!({"msgtype": "m.image", "body": "* cat", "m.new_content": content,
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id}}),
    );
    edit["event_id"] = json!("$edit");
    let edited = links_of(&service, &json!({"event": edit})).await;
    assert_eq!(edited["links"][0]["link"]["link_id"], link(0)["link_id"]);

    world.redact(&world.room_id, &event_id).await;
    service.redact(&world.room_id, &event_id).await;
    assert_eq!(service.follow(&link(0)).await.status(), 410);
    assert_eq!(service.follow(&link(1)).await.status(), 410);
    is_gone(&service, &body).await;
    service.stop().await;
}

/// The page of an image says how large it is.
async fn shows_its_size(service: &Service, link: &Value) {
    let page = service.client.get(url(link).replace("/m/", "/v/"));
    let page = page
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a page");
    assert!(page.contains("800 × 600 pixels"), "{page}");
}

#[tokio::test]
async fn an_encrypted_image_opens_decrypted() {
    let world = World::new().await;
    let service = world.service("links: {provenance: check}").await;
    let (file, token) = encrypted_file(&world, b"\x89PNG\r\n\x1a\nplain").await;
    let cleartext = json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgAEn", "content_token": token});
    let event_id = world
        .send(&world.room_id, "m.room.encrypted", &cleartext)
        .await;
    let mut event = event_of(&world.room_id, cleartext);
    event["type"] = json!("m.room.encrypted");
    event["event_id"] = json!(event_id);
    let decrypted = json!({"type": "m.room.message", "room_id": world.room_id,
        "content": {"msgtype": "m.image", "body": "cat.png", "file": file, "info": {"mimetype": "image/png"}}});
    let answer = links_of(&service, &json!({"event": event, "decrypted": decrypted})).await;
    let response = service.follow(&answer["links"][0]["link"]).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "image/png");
    assert_eq!(
        &response.bytes().await.expect("a body")[..],
        b"\x89PNG\r\n\x1a\nplain"
    );

    // Where proof is asked for, an event that the homeserver does not show gives no links.
    event["event_id"] = json!("$unknown");
    let answer = links_of(&service, &json!({"event": event, "decrypted": decrypted})).await;
    assert_eq!(answer["links"][0]["error"]["status"], 400, "{answer}");
    assert!(answer["links"][0].get("link").is_none(), "{answer}");
    service.stop().await;
}

#[tokio::test]
async fn links_that_an_edit_has_added_end_with_the_edit() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let image = |id: &str| json!({"msgtype": "m.image", "body": "a", "url": format!("mxc://example.org/{id}")});
    let edit = |edit_id: &str, id: &str| {
        let mut edit = event_of(
            &world.room_id,
            json!({"msgtype": "m.image", "body": "* a", "m.new_content": image(id),
            "m.relates_to": {"rel_type": "m.replace", "event_id": "$e"}}),
        );
        edit["event_id"] = json!(edit_id);
        json!({ "event": edit })
    };
    let original = links_of(
        &service,
        &json!({"event": event_of(&world.room_id, image("a"))}),
    )
    .await;
    let kept = links_of(&service, &edit("$edit", "a")).await;
    let brought = links_of(&service, &edit("$edit", "b")).await;
    assert_eq!(brought["links"][0]["link"]["event_id"], "$e");

    service.redact(&world.room_id, "$edit").await;
    let state =
        async |answer: &Value| service.link(&answer["links"][0]["link"]).await["state"].clone();
    assert_eq!(state(&brought).await, "redacted");
    assert_eq!(
        state(&original).await,
        "live",
        "the event itself has shown it"
    );
    assert_eq!(
        kept["links"][0]["link"]["link_id"],
        original["links"][0]["link"]["link_id"]
    );
    is_gone(&service, &edit("$edit", "b")).await;
    service.stop().await;
}

/// There are no more links for an event that is redacted.
async fn is_gone(service: &Service, body: &Value) {
    let (status, told) = service.call(Method::POST, "/v1/events", body).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (410, &json!("M_GONE")),
        "{told}"
    );
}
