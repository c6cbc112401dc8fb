use reqwest::Method;
use serde_json::{Value, json};
use support::{HS_TOKEN, Service, World, answer};

use super::scene::{Bridge, some};

/// More than two pieces.
const LINKS: usize = 1203;
const USAGE: &str = "usage: {batch_window: 20ms}";

async fn medium(world: &World) -> Value {
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    json!({"mxc": mxc, "content_token": token, "room_id": world.room_id})
}

fn bridge(service: &Service) -> Bridge<'_> {
    Bridge {
        client: &service.client,
        internal: &service.internal,
    }
}

async fn all_are(service: &Service, links: &[Value], state: &str) {
    for link in some(links) {
        assert_eq!(service.follow(link).await.status(), 410);
        assert_eq!(service.link(link).await["state"], state);
    }
}

#[tokio::test]
async fn a_revocation_of_many_links_tells_how_many_and_a_repeat_tells_none() {
    let world = World::new().await;
    let service = world.service(USAGE).await;
    let (medium, none) = (medium(&world).await, json!({}));
    let of_sender = json!({"sender": "@alice:example.org"});
    for criteria in [
        json!({"room_id": world.room_id}),
        json!({"mxc": medium["mxc"]}),
        of_sender.clone(),
        json!({"issued_before_ts": i64::MAX}),
    ] {
        let more = if criteria == of_sender {
            &of_sender
        } else {
            &none
        };
        let links = bridge(&service).issue(LINKS, &medium, more).await;
        let all = Some(u64::try_from(LINKS).expect("few"));
        assert_eq!(bridge(&service).revoke(&criteria).await, all, "{criteria}");
        all_are(&service, &links, "revoked").await;
        assert_eq!(bridge(&service).revoke(&criteria).await, Some(0));
    }
    // What they counted is released.
    let link = service.issue(medium.clone()).await;
    service.wait_for_usage(&link, "counted").await;
    service.revoke(&link).await;
    service.wait_for_usage(&link, "released").await;
    service.stop().await;
}

#[tokio::test]
async fn revocations_that_cross_count_each_link_once() {
    let world = World::new().await;
    let service = world.service(USAGE).await;
    let medium = medium(&world).await;
    let links = bridge(&service).issue(LINKS, &medium, &json!({})).await;
    let (of_room, of_medium) = (
        json!({"room_id": world.room_id}),
        json!({"mxc": medium["mxc"]}),
    );
    let here = bridge(&service);
    let (a, b, c) = tokio::join!(
        here.revoke(&of_room),
        here.revoke(&of_medium),
        here.revoke(&of_room)
    );
    let counted = [a, b, c].map(|count| count.expect("an answer"));
    let all = u64::try_from(LINKS).expect("few");
    assert_eq!(counted.iter().sum::<u64>(), all, "{counted:?}");
    all_are(&service, &links, "revoked").await;
    // Links that are issued later live.
    let later = service.issue(medium).await;
    assert_eq!(service.follow(&later).await.status(), 200);
    service.stop().await;
}

#[tokio::test]
async fn one_event_or_a_rooms_policy_ends_any_number_of_links() {
    let world = World::new().await;
    let service = world.service(USAGE).await;
    let medium = medium(&world).await;
    // Links with a limited number of follows are never shared, so that an event may have many.
    let more = json!({"event_id": "$shared", "max_follows": 1});
    let of_event = bridge(&service).issue(LINKS, &medium, &more).await;
    let others = bridge(&service).issue(LINKS, &medium, &json!({})).await;
    let redaction = json!({"type": "m.room.redaction", "event_id": "$r", "room_id": world.room_id,
        "sender": "@a:example.org", "redacts": "$shared", "content": {"redacts": "$shared"}});
    let pushed = service
        .client
        .put(format!(
            "{}/_matrix/app/v1/transactions/1",
            service.internal
        ))
        .bearer_auth(HS_TOKEN)
        .json(&json!({"events": [redaction]}));
    assert_eq!(answer(pushed).await.0, 200);
    all_are(&service, &of_event, "redacted").await;
    assert_eq!(service.follow(&others[0]).await.status(), 200);
    let off = json!({"enabled": false});
    let room = world.room_id.as_str();
    service
        .note_policy("irc", room, Some("$policy"), &off)
        .await;
    all_are(&service, &others, "revoked").await;
    let criteria = json!({"room_id": world.room_id});
    assert_eq!(bridge(&service).revoke(&criteria).await, Some(0));
    let (status, _) = service
        .call(Method::GET, "/v1/links?state=live", &json!({}))
        .await;
    assert_eq!(status, 200);
    service.stop().await;
}
