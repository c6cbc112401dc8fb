//! Nobody knows whether an event has arrived: it is found, or sent, and counted once.

use serde_json::json;
use support::{
    Process, Service, World, eventually,
    faulty::{Fault, Faulty, error},
};

use super::play::{HOUR, Play};

#[tokio::test]
async fn after_a_day_of_doubt_the_room_is_searched_first() {
    for arrived in [true, false] {
        let play = Play::new("").await;
        play.faulty.next(
            "/send/",
            [if arrived {
                Fault::DropAfter
            } else {
                Fault::DropBefore
            }],
        );
        let link = play.issue().await;
        eventually("the lost answer", async || {
            (play.faulty.left() == 0).then_some(())
        })
        .await;
        eventually("the doubt to be noted", async || {
            let rows = play.service.newest_meta_events(9).await;
            rows.iter()
                .any(|row| row.last_error.is_some())
                .then_some(())
        })
        .await;
        let sends = play.faulty.seen("/send/");
        play.service.clock.advance(21 * HOUR);
        play.skip_to(&link, "counted").await;
        assert_eq!(
            play.faulty.seen("/send/") - sends,
            usize::from(!arrived),
            "arrived: {arrived}"
        );
        assert!(play.faulty.seen("/messages") > 0);
        play.counted(1).await;
        play.service.stop().await;
    }
}

#[tokio::test]
async fn a_send_that_a_kill_cut_off_is_looked_for_after_a_day() {
    for (fault, sends) in [(Fault::HoldAfter, 0), (Fault::DropBefore, 1)] {
        let world = World::new().await;
        let faulty = Faulty::start(&world.url).await;
        let usage = "usage: {batch_window: 20ms}";
        let (mxc, token) = world.upload("some bytes", "text/plain").await;
        let mut process = Process::new(world.folder.path(), &faulty.url, usage);
        process.start().await;
        faulty.next("/send/", [fault]);
        let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
        let link = process.issue(body).await;
        eventually("the send", async || (faulty.left() == 0).then_some(())).await;
        if sends == 0 {
            eventually("the count", async || {
                (world.references(&mxc).await == 1).then_some(())
            })
            .await;
        }
        process.kill();
        let before = faulty.seen("/send/");
        let clock = medialink::clock::Clock::default();
        clock.advance(21 * HOUR);
        let service = Service::start_at(world.folder.path(), &faulty.url, "", usage, &clock).await;
        service.wait_for_usage(&link, "counted").await;
        assert!(faulty.seen("/messages") > 0, "the room was not searched");
        assert_eq!(faulty.seen("/send/") - before, sends);
        assert_eq!(world.references(&mxc).await, 1);
        assert_eq!(world.meta_events(&world.room_id).await.len(), 1);
        service.stop().await;
    }
}

#[tokio::test]
async fn an_event_whose_answer_was_lost_is_not_forgotten_when_its_room_is_encrypted() {
    let play = Play::new("usage: {batch_window: 20ms, encrypted_rooms: false}").await;
    play.faulty.next("/send/", [Fault::DropAfter]);
    let link = play.issue().await;
    play.one_has_failed().await;
    play.encrypt().await;
    play.skip_to(&link, "counted").await;
    play.counted(1).await;
    play.revoke(&link).await;
    play.skip_to(&link, "released").await;
    play.counted(0).await;
    play.service.stop().await;
}

#[tokio::test]
async fn an_event_whose_answer_was_lost_is_not_halved() {
    let play = Play::new("usage: {batch_window: 200ms}").await;
    let (mxc, token) = play.world.upload("more", "text/plain").await;
    play.faulty
        .next("/send/", [Fault::DropAfter, error(413, "M_TOO_LARGE")]);
    let more = json!({"mxc": mxc, "content_token": token, "room_id": play.world.room_id});
    let links = [play.issue().await, play.service.issue(more).await];
    for link in &links {
        play.skip_to(link, "counted").await;
    }
    assert_eq!(play.faulty.left(), 0);
    play.counted(1).await;
    assert_eq!(play.world.references(&mxc).await, 1);
    play.service.stop().await;
}
