//! Media that only some users of a bridge may see.

use matrix_test_server::{Appservice, Options};
use serde_json::{Value, json};
use support::{AS_TOKEN, BOT, HS_TOKEN, World, answer, appservice};

use super::play::{UNCACHED, linked, share, share_as_alice, text};

/// An appservice with a namespace, and another one without.
fn two_appservices() -> Options {
    Options {
        appservices: vec![
            Appservice {
                users: vec!["@irc_*:example.org".to_owned()],
                ..appservice(None)
            },
            Appservice {
                id: "other".to_owned(),
                as_token: format!("other-{AS_TOKEN}"),
                hs_token: format!("other-{HS_TOKEN}"),
                url: None,
                sender: "@other:example.org".to_owned(),
                users: vec![],
            },
        ],
        ..linked()
    }
}

/// A room of a ghost's, in which nobody else is.
async fn ghost_room(world: &World, ghost: &str) -> String {
    let localpart = ghost.trim_start_matches('@').split(':').next();
    let register = world
        .client
        .post(format!("{}/_matrix/client/v3/register", world.url))
        .bearer_auth(AS_TOKEN)
        .json(&json!({"type": "m.login.application_service", "username": localpart}));
    let (status, told) = answer(register).await;
    assert_eq!(status, 200, "{told}");
    let create = world
        .client
        .post(format!("{}/_matrix/client/v3/createRoom", world.url))
        .query(&[("user_id", ghost)])
        .bearer_auth(AS_TOKEN)
        .json(&json!({}));
    let (status, room) = answer(create).await;
    assert_eq!(status, 200, "{room}");
    room["room_id"].as_str().expect("an ID").to_owned()
}

#[tokio::test]
async fn media_that_the_bridges_user_may_not_see_is_fetched_as_its_sender() {
    let world = World::with(two_appservices()).await;
    let service = world.service(UNCACHED).await;
    service.knows_linked_media().await;
    let ghost = "@irc_bob:example.org";
    let room = ghost_room(&world, ghost).await;
    let (mxc, event_id) = share(&world, AS_TOKEN, Some(ghost), &room).await;
    let body = |sender: Value, event: &str| json!({"mxc": mxc, "room_id": room, "event_id": event, "sender": sender});
    let link = service.issue(body(json!(ghost), &event_id)).await;
    assert_eq!(
        text(service.follow(&link).await).await,
        (200, "restricted bytes".to_owned())
    );
    for (event, sender) in [
        ("$none", json!(null)),
        ("$bot", json!(BOT)),
        // Not in the namespace, and of another server.
        ("$alice", json!("@alice:example.org")),
        ("$far", json!("@irc_bob:elsewhere.org")),
    ] {
        let link = service.issue(body(sender, event)).await;
        assert_eq!(text(service.follow(&link).await).await.0, 502, "{event}");
    }
    service.expect_errors("usage that is refused for good is reported");
    service.stop().await;
}

#[tokio::test]
async fn media_that_one_bridge_may_see_is_not_in_the_cache_for_another() {
    let world = World::with(two_appservices()).await;
    let other = format!(
        "  - {{id: other, network: XMPP, api_token: other-api-token-0123456789, as_token: other-{AS_TOKEN}, hs_token: other-{HS_TOKEN}, user_id: '@other:example.org'}}\nusage: {{batch_window: 20ms}}"
    );
    let service = world.service(&other).await;
    service.knows_linked_media().await;
    let (mxc, _) = share_as_alice(&world).await;
    let body = json!({"mxc": mxc, "room_id": world.room_id});
    let link = service.issue(body.clone()).await;
    let request = service
        .client
        .post(format!("{}/v1/links", service.internal))
        .bearer_auth("other-api-token-0123456789")
        .json(&body);
    let (status, others) = answer(request).await;
    assert_eq!(status, 201, "{others}");
    let first = service.follow(&link).await;
    let etag = first.headers().get("etag").cloned().expect("a tag");
    assert_eq!(text(first).await, (200, "restricted bytes".to_owned()));
    assert_eq!(text(service.follow(&others).await).await.0, 502);
    // The copy is the same medium: in the cache and to whoever has it already.
    service.wait_for_usage(&link, "counted").await;
    assert!(service.copy_of(&link).await.is_some());
    let known = service
        .client
        .get(support::url(&link))
        .header("If-None-Match", etag);
    assert_eq!(known.send().await.expect("an answer").status(), 304);
    service.expect_errors("usage that is refused for good is reported");
    service.stop().await;
}
