//! Rooms that Synapse upgrades.

use reqwest::Method;
use serde_json::{Value, json};
use support::{BOT, eventually};

use super::side::{ALWAYS, META_EVENT, Side};

#[tokio::test(flavor = "multi_thread")]
async fn usage_moves_on_when_synapse_upgrades_a_room() {
    let Some(side) = Side::new(ALWAYS).await else {
        return;
    };
    let room = &side.room_id;
    // Synapse mutes the old room: whoever has not the power cannot redact there any more.
    let mut content = power_levels(&side, room).await;
    content["users"][BOT] = json!(50);
    let set = side.alice.request(Method::PUT, &path_of_levels(room));
    let set = set.expect("a request").json(&content);
    crate::synapse::succeed(set).await.expect("set");

    let mxc = side.alice.upload("words", "text/plain", "a.txt").await;
    let link = json!({"mxc": mxc.expect("uploaded"), "room_id": room});
    let link = side.process.issue(link).await;
    side.wait_for(&link, "counted").await;
    let upgrade = ["_matrix", "client", "v3", "rooms", room, "upgrade"];
    let upgrade = side.alice.request(Method::POST, &upgrade).expect("request");
    let told = crate::synapse::succeed(upgrade.json(&json!({"new_version": "12"})));
    let told = told.await.expect("upgraded");
    let successor = told["replacement_room"].as_str().expect("a room");
    let muted = power_levels(&side, room).await;
    assert!(muted["events_default"].as_i64() >= Some(50), "{muted}");
    side.alice.invite(successor, BOT).await.expect("invited");

    let live = async |room: &str| {
        let events = side.alice.messages(room, &[META_EVENT]).await;
        let events = events.expect("messages");
        let is_live = |event: &&Value| !event["unsigned"]["redacted_because"].is_object();
        events.iter().filter(is_live).count()
    };
    eventually("the usage to move", async || {
        (live(successor).await == 1 && live(room).await == 0).then_some(())
    })
    .await;
    assert_eq!(side.status(&link).await, 200);
}

fn path_of_levels(room: &str) -> [&str; 8] {
    let state = "m.room.power_levels";
    ["_matrix", "client", "v3", "rooms", room, "state", state, ""]
}

async fn power_levels(side: &Side, room: &str) -> Value {
    let request = side.alice.request(Method::GET, &path_of_levels(room));
    let levels = crate::synapse::succeed(request.expect("a request")).await;
    levels.expect("levels")
}
