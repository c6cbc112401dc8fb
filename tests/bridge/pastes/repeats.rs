//! A bridge that asks again, and uploads that fail.

use reqwest::Method;
use serde_json::json;
use support::faulty::{Fault, error};

use super::scene::{MODES, Mode, Scene, TEXT};

#[tokio::test]
async fn a_bridge_that_repeats_itself_gets_the_link_it_has() {
    for mode in MODES {
        let scene = Scene::new(mode).await;
        let asked = json!({"event_id": "$e", "filename": "a.txt", "language": "rust"});
        let first = scene.paste(asked.clone()).await;
        let (status, again) = scene.ask(asked.clone()).await;
        assert_eq!(status, 200);
        for field in ["link_id", "url", "mxc", "excerpt", "expires_ts"] {
            assert_eq!(again[field], first[field], "{field}");
        }
        // As a file or its changes: a message of another event, name, language or text is another.
        for (field, value) in [
            ("event_id", json!("$f")),
            ("event_id", json!(null)),
            ("filename", json!("b.txt")),
            ("language", json!("c")),
            ("text", json!("other")),
        ] {
            let mut other = asked.clone();
            other[field] = value;
            let other = scene.paste(other).await;
            assert_ne!(other["link_id"], first["link_id"], "{field}");
        }
        assert_eq!(scene.uploads().await, 6);
        // A lifetime counts from now.
        scene.service.clock.advance(10_000);
        let mut longer = asked.clone();
        longer["lifetime_ms"] = json!(3_600_000);
        let (status, told) = scene.ask(longer).await;
        assert_eq!(
            (status.as_u16(), &told["link_id"]),
            (200, &first["link_id"])
        );
        let moved = told["expires_ts"].as_i64().expect("a time") - 3_600_000;
        assert!(moved >= first["issued_ts"].as_i64().expect("a time") + 10_000);
        // One that is over is made anew.
        scene.counted(&first).await;
        scene.revoke(&first).await;
        let second = scene.paste(asked).await;
        assert_ne!(second["mxc"], first["mxc"]);
        assert_eq!(scene.uploads().await, 7);
        assert_eq!(scene.text(&second).await.0, 200);
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn the_same_text_asked_for_by_many_at_once_is_uploaded_once() {
    for mode in MODES {
        let scene = Scene::new(mode).await;
        let asked = (0..8).map(|_| scene.ask(json!({"event_id": "$e"})));
        let answers = futures_util::future::join_all(asked).await;
        let new = answers.iter().filter(|(status, _)| *status == 201).count();
        assert_eq!(new, 1, "{answers:?}");
        for (_, link) in &answers {
            assert_eq!(link["link_id"], answers[0].1["link_id"]);
        }
        assert_eq!(scene.uploads().await, 1);
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn an_upload_that_fails_is_told_and_can_be_repeated() {
    for mode in MODES {
        let scene = Scene::new(mode).await;
        let limited =
            r#"{"errcode": "M_LIMIT_EXCEEDED", "error": "slow down", "retry_after_ms": 1582}"#;
        for (fault, status, errcode) in [
            (error(413, "M_TOO_LARGE"), 413, "M_TOO_LARGE"),
            (error(403, "M_FORBIDDEN"), 502, "M_FORBIDDEN"),
            (error(401, "M_UNKNOWN_TOKEN"), 502, "M_UNKNOWN"),
            (error(500, "M_UNKNOWN"), 502, "M_UNKNOWN"),
            (error(504, "M_UNKNOWN"), 504, "M_UNKNOWN"),
            (Fault::Answer(200, "{}".to_owned()), 502, "M_UNKNOWN"),
            (
                Fault::Answer(200, r#"{"content_uri": "mxc://a/.."}"#.to_owned()),
                502,
                "M_UNKNOWN",
            ),
            (
                Fault::Answer(
                    200,
                    r#"{"content_uri": "mxc://a/b", "content_token": "a b"}"#.to_owned(),
                ),
                502,
                "M_UNKNOWN",
            ),
            (Fault::DropBefore, 502, "M_UNKNOWN"),
            (
                Fault::Answer(429, limited.to_owned()),
                429,
                "M_LIMIT_EXCEEDED",
            ),
        ] {
            scene.faulty.next("/upload", [fault.clone()]);
            let (found, told) = scene.ask(json!({})).await;
            assert_eq!(
                (found.as_u16(), &told["errcode"]),
                (status, &json!(errcode)),
                "{fault:?} {told}"
            );
            let wait = told.get("retry_after_ms");
            assert_eq!(wait, (status == 429).then_some(&json!(1582)));
        }
        assert_eq!((scene.faulty.left(), scene.uploads().await), (0, 0));
        // An upload whose answer is lost is one that nothing refers to.
        scene.faulty.next("/upload", [Fault::DropAfter]);
        assert_eq!(scene.ask(json!({})).await.0, 502);
        let link = scene.paste(json!({})).await;
        assert_eq!(scene.uploads().await, 2);
        assert_eq!(scene.text(&link).await, (200, TEXT.to_owned()));
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn the_homeserver_s_retry_is_a_header_too() {
    let scene = Scene::new(Mode::Plain).await;
    let limited = r#"{"errcode": "M_LIMIT_EXCEEDED", "error": "", "retry_after_ms": 1582}"#;
    scene
        .faulty
        .next("/upload", [Fault::Answer(429, limited.to_owned())]);
    let body = json!({"text": TEXT, "room_id": scene.world.room_id});
    let request = scene.service.api(Method::POST, "/v1/pastes").json(&body);
    let response = request.send().await.expect("an answer");
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["retry-after"]
        ),
        (429, &"2".parse().expect("value"))
    );
    scene.service.stop().await;
}
