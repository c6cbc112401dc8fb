//! Links that bridges make by themselves live by the events that show their media.

use serde_json::json;
use support::faulty::error;

use super::scene::{Scene, VERSION, redaction};

#[tokio::test]
async fn media_of_an_event_that_may_be_redacted_is_not_shown_until_that_is_told() {
    for (version, followed_before) in [("10", true), ("10", false), ("11", true)] {
        let entry = "legacy_links: [{format: unsigned, bridge: irc, lifetime: 1h}]";
        let scene = Scene::new(version, entry).await;
        let media = scene.mxc.strip_prefix("mxc://").expect("an mxc URI");
        let path = format!("/_matrix/media/v3/download/{media}");
        let status = async || scene.service.get(&path).await.status().as_u16();
        let shown = |event_id: &str| {
            json!({"type": "m.room.message", "event_id": event_id, "room_id": scene.room, "sender": "@alice:example.org",
                "content": {"msgtype": "m.file", "url": scene.mxc, "content_token": scene.token}})
        };
        scene.push("shown", json!([shown("$top")])).await;
        if followed_before {
            assert_eq!(status().await, 200);
        }
        scene.faulty.always(VERSION, &error(500, "M_UNKNOWN"));
        scene
            .push("one", json!([redaction(&scene.room, "$top", "$content")]))
            .await;
        assert_eq!(status().await, 410);
        scene.push("again", json!([shown("$content")])).await;
        assert_eq!(status().await, 410, "it is in question, too");
        scene.push("another", json!([shown("$another")])).await;
        assert_eq!(status().await, 200, "another event shows it");
        let another = redaction(&scene.room, "$another", "$another");
        scene.push("without", json!([another])).await;
        assert_eq!(status().await, 410);
        scene.faulty.forgive();
        scene.joined("join").await;
        support::eventually("the event that is left", async || {
            (status().await == 200).then_some(())
        })
        .await;
        let left = if version == "10" { "$content" } else { "$top" };
        scene
            .push("last", json!([redaction(&scene.room, left, left)]))
            .await;
        assert_eq!(status().await, 410);
        scene.service.stop().await;
    }
}
