//! When questions are asked again, and what is decided if they are never answered.

use serde_json::json;
use support::faulty::error;

use super::scene::{Scene, VERSION, redaction};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[tokio::test]
async fn what_is_never_told_is_taken_to_end_everything_that_it_may_mean() {
    let scene = Scene::new("10", "").await;
    let (top, content) = (scene.link("$top").await, scene.link("$content").await);
    scene.service.wait_for_usage(&content, "counted").await;
    scene.hide_versions();
    scene
        .push("one", json!([redaction(&scene.room, "$top", "$content")]))
        .await;
    for _ in 0..14 {
        let failing = error(500, "M_UNKNOWN");
        scene.asked_in_vain(VERSION, &failing).await;
        assert_eq!(
            scene.service.link(&content).await["usage"]["state"],
            "counted"
        );
    }
    scene.service.clock.advance(7 * DAY_MS);
    scene.service.wait_for_usage(&content, "released").await;
    scene.faulty.forgive();
    scene.joined("join").await;
    for link in [&top, &content] {
        assert_eq!(scene.status(link).await, 410);
        assert_eq!(scene.state(link).await, "redacted");
    }
    scene.service.stop().await;
}

#[tokio::test]
async fn a_room_that_may_not_be_read_any_more_decides_for_the_safe_side() {
    for refusal in [error(403, "M_FORBIDDEN"), error(404, "M_NOT_FOUND")] {
        let scene = Scene::new("10", "").await;
        let (top, content) = (scene.link("$top").await, scene.link("$content").await);
        scene.service.wait_for_usage(&content, "counted").await;
        scene.hide_versions();
        scene
            .push("one", json!([redaction(&scene.room, "$top", "$content")]))
            .await;
        assert_eq!(
            scene.service.link(&content).await["usage"]["state"],
            "counted"
        );
        scene.asked_in_vain(VERSION, &refusal).await;
        scene.service.wait_for_usage(&content, "released").await;
        for link in [&top, &content] {
            assert_eq!(scene.status(link).await, 410, "{refusal:?}");
        }
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn a_silent_room_is_asked_less_and_less_often() {
    let scene = Scene::new("10", "").await;
    scene.hide_versions();
    scene
        .push("one", json!([redaction(&scene.room, "$top", "$content")]))
        .await;
    let failing = error(500, "M_UNKNOWN");
    let mut waits = Vec::new();
    for _ in 0..14 {
        waits.push(scene.asked_in_vain(VERSION, &failing).await);
    }
    // From ten seconds, after the first question at once, to an hour.
    assert!(waits[1..9].is_sorted_by(|a, b| a < b), "{waits:?}");
    let hour = 60 * 60 * 1000;
    assert!(
        waits[11..]
            .iter()
            .all(|wait| (hour / 2..=hour).contains(wait)),
        "{waits:?}"
    );
    scene.service.stop().await;
}
