//! What happens to rooms and messages happens to links: edits, leaving, replaced rooms.

use matrix_test_server::Options;
use reqwest::Method;
use serde_json::{Value, json};
use support::{AS_TOKEN, BOT, Service, World, answer, eventually};

const QUICK: &str = "usage: {batch_window: 20ms, touch: never}";

/// A service that the homeserver pushes to.
async fn pushed_to(world: &World, more: &str) -> Service {
    let service = world.service(more).await;
    assert!(
        world
            .homeserver
            .set_appservice_url("medialink", Some(service.internal.clone()))
    );
    service
}

async fn wait_for_state(service: &Service, link: &Value, state: &str) {
    eventually(state, async || {
        (service.link(link).await["state"] == state).then_some(())
    })
    .await;
}

/// A shared medium.
struct Shared {
    link: Value,
    mxc: String,
    token: String,
    event_id: String,
}

/// A message of Alice's with media, and a live link to it that is counted.
async fn linked(world: &World, service: &Service, room: &str) -> Shared {
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let content = json!({"msgtype": "m.file", "body": "x", "url": mxc});
    let event_id = world.send(room, "m.room.message", &content).await;
    let link = json!({"mxc": mxc, "content_token": token, "room_id": room, "event_id": event_id});
    let link = service.issue(link).await;
    service.wait_for_usage(&link, "counted").await;
    Shared {
        link,
        mxc,
        token,
        event_id,
    }
}

fn edit_of(event_id: &str, new_content: &Value) -> Value {
    json!({"msgtype": "m.text", "body": "* x", "m.new_content": new_content,
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id}})
}

#[tokio::test]
async fn an_edit_that_drops_or_swaps_media_ends_its_link() {
    let world = World::new().await;
    let service = pushed_to(&world, QUICK).await;
    let room = world.room_id.clone();
    let swapped = json!({"msgtype": "m.file", "body": "y", "url": "mxc://example.org/other"});
    for new_content in [
        json!({"msgtype": "m.text", "body": "no file"}),
        swapped,
        json!({}),
    ] {
        let Shared {
            link,
            mxc,
            token,
            event_id,
        } = linked(&world, &service, &room).await;
        world
            .send(&room, "m.room.message", &edit_of(&event_id, &new_content))
            .await;
        wait_for_state(&service, &link, "redacted").await;
        assert_eq!(service.follow(&link).await.status(), 410);
        service.wait_for_usage(&link, "released").await;
        assert_eq!(world.references(&mxc).await, 0);
        // It is not linked again, until another edit brings it back.
        let again =
            json!({"mxc": mxc, "content_token": token, "room_id": room, "event_id": event_id});
        let (status, told) = service.call(Method::POST, "/v1/links", &again).await;
        assert_eq!((status.as_u16(), &told["errcode"]), (410, &json!("M_GONE")));
        let back = json!({"msgtype": "m.file", "body": "back", "url": mxc});
        world
            .send(&room, "m.room.message", &edit_of(&event_id, &back))
            .await;
        eventually("the media to be back", async || {
            let told = service.call(Method::POST, "/v1/links", &again).await;
            (told.0 == 201).then_some(())
        })
        .await;
    }
    service.stop().await;
}

#[tokio::test]
async fn usage_that_the_muted_old_room_refused_is_counted_in_the_new_one() {
    let world = World::with(Options {
        upgrades_mute: true,
        ..Options::default()
    })
    .await;
    let service = pushed_to(&world, QUICK).await;
    let room = world.room_id.clone();
    let path = format!("/_matrix/client/v3/rooms/{room}/upgrade");
    let (status, told) = world
        .as_alice(Method::POST, &path, &json!({"new_version": "12"}))
        .await;
    assert_eq!(status, 200, "{told}");
    let successor = told["replacement_room"].as_str().expect("an ID").to_owned();
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let link = json!({"mxc": mxc, "content_token": token, "room_id": room});
    let link = service.issue(link).await;
    service.wait_for_usage(&link, "failed").await;
    world
        .by_alice(&successor, "invite", &json!({"user_id": BOT}))
        .await;
    service.wait_for_usage(&link, "counted").await;
    assert_eq!(world.references(&mxc).await, 1);
    assert_eq!(world.meta_events(&successor).await.len(), 1);
    service.expect_errors("usage that is refused for good is reported");
    service.stop().await;
}

