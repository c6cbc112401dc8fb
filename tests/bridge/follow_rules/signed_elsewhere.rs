//! Links that a bridge has signed by itself.

use medialink_link::{
    LinkClaims,
    matrix::{ContentToken, EventId, MxcUri, RoomId},
    sign_self_contained,
};
use reqwest::{Method, StatusCode};
use serde_json::json;
use support::{Service, World};

use super::scene::{assert_broken, get_with, keys, redact, scene};

/// A token that a bridge has signed by itself.
fn signed(
    world: &World,
    service: &Service,
    (mxc, content_token): &(String, String),
    event_id: &str,
    lifetime_s: u32,
) -> String {
    let room_id = RoomId::parse(&world.room_id).expect("a room ID");
    let mut claims = LinkClaims::new(room_id, MxcUri::parse(mxc).expect("a URI"));
    claims.event_id = Some(EventId::parse(event_id).expect("an event ID"));
    claims.content_token = Some(ContentToken::parse(content_token).expect("a token"));
    let now_s = u32::try_from(service.clock.now_ms() / 1000).expect("this century");
    let nonce: [u8; 12] = event_id.as_bytes()[..12].try_into().expect("long enough");
    let ring = keys(world);
    let token = sign_self_contained(ring.active(), &claims, now_s, lifetime_s, nonce);
    let token = token.expect("it fits");
    format!("{}/m/{}", service.public, token.expose())
}

async fn status_of(service: &Service, url: &str) -> StatusCode {
    get_with(service, url, "Accept", "*/*").await.status()
}

#[tokio::test]
async fn a_link_signed_elsewhere_is_taken_in_at_its_first_follow() {
    let (world, service) = scene("links: {max_lifetime: 1h, lifetime: 1h}").await;
    let media = world.upload("png", "image/png").await;
    let of_media = format!("/v1/links?mxc={}", media.0);
    let link = signed(&world, &service, &media, "$first_event", 0);
    let (_, before) = service.call(Method::GET, &of_media, &json!({})).await;
    assert_eq!(before["links"], json!([]));
    assert_eq!(world.references(&media.0).await, 0);
    assert_eq!(status_of(&service, &link).await, 200);
    let (_, after) = service.call(Method::GET, &of_media, &json!({})).await;
    let row = &after["links"][0];
    assert_eq!(row["form"], "self_contained");
    assert_eq!(row["url"], link, "{row}");
    service.wait_for_usage(row, "counted").await;
    assert_eq!(world.references(&media.0).await, 1);
    let life =
        row["expires_ts"].as_i64().expect("bounded") - row["issued_ts"].as_i64().expect("a time");
    assert_eq!(life, 3_600_000, "links.max_lifetime bounds it");
    assert_eq!(status_of(&service, &link).await, 200);
    let (_, again) = service.call(Method::GET, &of_media, &json!({})).await;
    assert_eq!(again["links"].as_array().map(Vec::len), Some(1));
    service.clock.advance(3_601_000);
    assert_eq!(status_of(&service, &link).await, 410);
    service.wait_for_usage(row, "released").await;
    assert_eq!(world.references(&media.0).await, 0);
    service.stop().await;
}

#[tokio::test]
async fn earlier_revocations_and_redactions_hold_for_links_signed_elsewhere() {
    let (world, service) = scene("").await;
    let media = world.upload("png", "image/png").await;
    let revoked = signed(&world, &service, &media, "$revoked_event", 600);
    let (status, outcome) = service
        .call(Method::POST, "/v1/revocations", &json!({"mxc": media.0}))
        .await;
    assert_eq!(
        (status.as_u16(), &outcome),
        (200, &json!({"revoked": 0, "reaches": "all"}))
    );
    assert_broken(&service, &revoked, 410, "M_GONE", "This link was withdrawn").await;
    service.clock.advance(2000);
    let later = signed(&world, &service, &media, "$later_event_", 600);
    assert_eq!(status_of(&service, &later).await, 200);

    let redacted = signed(&world, &service, &media, "$redacted_event", 600);
    redact(&service, &world.room_id, "$redacted_event").await;
    assert_broken(
        &service,
        &redacted,
        410,
        "M_GONE",
        "The message was removed",
    )
    .await;
    assert_eq!(status_of(&service, &later).await, 200);
    let future = {
        service.clock.advance(120_000);
        let token = signed(&world, &service, &media, "$future_event", 600);
        service.clock.advance(-120_000);
        token
    };
    assert_eq!(
        status_of(&service, &future).await,
        404,
        "not yet issued is not a link"
    );
    service.stop().await;
}
