//! Which pastes there are: encryption, lengths, policies, events.

use matrix_test_server::Options;
use serde_json::json;
use support::{
    eventually,
    faulty::{Fault, error},
};

use super::scene::{MODES, Mode, Scene, TEXT, UNCACHED, options};

#[tokio::test]
async fn a_paste_of_an_encrypted_room_is_ciphertext_for_the_homeserver() {
    for mode in MODES {
        let scene = Scene::new(mode).await;
        let plain = scene.paste(json!({"filename": "main.rs"})).await;
        let (bytes, kind, name) = scene.stored(&plain).await;
        assert_eq!(
            (bytes.as_slice(), kind.as_str()),
            (TEXT.as_bytes(), "text/plain; charset=utf-8")
        );
        assert!(name.expect("a name").contains("main.rs"));
        assert!(scene.row(&plain).await.claims.file.is_none());

        scene.encrypt_room().await;
        // What was seen a moment ago is believed for a moment.
        let link = eventually("the room to be known as encrypted", async || {
            let asked =
                json!({"filename": "main.rs", "event_id": format!("${}", scene.uploads().await)});
            let link = scene.paste(asked).await;
            scene.row(&link).await.claims.file.is_some().then_some(link)
        })
        .await;
        let (bytes, kind, name) = scene.stored(&link).await;
        assert_eq!(
            (bytes.len(), kind.as_str()),
            (TEXT.len(), "application/octet-stream")
        );
        assert_eq!(name, None, "{mode:?}");
        let shared = bytes.iter().zip(TEXT.bytes()).filter(|(a, b)| **a == *b);
        assert!(shared.count() < TEXT.len() / 2, "it is not encrypted");
        let file = scene.row(&link).await.claims.file.clone().expect("keys");
        assert_eq!(file.iv[8..], [0; 8]);

        assert_eq!(scene.text(&link).await, (200, TEXT.to_owned()));
        assert!(
            scene
                .page(&link)
                .await
                .contains("<span class=\"f\">main</span>")
        );
        scene.counted(&link).await;
        assert_eq!(scene.text(&link).await, (200, TEXT.to_owned()), "{mode:?}");
        // Another text has another key.
        let other = scene.paste(json!({"text": "other"})).await;
        assert_ne!(
            scene
                .row(&other)
                .await
                .claims
                .file
                .clone()
                .expect("keys")
                .key,
            file.key
        );
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn a_paste_is_encrypted_if_the_room_may_be() {
    let scene = Scene::new(Mode::Tokens).await;
    for fault in [
        error(403, "M_FORBIDDEN"),
        error(500, "M_UNKNOWN"),
        Fault::DropBefore,
    ] {
        scene.faulty.next("m.room.encryption", [fault]);
        let event_id = format!("${}", scene.uploads().await);
        let link = scene.paste(json!({"event_id": event_id})).await;
        assert!(scene.row(&link).await.claims.file.is_some());
        assert_eq!(scene.text(&link).await, (200, TEXT.to_owned()));
    }
    assert_eq!(scene.faulty.left(), 0);
    scene.service.stop().await;
}

#[tokio::test]
async fn a_text_has_a_longest_length() {
    let small = Options {
        max_upload_bytes: 1000,
        ..options(Mode::Tokens)
    };
    let scene = Scene::with(small, Mode::Tokens, UNCACHED).await;
    let (status, told) = scene.ask(json!({"text": "x".repeat(1001)})).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (413, &json!("M_TOO_LARGE"))
    );
    let link = scene.paste(json!({"text": "x".repeat(1000)})).await;
    assert_eq!(scene.text(&link).await.1.len(), 1000);

    scene.service.stop().await;
    let scene = Scene::new(Mode::Tokens).await;
    // A mebibyte, as long as JSON can make it.
    let longest = "\u{1}".repeat(1 << 20);
    let link = scene.paste(json!({"text": longest})).await;
    assert!(scene.text(&link).await == (200, longest));
    let (status, told) = scene.ask(json!({"text": "x".repeat((1 << 20) + 1)})).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (413, &json!("M_TOO_LARGE"))
    );

    let more = "usage: {batch_window: 20ms}\nmedia: {cache: null, max_size: 100B}";
    scene.service.stop().await;
    let scene = Scene::with(options(Mode::Tokens), Mode::Tokens, more).await;
    let (status, told) = scene.ask(json!({"text": "x".repeat(101)})).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (413, &json!("M_TOO_LARGE"))
    );
    assert_eq!(scene.uploads().await, 0);
    scene.service.stop().await;
}

#[tokio::test]
async fn the_policy_of_a_room_holds_for_pastes() {
    let scene = Scene::new(Mode::Tokens).await;
    scene
        .world
        .set_policy(&json!({"max_size": 100, "max_lifetime_ms": 60_000, "pages_only": true}))
        .await;
    let (status, told) = scene.ask(json!({"text": "x".repeat(101)})).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (403, &json!("M_TOO_LARGE"))
    );
    assert_eq!(scene.uploads().await, 0);
    let link = scene.paste(json!({})).await;
    assert_eq!(link["url"], link["page_url"]);
    let lifetime =
        link["expires_ts"].as_i64().expect("a time") - link["issued_ts"].as_i64().expect("a time");
    assert_eq!(lifetime, 60_000);

    scene.world.set_policy(&json!({"enabled": false})).await;
    scene.ends(&link, "revoked").await;
    let (status, told) = scene.ask(json!({})).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (403, &json!("M_FORBIDDEN"))
    );
    assert_eq!(scene.uploads().await, 1);
    scene.service.stop().await;
}

#[tokio::test]
async fn a_paste_needs_no_event_that_shares_it() {
    let more = format!("links: {{provenance: check}}\n{UNCACHED}");
    let scene = Scene::with(options(Mode::Tokens), Mode::Tokens, &more).await;
    let event_id = scene.message(TEXT).await;
    for asked in [json!({}), json!({"event_id": event_id})] {
        let link = scene.paste(asked).await;
        assert_eq!(scene.text(&link).await.0, 200);
    }
    scene.service.stop().await;
}

#[tokio::test]
async fn an_edit_leaves_the_pastes_of_a_message_alone_and_its_redaction_does_not() {
    let scene = Scene::new(Mode::Tokens).await;
    let (first, second) = (scene.message(TEXT).await, scene.message("second").await);
    let before = scene.paste(json!({"event_id": first})).await;
    let after = scene
        .paste(json!({"event_id": first, "text": "edited"}))
        .await;
    let other = scene.paste(json!({"event_id": second})).await;
    let edit = json!({"msgtype": "m.text", "body": "* edited",
        "m.new_content": {"msgtype": "m.text", "body": "edited"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": first}});
    let room = &scene.world.room_id;
    scene.world.send(room, "m.room.message", &edit).await;
    // The homeserver tells events in their order.
    scene.world.redact(room, &second).await;
    scene.ends(&other, "redacted").await;
    for link in [&before, &after] {
        assert_eq!(scene.text(link).await.0, 200);
    }
    scene.world.redact(room, &first).await;
    for link in [&before, &after] {
        scene.ends(link, "redacted").await;
        assert_eq!(scene.text(link).await.0, 410);
    }
    scene.service.stop().await;
}
