//! Answers that do not say that media is gone: it is served from the cache as before.

use std::time::Duration;

use serde_json::json;
use support::faulty::{Fault, error};

use super::scene::{HOUR, MINUTE, Scene, UNTOUCHED};

/// Answers by which nobody knows whether the media is there.
fn unclear() -> Vec<Fault> {
    let html = |status| Fault::Answer(status, "<html>no such page</html>".to_owned());
    vec![
        html(404),
        html(410),
        html(502),
        error(404, "M_UNRECOGNIZED"),
        error(500, "M_NOT_FOUND"),
        error(403, "M_FORBIDDEN"),
        error(401, "M_UNKNOWN_TOKEN"),
        error(429, "M_LIMIT_EXCEEDED"),
        error(504, "M_NOT_YET_UPLOADED"),
        Fault::DropBefore,
        Fault::DropAfter,
    ]
}

#[tokio::test]
async fn media_is_served_from_the_cache_while_nobody_says_that_it_is_gone() {
    let scene = Scene::new(UNTOUCHED).await;
    scene.world.clean_up().await;
    for fault in unclear() {
        for _ in 0..2 {
            scene.service.clock.advance(HOUR);
            // The same to both endpoints: the old one says M_NOT_FOUND of all that needs a token.
            let told = format!("{fault:?}");
            scene
                .faulty
                .next("/client/v1/media/download/", [fault.clone()]);
            assert_eq!(scene.status().await, 200, "{told}");
            assert_eq!(scene.faulty.left(), 0, "{told}");
        }
    }
    assert_eq!(scene.state().await, "live");
    scene.service.stop().await;
}

#[tokio::test]
async fn a_homeserver_that_is_away_or_hangs_takes_nothing_from_the_cache() {
    let scene = Scene::new(UNTOUCHED).await;
    scene.faulty.set_away(true);
    for _ in 0..3 {
        scene.service.clock.advance(24 * HOUR);
        assert_eq!(scene.status().await, 200);
    }
    scene.faulty.set_away(false);
    scene.service.clock.advance(24 * HOUR);
    scene.next([Fault::HoldAfter]);
    assert_eq!(scene.status().await, 200, "nobody waits for ever");
    scene.service.stop().await;
}

#[tokio::test]
async fn a_404_that_is_no_matrix_error_is_not_told_as_gone() {
    let scene = Scene::new("usage: {batch_window: 20ms, touch: never}\nmedia: {cache: null}").await;
    for _ in 0..2 {
        scene.service.clock.advance(MINUTE);
        let html = Fault::Answer(404, "<html>".to_owned());
        // Neither endpoint is there.
        scene.next([html.clone(), html]);
        assert_eq!(scene.told().await, (502, json!("M_UNKNOWN")));
    }
    assert_eq!(scene.state().await, "live");
    scene.service.stop().await;
}

#[tokio::test]
async fn one_question_is_asked_for_all_who_follow_and_they_do_not_wait_for_it() {
    let scene = Scene::new(UNTOUCHED).await;
    let asked = scene.asked();
    scene.service.clock.advance(6 * MINUTE);
    // Its answer never comes.
    scene.next([Fault::HoldAfter]);
    let follows = (0..30).map(|_| scene.service.follow(&scene.link));
    for response in futures_util::future::join_all(follows).await {
        assert_eq!(response.status(), 200);
    }
    scene.was_asked(asked + 1).await;
    assert_eq!(scene.status().await, 200);
    assert_eq!(scene.asked(), asked + 1, "one question");
    scene.service.stop().await;
}

#[tokio::test]
async fn media_that_is_not_to_be_revalidated_is_not_asked_for() {
    let more = format!("{UNTOUCHED}\nmedia: {{revalidate: never}}");
    let scene = Scene::new(&more).await;
    let asked = scene.asked();
    scene.service.clock.advance(1000 * HOUR);
    scene.world.clean_up().await;
    assert_eq!(scene.status().await, 410, "its time is over");
    let body = json!({"mxc": scene.mxc, "room_id": scene.world.room_id, "event_id": "$other"});
    let link = scene.service.issue(body).await;
    assert_eq!(scene.service.follow(&link).await.status(), 200);
    assert_eq!(scene.asked(), asked);
    scene.service.stop().await;
}

#[tokio::test]
async fn a_yes_is_a_touch() {
    let scene = Scene::new("usage: {batch_window: 20ms, touch: 1h, touch_rate: 100/s}").await;
    // Longer than the toucher waits when nothing is due.
    let a_while = || tokio::time::sleep(Duration::from_secs(6));
    for _ in 0..3 {
        scene.service.clock.advance(55 * MINUTE);
        // So long after the last answer, the reader waits for the next one.
        assert_eq!(scene.status().await, 200);
    }
    a_while().await;
    let asked = scene.asked();
    scene.service.clock.advance(40 * MINUTE);
    a_while().await;
    assert_eq!(scene.asked(), asked, "it was touched less than an hour ago");
    scene.service.clock.advance(HOUR);
    scene.was_asked(asked + 1).await;
    scene.service.stop().await;
}
