use medialink_link::{
    LinkClaims,
    matrix::{ContentToken, MxcUri, RoomId},
};
use reqwest::Method;
use serde_json::{Value, json};
use support::{HS_TOKEN, Service, World, answer, eventually, signed_elsewhere};

use super::rows::{DAY, MORE, count, thinned};

/// What the API tells of a link.
async fn told(service: &Service, link: &Value) -> Value {
    let mut told = service.link(link).await;
    let ended_ts = told["ended_ts"].take();
    assert!(
        ended_ts.as_i64().is_some_and(|at| at > 0 && at % 1000 == 0),
        "{told}"
    );
    told
}

#[tokio::test]
async fn a_link_goes_on_answering_why_it_ended() {
    let world = World::new().await;
    let service = world.service(MORE).await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let mut issued = Vec::new();
    for form in ["short", "self_contained"] {
        for state in ["revoked", "redacted", "expired", "spent"] {
            if (form, state) == ("self_contained", "spent") {
                continue;
            }
            let mut body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id,
                "event_id": format!("${form}-{state}"), "form": form});
            if state == "spent" {
                body["max_follows"] = json!(1);
            }
            let link = service.issue(body).await;
            match state {
                "revoked" => service.revoke(&link).await,
                "redacted" => {
                    let event = format!("${form}-{state}");
                    service.redact(&world.room_id, &event).await;
                }
                "spent" => assert_eq!(service.follow(&link).await.status(), 200),
                _ => {}
            }
            issued.push((state, link));
        }
    }
    thinned(&service, 15 * DAY).await;
    assert_eq!(count(&service, "links").await, 0);
    for (state, link) in &issued {
        let gone = answer(service.client.get(support::url(link))).await;
        assert_eq!(
            (gone.0.as_u16(), &gone.1["errcode"]),
            (410, &json!("M_GONE")),
            "{state}"
        );
        let expected = json!({"link_id": link["link_id"], "state": state, "ended_ts": null});
        assert_eq!(told(&service, link).await, expected);
        // To revoke it changes nothing.
        service.revoke(link).await;
        assert_eq!(told(&service, link).await, expected);
    }
    assert_eq!(service.listed().await, Vec::<Value>::new());
    service.stop().await;
}

#[tokio::test]
async fn a_link_that_was_signed_elsewhere_does_not_come_back() {
    let world = World::new().await;
    let service = world.service(MORE).await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let room = RoomId::parse(&world.room_id).expect("a room ID");
    let mut claims = LinkClaims::new(room, MxcUri::parse(&mxc).expect("valid"));
    claims.content_token = Some(ContentToken::parse(&token).expect("a token"));
    let url = signed_elsewhere(&service, &claims, 0);
    let follow = async || answer(service.client.get(&url)).await.0.as_u16();
    assert_eq!(
        service
            .client
            .get(&url)
            .send()
            .await
            .expect("an answer")
            .status(),
        200
    );
    let listed = service.listed().await;
    service.revoke(&listed[0]).await;
    assert_eq!(follow().await, 410);
    thinned(&service, 0).await;
    for _ in 0..2 {
        assert_eq!(follow().await, 410);
    }
    assert_eq!(count(&service, "links").await, 0);
    service.stop().await;
}

#[tokio::test]
async fn what_lives_stays_and_a_repeat_gets_a_new_link() {
    let world = World::new().await;
    let service = world.service(MORE).await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let body = |event: &str| {
        json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "event_id": event,
            "lifetime_ms": 0})
    };
    let dead = service.issue(body("$dead")).await;
    let living = service.issue(body("$living")).await;
    service.wait_for_usage(&living, "counted").await;
    service.revoke(&dead).await;
    let of_event = service.issue(body("$redacted")).await;
    service.redact(&world.room_id, "$redacted").await;
    thinned(&service, 0).await;
    assert_eq!(count(&service, "links").await, 1);
    assert_eq!(service.follow(&living).await.status(), 200);
    assert_eq!(service.link(&living).await["usage"]["state"], "counted");
    assert_eq!(service.follow(&dead).await.status(), 410);
    assert_eq!(service.follow(&of_event).await.status(), 410);
    let again = service.issue(body("$dead")).await;
    assert_ne!(again["link_id"], dead["link_id"]);
    assert_eq!(service.follow(&again).await.status(), 200);
    assert_eq!(service.follow(&dead).await.status(), 410);
    let (status, refused) = service
        .call(Method::POST, "/v1/links", &body("$redacted"))
        .await;
    assert_eq!(
        (status.as_u16(), &refused["errcode"]),
        (410, &json!("M_GONE"))
    );
    service.stop().await;
}

#[tokio::test]
async fn other_bridges_are_told_nothing_of_it() {
    let world = World::new().await;
    let other = "  - {id: xmpp, api_token: second-api-token-0123456789, as_token: second-as-token-0123456789, \
                 hs_token: second-hs-token-0123456789, user_id: '@xmpp:example.org'}";
    let service = world.service(&format!("{other}\n{MORE}")).await;
    service.expect_errors("the homeserver does not know the other bridge");
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let link = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = service.issue(link).await;
    service.revoke(&link).await;
    thinned(&service, 0).await;
    let id = link["link_id"].as_str().expect("an ID");
    let path = format!("/v1/links/{id}");
    for method in [Method::GET, Method::DELETE] {
        let url = format!("{}{path}", service.internal);
        let asked = service
            .client
            .request(method, url)
            .bearer_auth("second-api-token-0123456789");
        assert_eq!(answer(asked).await.0, 404);
    }
    let url = support::url(&link);
    let forged = url.replacen("/m/", "/m/A", 1);
    let forged = service.client.get(forged).send().await.expect("an answer");
    assert_eq!(forged.status(), 404);
    service.stop().await;
}

#[tokio::test]
async fn with_never_everything_stays() {
    let world = World::new().await;
    let service = world
        .service("retention: never\nusage: {batch_window: 20ms}")
        .await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let link = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = service.issue(link).await;
    service.revoke(&link).await;
    service.drained().await;
    let transaction = format!("{}/_matrix/app/v1/transactions/1", service.internal);
    let pushed = service.client.put(transaction).bearer_auth(HS_TOKEN);
    assert_eq!(answer(pushed.json(&json!({"events": []}))).await.0, 200);
    assert!(service.remembers_transaction("irc", "1").await);
    service.clock.advance(3650 * DAY);
    // A pass comes to its end with this.
    eventually("a pass", async || {
        (!service.remembers_transaction("irc", "1").await).then_some(())
    })
    .await;
    assert_eq!(count(&service, "links").await, 1);
    assert_eq!(service.link(&link).await["mxc"], mxc);
    service.stop().await;
}
