//! Copies and sends that fail come about once.

use support::{
    Service,
    faulty::{Fault, error},
};

use super::play::{MINUTE, Play, UNCACHED, limited, text};

#[tokio::test]
async fn copies_and_sends_that_fail_for_a_while_come_about_once() {
    Play::holds_under(vec![
        (
            "/media/copy/",
            vec![
                limited(2500),
                error(500, "M_UNKNOWN"),
                Fault::DropBefore,
                Fault::DropAfter,
            ],
        ),
        ("/send/", vec![Fault::DropAfter, error(502, "")]),
    ])
    .await;
}

#[tokio::test]
async fn a_copy_that_is_not_attached_is_made_anew() {
    Play::holds_under(vec![(
        "/send/",
        vec![error(400, "M_INVALID_PARAM"), error(400, "M_INVALID_PARAM")],
    )])
    .await;
    // Already attached: the answer to the first attempt was lost.
    Play::holds_under(vec![(
        "/send/",
        vec![Fault::DropAfter, error(400, "M_INVALID_PARAM")],
    )])
    .await;
}

#[tokio::test]
async fn a_homeserver_that_attaches_no_copy_is_not_asked_for_ever() {
    let play = Play::new().await;
    let refused = vec![error(400, "M_INVALID_PARAM"); 9];
    play.faulty.next("/send/", refused);
    let link = play.issue().await;
    play.skip_to(&link, "failed").await;
    assert_eq!(play.faulty.seen("/media/copy/"), 5);
    let told = play.last_error().await;
    assert!(told.contains("none of 5 copies"), "{told}");
    let row = play.service.link(&link).await;
    assert_eq!(row["state"], "live");
    assert_eq!(text(play.service.follow(&link).await).await.0, 200);
    play.service
        .expect_errors("usage that is refused for good is reported");
    play.service.stop().await;
}

#[tokio::test]
async fn a_young_copy_is_sent_again_and_an_old_one_is_not() {
    for (wait, copies) in [(MINUTE, 1), (6 * MINUTE, 2)] {
        let mut play = Play::new().await;
        play.faulty
            .next("/send/", [Fault::DropBefore, limited(wait)]);
        let link = play.issue().await;
        play.skip_to_no_faults().await;
        // A restart knows which copy was made, and that nobody knows what came of it.
        let clock = play.service.clock.clone();
        play.service
            .leave_unfinished("the next service goes on with it");
        play.service.stop().await;
        let folder = play.world.folder.path();
        play.service = Service::start_at(folder, &play.faulty.url, "", UNCACHED, &clock).await;
        play.skip_to(&link, "counted").await;
        assert_eq!(play.faulty.seen("/media/copy/"), copies);
        // Its URL has another port now.
        let link = play.service.link(&link).await;
        play.is_counted_once(&link).await;
        play.service.stop().await;
    }
}

#[tokio::test]
async fn an_old_copy_whose_event_has_arrived_is_not_replaced() {
    let play = Play::new().await;
    play.faulty
        .next("/send/", [Fault::DropAfter, limited(6 * MINUTE)]);
    let link = play.issue().await;
    play.skip_to(&link, "counted").await;
    assert_eq!(play.faulty.seen("/media/copy/"), 1);
    assert_eq!(play.faulty.seen("/send/"), 2);
    play.is_counted_once(&link).await;
    play.service.stop().await;
}

#[tokio::test]
async fn a_copy_that_is_refused_is_told_and_the_link_goes_on() {
    for (status, errcode, word) in [
        (403, "M_UNAUTHORIZED", "may not see the medium"),
        (403, "M_FORBIDDEN", "may not see the medium"),
        (404, "M_NOT_FOUND", "has gone"),
    ] {
        let play = Play::new().await;
        play.faulty.next("/media/copy/", [error(status, errcode)]);
        let link = play.issue().await;
        play.service.wait_for_usage(&link, "failed").await;
        let told = play.last_error().await;
        assert!(told.contains(word), "{told}");
        assert_eq!(text(play.service.follow(&link).await).await.0, 200);
        assert!(play.world.meta_events(&play.world.room_id).await.is_empty());
        play.service
            .expect_errors("usage that is refused for good is reported");
        play.service.stop().await;
    }
}
