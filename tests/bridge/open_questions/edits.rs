//! Edits whose sender cannot be checked.

use serde_json::{Value, json};
use support::{eventually, faulty::error};

use super::scene::Scene;

fn edit(scene: &Scene, sender: &str, event_id: &str, new_content: Value) -> Value {
    json!({"type": "m.room.message", "event_id": format!("{event_id}-edit"), "room_id": scene.room, "sender": sender,
        "content": {"body": "* x", "m.new_content": new_content,
            "m.relates_to": {"rel_type": "m.replace", "event_id": event_id}}})
}

/// A message of Alice's that shares the medium. Each has a body of its own: a homeserver takes equal messages of one
/// millisecond for one.
async fn shared(scene: &Scene, body: &str) -> String {
    let content = json!({"msgtype": "m.file", "body": body, "url": scene.mxc});
    scene
        .world
        .send(&scene.room, "m.room.message", &content)
        .await
}

#[tokio::test]
async fn an_edit_that_cannot_be_checked_ends_links_until_its_sender_is_known() {
    let scene = Scene::new("10", "").await;
    let (own, forged) = (shared(&scene, "own").await, shared(&scene, "forged").await);
    let (of_own, of_forged) = (scene.link(&own).await, scene.link(&forged).await);
    let text = json!({"text": "a long text", "room_id": scene.room, "event_id": own});
    let (_, paste) = scene
        .service
        .call(reqwest::Method::POST, "/v1/pastes", &text)
        .await;
    scene.faulty.always("/event/", &error(500, "M_UNKNOWN"));
    let nothing = json!({"msgtype": "m.text", "body": "gone"});
    let events = json!([
        edit(&scene, "@alice:example.org", &own, nothing.clone()),
        edit(&scene, "@mallory:example.org", &forged, nothing),
    ]);
    scene.push("one", events).await;
    for link in [&of_own, &of_forged] {
        assert_eq!(scene.status(link).await, 410);
        assert_eq!(scene.state(link).await, "redacted");
    }
    assert_eq!(scene.status(&paste).await, 200, "no event has its media");
    let (status, _) = scene
        .service
        .call(reqwest::Method::POST, "/v1/links", &scene.body(&own))
        .await;
    assert_eq!(status, 410);
    scene.faulty.forgive();
    scene.joined("join").await;
    scene.becomes(&of_forged, 200).await;
    assert_eq!(scene.status(&of_own).await, 410);
    scene.service.stop().await;
}

#[tokio::test]
async fn of_several_edits_the_last_one_of_the_sender_counts() {
    let scene = Scene::new("10", "").await;
    let event_id = shared(&scene, "x").await;
    let link = scene.link(&event_id).await;
    let (other, other_token) = scene.world.upload("other", "text/plain").await;
    scene.faulty.always("/event/", &error(500, "M_UNKNOWN"));
    let alice = "@alice:example.org";
    let with = |mxc: &str| json!({"msgtype": "m.file", "body": "x", "url": mxc});
    let push = async |n: &str, sender: &str, content: Value| {
        let event = edit(&scene, sender, &event_id, content);
        scene.push(n, json!([event])).await;
    };
    push("1", alice, with(&other)).await;
    // It changes nothing but what an edit before it may have changed.
    push("2", alice, with(&scene.mxc)).await;
    push("3", "@mallory:example.org", with(&other)).await;
    assert_eq!(scene.status(&link).await, 410);
    scene.faulty.forgive();
    scene.joined("join").await;
    scene.becomes(&link, 200).await;
    let mut body = scene.body(&event_id);
    body["mxc"] = json!(other);
    body["content_token"] = json!(other_token);
    // Nothing was noted of media that the event never had.
    eventually("the other medium", async || {
        let told = scene
            .service
            .call(reqwest::Method::POST, "/v1/links", &body)
            .await;
        (told.0 == 201).then_some(())
    })
    .await;
    scene.service.stop().await;
}
