//! Bridges that get no answers, that are refused, or that are not configured any more.

use support::{eventually, faulty::error};

use super::scene::{Scene, second_user};

const DAY: i64 = 86_400_000;
/// More than are looked at in one go.
const MANY: usize = 70;

#[tokio::test]
async fn reviews_of_a_removed_or_refused_bridge_hold_up_no_other() {
    for is_removed in [true, false] {
        let scene = Scene::new().await;
        let service = scene.service(true, "batch_size: 1").await;
        let room = scene.other_room.clone();
        scene.issue_many(&service, true, &room, MANY, DAY).await;
        let link = scene.issue(&service, &scene.room, 2 * DAY).await;
        service.wait_for_usage(&link, "counted").await;
        service.drained().await;
        assert_eq!(scene.counting(&room).await, MANY);
        let clock = service.clock.clone();
        service.stop().await;

        let refused = std::iter::repeat_with(|| error(401, "M_UNKNOWN_TOKEN")).take(5000);
        scene.faulty.next(&second_user(), refused);
        let service = scene.service_at(!is_removed, "batch_size: 1", &clock).await;
        service.clock.advance(DAY + 1);
        service.expire_links().await;
        // What has expired is reviewed after `release_after`.
        service.clock.advance(DAY / 12);
        eventually("the reviews to be due", async || {
            (service.count_due(0, service.clock.now_ms()).await >= 70).then_some(())
        })
        .await;
        service.revoke(&link).await;
        service.wait_for_usage(&link, "released").await;
        assert_eq!(
            scene.counting(&room).await,
            MANY,
            "they wait for their bridge"
        );
        service.leave_unfinished("a bridge is gone, or refused");
        service.stop().await;
    }
}

#[tokio::test]
async fn a_bridge_whose_device_is_not_made_holds_up_no_other() {
    let scene = Scene::new().await;
    let devices = format!("/devices/MEDIALINK?user_id={}", second_user());
    scene.keep_back(&devices);
    let service = scene.service(true, "").await;
    let room = scene.other_room.clone();
    scene.issue_many(&service, true, &room, 1, DAY).await;
    scene.asked(&devices).await;
    let link = scene.issue(&service, &scene.room, DAY).await;
    service.wait_for_usage(&link, "counted").await;
    assert_eq!(scene.faulty.held(), 1, "it still waits for its answer");
    service.leave_unfinished("a bridge gets no answers");
    service.stop().await;
}

#[tokio::test]
async fn events_of_a_bridge_that_was_removed_are_sent_when_it_is_back() {
    let scene = Scene::new().await;
    let service = scene.service(true, "batch_size: 1").await;
    scene.keep_back(&second_user());
    let room = scene.other_room.clone();
    scene.issue_many(&service, true, &room, MANY, DAY).await;
    scene.asked(&second_user()).await;
    service.leave_unfinished("a bridge gets no answers");
    service.stop().await;

    let service = scene.service(false, "batch_size: 1").await;
    let link = scene.issue(&service, &scene.room, DAY).await;
    service.wait_for_usage(&link, "counted").await;
    service.leave_unfinished("a bridge is gone");
    service.stop().await;

    scene.faulty.forgive();
    let service = scene.service(true, "batch_size: 1").await;
    service.drained().await;
    assert_eq!(scene.counting(&room).await, MANY);
    service.stop().await;
}
