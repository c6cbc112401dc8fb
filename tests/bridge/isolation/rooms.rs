//! Rooms that get no answers.

use support::{claims_run_out, eventually, faulty::Fault};

use super::scene::{Scene, in_path, sends_into};

const DAY: i64 = 86_400_000;

#[tokio::test]
async fn a_room_whose_send_hangs_holds_up_no_other() {
    let scene = Scene::new().await;
    let service = scene.service(false, "batch_size: 1").await;
    let silent = scene.world.new_room().await;
    scene.keep_back(&sends_into(&silent));
    scene.issue_many(&service, false, &silent, 640, DAY).await;
    scene.asked(&sends_into(&silent)).await;
    // Gathering, sending, reviewing, redacting and expiring go on elsewhere.
    let link = scene.issue(&service, &scene.room, DAY).await;
    let link = service.wait_for_usage(&link, "counted").await;
    let expiring = scene.issue(&service, &scene.room, 1500).await;
    service.wait_for_usage(&expiring, "counted").await;
    service.revoke(&link).await;
    service.wait_for_usage(&link, "released").await;
    service.wait_for_usage(&expiring, "released").await;
    assert_eq!(service.link(&expiring).await["state"], "expired");
    // All the while its one request waits for an answer, and no other one is made there.
    assert_eq!(scene.faulty.seen(&sends_into(&silent)), 1);
    assert_eq!(scene.faulty.held(), 1);
    assert_eq!(scene.counting(&silent).await, 1);
    service.leave_unfinished("a room gets no answers");
    service.stop().await;
}

#[tokio::test]
async fn a_send_that_was_cut_off_at_the_stop_is_counted_once() {
    let scene = Scene::new().await;
    let service = scene.service(false, "").await;
    scene.faulty.next("/send/", [Fault::HoldAfter]);
    let link = scene.issue(&service, &scene.room, DAY).await;
    scene.asked("/send/").await;
    eventually("the event", async || {
        (scene.counting(&scene.room).await == 1).then_some(())
    })
    .await;
    service.leave_unfinished("a request waits for its answer");
    service.stop().await;
    claims_run_out(scene.world.folder.path()).await;
    let service = scene.service(false, "").await;
    service.wait_for_usage(&link, "counted").await;
    assert_eq!(scene.counting(&scene.room).await, 1);
    service.stop().await;
}

#[tokio::test]
async fn a_replaced_room_that_gives_no_answer_holds_up_no_other() {
    let scene = Scene::new().await;
    let service = scene.service(false, "").await;
    let url = Some(service.internal.clone());
    let homeserver = &scene.world.homeserver;
    assert!(homeserver.set_appservice_url("medialink", url));
    let replaced = scene.world.new_room().await;
    let link = scene.issue(&service, &replaced, DAY).await;
    service.wait_for_usage(&link, "counted").await;
    scene.keep_back("m.room.member");
    scene.world.replace_room(&replaced, &replaced).await;
    scene.asked("m.room.member").await;
    let link = scene.issue(&service, &scene.room, DAY).await;
    service.wait_for_usage(&link, "counted").await;
    assert_eq!(scene.faulty.held(), 1, "it still waits for its answer");
    service.leave_unfinished("a replaced room is still looked at");
    service.stop().await;
}

#[tokio::test]
async fn a_room_that_cannot_be_read_does_not_keep_others_from_being_compared() {
    let scene = Scene::new().await;
    let service = scene.service(false, "reconcile: 1h").await;
    let silent = scene.world.new_room().await;
    for room in [&silent, &scene.room] {
        let link = scene.issue(&service, room, DAY).await;
        service.wait_for_usage(&link, "counted").await;
    }
    let silent = format!("{}/messages", in_path(&silent));
    scene.keep_back(&silent);
    let events = scene.world.meta_events(&scene.room).await;
    let event_id = events[0]["event_id"].as_str().expect("an ID");
    scene.world.redact(&scene.room, event_id).await;
    service.clock.advance(3_600_000);
    scene.asked(&silent).await;
    eventually("the count", async || {
        (scene.counting(&scene.room).await == 1).then_some(())
    })
    .await;
    assert_eq!(scene.faulty.held(), 1, "it still waits for its answer");
    service.stop().await;
}