#[tokio::test]
async fn an_edit_that_keeps_the_media_or_is_somebody_elses_ends_nothing() {
    let world = World::new().await;
    let service = pushed_to(&world, QUICK).await;
    let room = world.room_id.clone();
    let Shared {
        link,
        mxc,
        event_id,
        ..
    } = linked(&world, &service, &room).await;
    let kept = json!({"msgtype": "m.file", "body": "a better name", "url": mxc});
    world
        .send(&room, "m.room.message", &edit_of(&event_id, &kept))
        .await;
    // The bridge's user is not who sent the message.
    let dropped = edit_of(&event_id, &json!({"msgtype": "m.text", "body": "gone"}));
    let path = format!(
        "{}/_matrix/client/v3/rooms/{room}/send/m.room.message/bot",
        world.url
    );
    let forged = world
        .client
        .put(path)
        .query(&[("user_id", BOT)])
        .bearer_auth(AS_TOKEN);
    assert_eq!(answer(forged.json(&dropped)).await.0, 200);
    let encrypted = json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x",
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id}});
    world.send(&room, "m.room.encrypted", &encrypted).await;
    // Everything before it was acted on when the last message is.
    let last = linked(&world, &service, &room).await;
    world
        .send(
            &room,
            "m.room.message",
            &edit_of(&last.event_id, &json!({"body": "x"})),
        )
        .await;
    wait_for_state(&service, &last.link, "redacted").await;
    assert_eq!(service.link(&link).await["state"], "live");
    assert_eq!(service.follow(&link).await.status(), 200);
    service.stop().await;
}

#[tokio::test]
async fn links_are_kept_when_the_bridges_user_leaves_and_what_waited_is_done_at_its_return() {
    let world = World::new().await;
    let service = pushed_to(&world, QUICK).await;
    let room = world.room_id.clone();
    let Shared { link, mxc, .. } = linked(&world, &service, &room).await;
    world.by_bot(&room, "leave").await;
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
    assert_eq!(service.follow(&link).await.status(), 200);
    service.call(Method::DELETE, &path, &json!({})).await;
    assert_eq!(service.follow(&link).await.status(), 410);
    // Outside of the room nothing can be redacted.
    eventually("an attempt", async || {
        (world.requests("rooms.redact").await >= 1).then_some(())
    })
    .await;
    assert_eq!(world.references(&mxc).await, 1);
    // Nor can anything be counted.
    let (other, token) = world.upload("more", "text/plain").await;
    let more = service
        .issue(json!({"mxc": other, "content_token": token, "room_id": room}))
        .await;
    service.wait_for_usage(&more, "failed").await;

    world
        .by_alice(&room, "invite", &json!({"user_id": BOT}))
        .await;
    service.wait_for_usage(&link, "released").await;
    service.wait_for_usage(&more, "counted").await;
    assert_eq!(world.references(&mxc).await, 0);
    assert_eq!(world.references(&other).await, 1);
    service.expect_errors("usage that is refused for good is reported");
    service.stop().await;
}

#[tokio::test]
async fn on_leave_revoke_ends_links_when_the_bridges_user_leaves_or_is_banned() {
    let world = World::new().await;
    let more = format!("links: {{on_leave: revoke}}\n{QUICK}");
    let service = pushed_to(&world, &more).await;
    let elsewhere = world.new_room().await;
    let Shared { link: kept, .. } = linked(&world, &service, &elsewhere).await;
    for way in ["leave", "ban"] {
        let room = world.new_room().await;
        let Shared { link, .. } = linked(&world, &service, &room).await;
        if way == "leave" {
            world.by_bot(&room, way).await;
        } else {
            world.by_alice(&room, way, &json!({"user_id": BOT})).await;
        }
        wait_for_state(&service, &link, "revoked").await;
        assert_eq!(service.follow(&link).await.status(), 410);
    }
    assert_eq!(service.follow(&kept).await.status(), 200);
    service.leave_unfinished("a user who is not in the room cannot redact");
    service.stop().await;
}

#[tokio::test]
async fn usage_moves_on_with_a_room_that_is_replaced() {
    let world = World::new().await;
    let service = pushed_to(&world, QUICK).await;
    let room = world.room_id.clone();
    let Shared {
        link,
        mxc,
        event_id,
        ..
    } = linked(&world, &service, &room).await;
    let successor = world.replace_room(&room, &room).await;
    // Until the bridge's user is there, everything stays where it is.
    let second = linked(&world, &service, &room).await;
    assert_eq!(world.meta_events(&room).await.len(), 2);
    world
        .by_alice(&successor, "invite", &json!({"user_id": BOT}))
        .await;
    eventually("the usage to move", async || {
        let moved = !world.meta_events(&successor).await.is_empty();
        (moved && world.meta_events(&room).await.is_empty()).then_some(())
    })
    .await;
    service.drained().await;
    for mxc in [&mxc, &second.mxc] {
        let media = world.media(mxc).await;
        assert_eq!(media["references"], 1);
        assert_eq!(
            media["min_references_since_counted"], 1,
            "never uncounted on the way"
        );
    }
    assert_eq!(service.follow(&link).await.status(), 200);
    assert_eq!(service.link(&link).await["room_id"], json!(room));

    // What is issued for the old room from now on is counted in the new one.
    let third = linked(&world, &service, &room).await;
    assert!(world.meta_events(&room).await.is_empty());
    assert_eq!(world.references(&third.mxc).await, 1);
    // A redaction in the old room still ends its link, and the new room is told.
    world.redact(&room, &event_id).await;
    wait_for_state(&service, &link, "redacted").await;
    service.wait_for_usage(&link, "released").await;
    assert_eq!(world.references(&mxc).await, 0);
    for link in [&second.link, &third.link] {
        assert_eq!(service.follow(link).await.status(), 200);
    }
    service.stop().await;
}

