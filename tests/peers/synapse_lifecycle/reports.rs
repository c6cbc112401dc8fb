//! What readers report in a browser arrives where it can be acted on.

use reqwest::Method;
use serde_json::{Value, json};
use support::{BOT, eventually};

use crate::{
    browser::plan::Browser,
    synapse::{User, succeed},
};

use super::side::Side;

const NOTE: &str = "so bad & <b>more</b>";
/// What the setting names until there is a room.
const NO_ROOM: &str = "!none:example.org";

/// Has the service tell a new room of reports; its ID.
async fn tell_a_room(side: &mut Side) -> String {
    let room_id = side.room_with_bot().await;
    side.process.edit(NO_ROOM, &room_id);
    assert!(side.process.terminate().await.success());
    side.process.start().await;
    room_id
}

/// A link of an event, and the ID of the event.
async fn shared(side: &Side, name: &str) -> (Value, String) {
    let upload = side.alice.upload("hello", "text/plain", name);
    let mxc = upload.await.expect("uploaded");
    let content = json!({"msgtype": "m.file", "body": name, "url": mxc});
    let sent = side.alice.send(&side.room_id, "m.room.message", &content);
    let event_id = sent.await.expect("sent");
    let body = json!({"mxc": mxc, "room_id": side.room_id, "event_id": event_id, "sender": side.alice.user_id,
        "filename": name, "mimetype": "text/plain"});
    (side.process.issue(body).await, event_id)
}

/// The reports of Synapse, as an administrator sees them.
async fn reported(root: &User) -> Vec<Value> {
    let path = ["_synapse", "admin", "v1", "event_reports"];
    let request = root.request(Method::GET, &path).expect("a request");
    let told = succeed(request).await.expect("reports");
    told["event_reports"].as_array().expect("a list").clone()
}

/// What the bridge's user has told in a room.
async fn told(side: &Side, room_id: &str) -> Vec<String> {
    let events = side.alice.messages(room_id, &["m.room.message"]).await;
    let events = events.expect("messages").into_iter();
    let of_bot = events.filter(|event| event["sender"] == BOT);
    of_bot
        .map(|event| event["content"]["body"].as_str().expect("text").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_a_browser_arrives_at_the_homeserver_and_at_the_operator() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let settings = format!("usage: {{mode: never}}\nabuse: {{room: '{NO_ROOM}'}}");
    let Some(mut side) = Side::new(&settings).await else {
        return;
    };
    // Nobody who is known already: Synapse remembers who is an administrator.
    let root = side.synapse.register_user("root").await.expect("root");
    let made_admin = side.synapse.make_admin(&root.user_id).await;
    made_admin.expect("an administrator");
    let room_id = tell_a_room(&mut side).await;
    let shared = [shared(&side, "a.txt").await, shared(&side, "b.txt").await];
    let [(first, _), (second, _)] = &shared;
    let visits = vec![
        json!({"name": "reported", "url": first["page_url"], "status": 200, "acts": ["report-link"], "is_used_up": true, "note": NOTE}),
        json!({"name": "reported-plain", "url": second["page_url"], "status": 200, "acts_without_scripts": ["report-link"], "note": NOTE}),
    ];
    browser.holds("reports", &["en"], visits).await;
    for (link, event_id) in &shared {
        let report = eventually("Synapse to have the report", async || {
            let reports = reported(&root).await;
            reports
                .into_iter()
                .find(|report| report["event_id"] == **event_id)
        })
        .await;
        assert_eq!(report["room_id"], side.room_id);
        assert_eq!(report["user_id"], BOT);
        assert_eq!(report["reason"], format!("harassment: {NOTE}"));
        let link_id = link["link_id"].as_str().expect("an ID");
        let notice = eventually("the operator to be told", async || {
            let told = told(&side, &room_id).await;
            told.into_iter().find(|text| text.contains(link_id))
        })
        .await;
        let command = format!("medialink links revoke {link_id}");
        for part in [NOTE, event_id, &side.room_id, &command] {
            assert!(notice.contains(part), "{part} in {notice}");
        }
        assert_eq!(side.status(link).await, 200, "a report ends nothing");
    }
    assert_eq!(reported(&root).await.len(), 2);
}
