//! Links that bridges have made and signed by themselves, and the events that show their media.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use matrix_test_server::Options;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use support::{HS_TOKEN, POLICY_EVENT_TYPE, Service, World, answer, patiently};

const LINKS: &str = "legacy_links: [{format: heisenbridge, bridge: irc, key: a key}]";

/// The URL of a link as heisenbridge makes it.
fn link_to(service: &Service, mxc: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"a key").expect("a key");
    mac.update(format!("{mxc}/").as_bytes());
    let checksum = URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..8]);
    let media = mxc.strip_prefix("mxc://").expect("an mxc URI");
    format!("{}/_heisenbridge/media/{media}/{checksum}", service.public)
}

/// Status and error code of what a link answers.
async fn follow(service: &Service, mxc: &str) -> (u16, Value) {
    let (status, told) = answer(service.client.get(link_to(service, mxc))).await;
    (status.as_u16(), told["errcode"].clone())
}

const FINE: (u16, Value) = (200, Value::Null);

fn gone() -> (u16, Value) {
    (410, json!("M_GONE"))
}

/// What the homeserver tells of an event in a room, once.
async fn push(service: &Service, event: Value) {
    static TXN: AtomicU32 = AtomicU32::new(0);
    let number = TXN.fetch_add(1, Ordering::Relaxed);
    let url = format!(
        "{}/_matrix/app/v1/transactions/sight{number}",
        service.internal
    );
    let request = service.client.put(url).bearer_auth(HS_TOKEN);
    let (status, told) = answer(request.json(&json!({"events": [event]}))).await;
    assert_eq!(status, 200, "{told}");
}

/// A homeserver that counts nothing, and cleans up what nobody asks for.
async fn forgetful_world() -> World {
    World::with(Options {
        content_tokens: false,
        grace: Duration::ZERO,
        ..Options::default()
    })
    .await
}

fn showing(world: &World, event_id: &str, mxc: &str) -> Value {
    json!({
        "type": "m.room.message", "event_id": event_id, "room_id": world.room_id,
        "sender": "@alice:example.org", "origin_server_ts": 1,
        "content": {"msgtype": "m.image", "body": "cat.png", "url": mxc},
    })
}

fn redacting(world: &World, event_id: &str) -> Value {
    json!({
        "type": "m.room.redaction", "event_id": format!("{event_id}-redaction"),
        "room_id": world.room_id, "sender": "@alice:example.org", "origin_server_ts": 2,
        "redacts": event_id, "content": {"redacts": event_id},
    })
}

#[tokio::test]
async fn a_signed_link_lives_while_an_event_shows_its_media() {
    let world = forgetful_world().await;
    let service = world.service(LINKS).await;
    let (mxc, _) = world.upload("a picture", "image/png").await;
    for event_id in ["$first", "$second"] {
        push(&service, showing(&world, event_id, &mxc)).await;
    }
    assert_eq!(follow(&service, &mxc).await, FINE);
    push(&service, redacting(&world, "$first")).await;
    assert_eq!(follow(&service, &mxc).await, FINE);
    push(&service, redacting(&world, "$second")).await;
    assert_eq!(follow(&service, &mxc).await, gone());
    // A repeated or late transaction brings nothing back; another message does.
    push(&service, showing(&world, "$second", &mxc)).await;
    assert_eq!(follow(&service, &mxc).await, gone());
    push(&service, showing(&world, "$third", &mxc)).await;
    assert_eq!(follow(&service, &mxc).await, FINE);

    // The same before anybody has followed it, and where the redaction comes first.
    let (mxc, _) = world.upload("another", "image/png").await;
    push(&service, showing(&world, "$fourth", &mxc)).await;
    push(&service, redacting(&world, "$fourth")).await;
    assert_eq!(follow(&service, &mxc).await, gone());
    let (mxc, _) = world.upload("a third one", "image/png").await;
    push(&service, redacting(&world, "$fifth")).await;
    push(&service, showing(&world, "$fifth", &mxc)).await;
    assert_eq!(follow(&service, &mxc).await, gone());
    service.stop().await;
}

#[tokio::test]
async fn a_link_that_was_revoked_while_it_was_redacted_is_not_brought_back() {
    let world = forgetful_world().await;
    let service = world.service(LINKS).await;
    let mut media = Vec::new();
    for n in 0..2 {
        let (mxc, _) = world.upload(format!("picture {n}"), "image/png").await;
        let event_id = format!("$shown{n}");
        push(&service, showing(&world, &event_id, &mxc)).await;
        assert_eq!(follow(&service, &mxc).await, FINE);
        push(&service, redacting(&world, &event_id)).await;
        assert_eq!(follow(&service, &mxc).await, gone());
        media.push(mxc);
    }
    let [by_media, by_id] = &media[..] else {
        panic!("two media")
    };
    service.revoke_matching(json!({"mxc": by_media})).await;
    let links = service.listed().await;
    let link = links.iter().find(|link| link["mxc"] == **by_id);
    let link_id = link.expect("it is recorded")["link_id"].clone();
    let path = format!("/v1/links/{}", link_id.as_str().expect("an ID"));
    let (status, told) = answer(service.api(Method::DELETE, &path)).await;
    assert_eq!((status.as_u16(), &told["state"]), (200, &json!("revoked")));
    for (n, mxc) in media.iter().enumerate() {
        push(&service, showing(&world, &format!("$again{n}"), mxc)).await;
        assert_eq!(follow(&service, mxc).await, gone(), "{n}");
    }
    let links = service.listed().await;
    assert!(
        links.iter().all(|link| link["state"] == "revoked"),
        "{links:?}"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_signed_link_shows_the_content_token_that_an_event_told() {
    let world = World::new().await;
    let service = world.service(LINKS).await;
    let (mxc, token) = world.upload("a picture", "image/png").await;
    let mut event = showing(&world, "$event", &mxc);
    event["content"]["content_token"] = token.into();
    push(&service, event).await;
    assert_eq!(follow(&service, &mxc).await, FINE);
    service.stop().await;
}

#[tokio::test]
async fn media_that_the_homeserver_took_back_is_not_served_from_the_cache() {
    let world = forgetful_world().await;
    let service = world.service(LINKS).await;
    let (mxc, _) = world.upload("a picture", "image/png").await;
    assert_eq!(follow(&service, &mxc).await, FINE);
    assert!(world.clean_up().await.contains(&mxc));
    // For a while, it is believed to be there still.
    patiently("the link to end", async || {
        (follow(&service, &mxc).await == (404, json!("M_NOT_FOUND"))).then_some(())
    })
    .await;
    service.stop().await;
}

#[tokio::test]
async fn a_room_that_allows_no_links_ends_those_of_its_media() {
    let world = forgetful_world().await;
    let service = world.service(LINKS).await;
    let (before, _) = world.upload("before", "image/png").await;
    push(&service, showing(&world, "$before", &before)).await;
    assert_eq!(follow(&service, &before).await, FINE);
    let policy = json!({
        "type": POLICY_EVENT_TYPE, "state_key": "", "event_id": "$policy", "room_id": world.room_id,
        "sender": "@alice:example.org", "origin_server_ts": 3, "content": {"enabled": false},
    });
    push(&service, policy).await;
    let (after, _) = world.upload("after", "image/png").await;
    push(&service, showing(&world, "$after", &after)).await;
    for mxc in [before, after] {
        assert_eq!(follow(&service, &mxc).await, gone());
    }
    service.stop().await;
}
