//! A text is uploaded, linked, counted and released.

use serde_json::json;
use support::url;

use super::scene::{MODES, Mode, Scene, TEXT};

#[tokio::test]
async fn a_text_is_uploaded_linked_counted_and_released_on_each_kind_of_homeserver() {
    for mode in MODES {
        let scene = Scene::new(mode).await;
        let event_id = scene.message(TEXT).await;
        let link = scene
            .paste(json!({"event_id": event_id, "filename": "main.rs", "sender": "@alice:example.org"}))
            .await;
        assert_eq!(
            link["excerpt"],
            "fn main() {\nprintln!(\"<hello> & 'goodbye' ünï\");\n}"
        );
        assert!(url(&link).ends_with("/main.rs"), "{link}");
        let response = scene.service.follow(&link).await;
        let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(
            header("content-disposition"),
            "inline; filename=\"main.rs\""
        );
        assert_eq!(header("content-length"), TEXT.len().to_string());
        assert_eq!(response.text().await.expect("a body"), TEXT);

        scene.counted(&link).await;
        assert_eq!(scene.text(&link).await, (200, TEXT.to_owned()), "{mode:?}");
        let media = scene.media(&link).await;
        match mode {
            Mode::Plain => {}
            Mode::Tokens => assert_eq!(media["references"], 1),
            Mode::Linked => {
                let counted = scene.service.link(&link).await;
                assert_eq!(media["attached_to"], counted["usage"]["event_id"]);
                assert_eq!(scene.world.requests("media.copy").await, 0);
            }
        }
        assert_eq!(scene.uploads().await, 1);

        scene.world.redact(&scene.world.room_id, &event_id).await;
        scene.ends(&link, "redacted").await;
        assert_eq!(scene.text(&link).await.0, 410, "{mode:?}");
        scene.service.drained().await;
        if mode != Mode::Plain {
            scene.service.wait_for_usage(&link, "released").await;
            scene.world.clean_up().await;
            assert_eq!(scene.media(&link).await["deleted"], true, "{mode:?}");
        }
        // No second upload for a message that is known to be redacted.
        let (status, told) = scene.ask(json!({"event_id": event_id})).await;
        assert_eq!((status.as_u16(), &told["errcode"]), (410, &json!("M_GONE")));
        assert_eq!(scene.uploads().await, 1);
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn an_expired_and_a_revoked_paste_are_released() {
    for mode in MODES {
        let scene = Scene::new(mode).await;
        let short = scene.paste(json!({"lifetime_ms": 60_000})).await;
        let revoked = scene.paste(json!({"text": "another text"})).await;
        for link in [&short, &revoked] {
            scene.counted(link).await;
            assert_eq!(scene.text(link).await.0, 200);
        }
        scene.revoke(&revoked).await;
        scene.service.clock.advance(61_000);
        scene.ends(&short, "expired").await;
        scene.service.clock.advance(3_600_000);
        for (link, state) in [(&short, "expired"), (&revoked, "revoked")] {
            assert_eq!(scene.text(link).await.0, 410, "{mode:?}");
            assert_eq!(scene.service.link(link).await["state"], state);
            if mode != Mode::Plain {
                scene.service.wait_for_usage(link, "released").await;
            }
        }
        scene.service.drained().await;
        if mode != Mode::Plain {
            scene.world.clean_up().await;
            for link in [&short, &revoked] {
                assert_eq!(scene.media(link).await["deleted"], true, "{mode:?}");
            }
        }
        scene.service.stop().await;
    }
}
