//! Failures that pass: everything is tried again, and counted once.

use support::{
    eventually,
    faulty::{Fault, error},
};

use super::play::{MINUTE, Play, limited};

#[tokio::test]
async fn limits_are_waited_for() {
    Play::new("")
        .await
        .holds_under(vec![limited(), limited()], vec![limited(), limited()])
        .await;
}

#[tokio::test]
async fn nothing_is_tried_again_before_the_time_that_was_told() {
    let told =
        "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"error\": \"slow\", \"retry_after_ms\": 600000}";
    for word in ["/send/", "/redact/"] {
        let play = Play::new("").await;
        let limited = [Fault::Answer(429, told.to_owned())];
        let link = if word == "/send/" {
            play.faulty.next(word, limited);
            play.issue().await
        } else {
            let link = play.issue().await;
            play.service.wait_for_usage(&link, "counted").await;
            play.faulty.next(word, limited);
            play.revoke(&link).await;
            link
        };
        eventually("the limit", async || {
            (play.faulty.left() == 0).then_some(())
        })
        .await;
        for _ in 0..9 {
            play.service.clock.advance(MINUTE);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(play.faulty.seen(word), 1, "too early: {word}");
        play.service.clock.advance(2 * MINUTE);
        let (state, expected) = if word == "/send/" {
            ("counted", 1)
        } else {
            ("released", 0)
        };
        play.service.wait_for_usage(&link, state).await;
        assert_eq!(play.faulty.seen(word), 2);
        play.counted(expected).await;
        play.service.stop().await;
    }
}

#[tokio::test]
async fn server_errors_are_tried_again() {
    let errors = || {
        vec![
            error(500, "M_UNKNOWN"),
            error(502, ""),
            Fault::Answer(503, "<html>".to_owned()),
        ]
    };
    Play::new("").await.holds_under(errors(), errors()).await;
}

#[tokio::test]
async fn lost_answers_count_once() {
    let lost = || vec![Fault::DropAfter, Fault::DropBefore, Fault::DropAfter];
    Play::new("").await.holds_under(lost(), lost()).await;
}

#[tokio::test]
async fn a_token_that_the_operator_mends_and_a_lost_device_are_tried_again() {
    let faults = || {
        vec![
            error(401, "M_UNKNOWN_TOKEN"),
            error(400, "M_UNKNOWN_DEVICE"),
            Fault::Answer(404, "<html>".to_owned()),
        ]
    };
    Play::new("")
        .await
        .holds_under(faults(), faults()[..2].to_vec())
        .await;
}

#[tokio::test]
async fn a_homeserver_that_is_away_for_a_minute_counts_once() {
    let play = Play::new("").await;
    play.faulty.set_away(true);
    let link = play.issue().await;
    for _ in 0..12 {
        play.service.clock.advance(MINUTE / 12);
        tokio::task::yield_now().await;
        assert_eq!(play.service.link(&link).await["usage"]["state"], "pending");
    }
    play.faulty.set_away(false);
    play.skip_to(&link, "counted").await;
    play.counted(1).await;
    play.faulty.set_away(true);
    play.revoke(&link).await;
    play.service.clock.advance(MINUTE);
    play.faulty.set_away(false);
    play.skip_to(&link, "released").await;
    play.counted(0).await;
    play.service.stop().await;
}

#[tokio::test]
async fn a_misrouted_redaction_is_repeated() {
    Play::new("")
        .await
        .holds_under(vec![], vec![error(404, "M_UNRECOGNIZED")])
        .await;
}

#[tokio::test]
async fn a_homeserver_that_makes_no_device_is_asked_now_and_then() {
    let play = Play::new("").await;
    play.faulty.next(
        "/devices/",
        std::iter::repeat_with(|| error(503, "M_UNKNOWN")).take(40),
    );
    let link = play.issue().await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let asked = play.faulty.seen("/devices/");
    assert!((1..=3).contains(&asked), "asked {asked} times");
    assert_eq!(play.service.link(&link).await["usage"]["state"], "pending");
    play.service
        .leave_unfinished("without a device nothing is sent");
    play.service.stop().await;
}

#[tokio::test]
async fn a_homeserver_that_does_not_know_its_own_paths_for_a_while_is_tried_again() {
    let lost = || vec![error(404, "M_UNRECOGNIZED"), error(405, "M_UNRECOGNIZED")];
    Play::new("").await.holds_under(lost(), lost()).await;
}