#[tokio::test]
async fn a_tombstone_that_names_a_strangers_room_moves_nothing() {
    let world = World::new().await;
    let service = pushed_to(&world, QUICK).await;
    let room = world.room_id.clone();
    let Shared { mxc, .. } = linked(&world, &service, &room).await;
    let successor = world.replace_room(&room, "!another:example.org").await;
    world
        .by_alice(&successor, "invite", &json!({"user_id": BOT}))
        .await;
    // A circle leads nowhere, either.
    let path = format!("/_matrix/client/v3/rooms/{successor}/state/m.room.tombstone");
    let back = json!({"body": "back", "replacement_room": room});
    assert_eq!(world.as_alice(Method::PUT, &path, &back).await.0, 200);
    let Shared { link: second, .. } = linked(&world, &service, &room).await;
    service.wait_for_usage(&second, "counted").await;
    service.drained().await;
    assert!(world.meta_events(&successor).await.is_empty());
    assert_eq!(world.meta_events(&room).await.len(), 2);
    assert_eq!(world.references(&mxc).await, 1);
    service.stop().await;
}

#[tokio::test]
async fn media_of_a_redacted_message_leaves_the_cache() {
    let world = World::new().await;
    let service = pushed_to(&world, QUICK).await;
    let room = world.room_id.clone();
    let cache = world.folder.path().join("data/cache");
    let files = || support::files(&cache).0.len();
    let Shared { link, event_id, .. } = linked(&world, &service, &room).await;
    let Shared {
        link: kept, token, ..
    } = linked(&world, &service, &room).await;
    for link in [&link, &kept] {
        let response = service.follow(link).await;
        assert_eq!(response.bytes().await.expect("whole").len(), 5);
    }
    eventually("two files", async || (files() == 2).then_some(())).await;
    world.redact(&room, &event_id).await;
    eventually("its file to go", async || (files() == 1).then_some(())).await;
    let downloads = world.requests("media.download").await;
    assert_eq!(
        service
            .follow(&kept)
            .await
            .bytes()
            .await
            .expect("whole")
            .len(),
        5
    );
    assert_eq!(world.requests("media.download").await, downloads);

    // While another link is live, its media stays.
    let mut twin = json!({"room_id": room, "event_id": "$other"});
    twin["mxc"] = kept["mxc"].clone();
    twin["content_token"] = json!(token);
    let twin = service.issue(twin).await;
    let by_id = |link: &Value| format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
    service
        .call(Method::DELETE, &by_id(&kept), &json!({}))
        .await;
    assert_eq!(service.follow(&twin).await.status(), 200);
    assert_eq!(world.requests("media.download").await, downloads);
    service
        .call(Method::DELETE, &by_id(&twin), &json!({}))
        .await;
    eventually("the last file to go", async || (files() == 0).then_some(())).await;
    service.stop().await;
}

#[tokio::test]
async fn a_policy_that_is_pushed_bites_and_its_redaction_lifts_it() {
    let world = World::new().await;
    let service = pushed_to(&world, QUICK).await;
    let room = world.room_id.clone();
    let Shared {
        link, mxc, token, ..
    } = linked(&world, &service, &room).await;
    let policy = world.set_policy(&json!({"enabled": false})).await;
    wait_for_state(&service, &link, "revoked").await;
    assert_eq!(service.follow(&link).await.status(), 410);
    service.wait_for_usage(&link, "released").await;
    let again = json!({"mxc": mxc, "content_token": token, "room_id": room});
    let (status, told) = service.call(Method::POST, "/v1/links", &again).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (403, &json!("M_FORBIDDEN"))
    );
    world.redact(&room, &policy).await;
    eventually("the room to allow links again", async || {
        let told = service.call(Method::POST, "/v1/links", &again).await;
        (told.0 == 201).then_some(())
    })
    .await;
    service.stop().await;
}
