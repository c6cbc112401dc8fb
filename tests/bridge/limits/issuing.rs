//! New links and pastes that senders, rooms and bridges may have.

use medialink_link::{
    LinkClaims,
    matrix::{ContentToken, MxcUri, RoomId},
};
use reqwest::Method;
use serde_json::{Value, json};
use support::{Service, World, signed_elsewhere};

use super::limited;

/// A request for a link to new media.
async fn body(world: &World, room: &str, sender: Option<&str>) -> Value {
    let (mxc, token) = world.upload("a text", "text/plain").await;
    let mut body = json!({"mxc": mxc, "content_token": token, "room_id": room});
    if let Some(sender) = sender {
        body["sender"] = json!(sender);
    }
    body
}

async fn issue(service: &Service, body: &Value) -> (u16, Value) {
    let (status, told) = service.call(Method::POST, "/v1/links", body).await;
    (status.as_u16(), told)
}

#[tokio::test]
async fn a_room_gets_so_many_new_links_and_repeats_cost_nothing() {
    let (world, service) = limited("{per_room: {links: 2/hour}}").await;
    let mut bodies = Vec::new();
    for _ in 0..4 {
        bodies.push(body(&world, &world.room_id, None).await);
    }
    for body in &bodies[..2] {
        assert_eq!(issue(&service, body).await.0, 201);
    }
    let (status, told) = issue(&service, &bodies[2]).await;
    assert_eq!(
        (status, &told["errcode"]),
        (429, &json!("M_LIMIT_EXCEEDED"))
    );
    let wait = told["retry_after_ms"].as_i64().expect("a time");
    assert!(wait > 1_700_000 && wait <= 1_800_000, "{wait}");
    assert!(
        told["error"]
            .as_str()
            .expect("a text")
            .contains("limits.per_room.links"),
        "{told}"
    );
    for _ in 0..3 {
        assert_eq!(issue(&service, &bodies[0]).await.0, 200);
    }
    let room = world.new_room().await;
    assert_eq!(
        issue(&service, &body(&world, &room, None).await).await.0,
        201
    );
    service.clock.advance(wait);
    assert_eq!(issue(&service, &bodies[2]).await.0, 201);
    assert_eq!(issue(&service, &bodies[3]).await.0, 429);
    service.stop().await;
}

#[tokio::test]
async fn a_batch_is_limited_entry_by_entry() {
    let (world, service) = limited("{per_bridge: {links: 3/hour}}").await;
    let mut links = Vec::new();
    for _ in 0..5 {
        links.push(body(&world, &world.room_id, None).await);
    }
    links.insert(1, links[0].clone());
    links.insert(2, json!({"mxc": "nonsense"}));
    let (status, told) = service
        .call(Method::POST, "/v1/links/batch", &json!({"links": links}))
        .await;
    assert_eq!(status, 200);
    let results = told["results"].as_array().expect("results");
    let statuses: Vec<u64> = results
        .iter()
        .map(|result| result["status"].as_u64().unwrap_or(200))
        .collect();
    assert_eq!(statuses, [200, 200, 400, 200, 200, 429, 429]);
    assert_eq!(results[0]["link_id"], results[1]["link_id"]);
    assert!(results[6]["retry_after_ms"].as_i64().expect("a time") > 0);
    service.stop().await;
}

#[tokio::test]
async fn a_refused_link_takes_nothing_of_other_budgets() {
    let (world, service) =
        limited("{per_sender: {links: 1/hour}, per_room: {links: 2/hour}}").await;
    let [alice, bob] = ["@alice:example.org", "@bob:example.org"];
    for (sender, status) in [
        (alice, 201),
        (alice, 429),
        (alice, 429),
        (bob, 201),
        (bob, 429),
    ] {
        let body = body(&world, &world.room_id, Some(sender)).await;
        assert_eq!(issue(&service, &body).await.0, status, "{sender}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_bridge_gets_so_many_pastes_and_no_text_is_uploaded_beyond() {
    let (world, service) = limited("{per_bridge: {pastes: 1/hour}}").await;
    let paste = |text: &str| json!({"text": text, "room_id": world.room_id});
    let call = async |body: Value| {
        let (status, told) = service.call(Method::POST, "/v1/pastes", &body).await;
        (status.as_u16(), told["errcode"].clone())
    };
    assert_eq!(call(paste("one")).await.0, 201);
    let uploads = world.requests("media.upload").await;
    assert_eq!(call(paste("two")).await, (429, json!("M_LIMIT_EXCEEDED")));
    assert_eq!(world.requests("media.upload").await, uploads);
    assert_eq!(call(paste("one")).await.0, 200);
    service.stop().await;
}

#[tokio::test]
async fn a_link_that_was_signed_elsewhere_takes_of_its_room_when_it_is_followed_first() {
    let (world, service) = limited("{per_room: {links: 1/hour}}").await;
    let mut links = Vec::new();
    for _ in 0..2 {
        let (mxc, token) = world.upload("a text", "text/plain").await;
        let claims = LinkClaims {
            room_id: RoomId::parse(&world.room_id).expect("a room"),
            event_id: None,
            mxc: MxcUri::parse(&mxc).expect("media"),
            content_token: ContentToken::parse(&token).ok(),
            file: None,
            mimetype: None,
            filename: None,
        };
        links.push(signed_elsewhere(&service, &claims, 3600));
    }
    for (n, status) in [(0, 200), (1, 429), (0, 200)] {
        let followed = service.client.get(&links[n]).send().await;
        assert_eq!(followed.expect("an answer").status(), status, "{n}");
    }
    service.stop().await;
}
