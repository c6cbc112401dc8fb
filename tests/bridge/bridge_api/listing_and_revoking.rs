//! Lists and revocations reach what matches, and only of the bridge that asks.

use reqwest::Method;
use serde_json::{Value, json};
use support::{API_TOKEN, Service, answer};

use super::bridges::{SECOND, body, issue, two_bridges, with};

#[tokio::test]
async fn links_are_listed_newest_first_page_by_page() {
    let (_world, service) = two_bridges().await;
    for n in 0..5 {
        issue(&service, &body(n)).await;
    }
    let list = async |query: &str| {
        answer(service.api(Method::GET, &format!("/v1/links{query}")))
            .await
            .1
    };
    let mut seen = Vec::new();
    let mut from = String::new();
    loop {
        let page = list(&format!("?limit=2{from}")).await;
        seen.extend(
            page["links"]
                .as_array()
                .expect("links")
                .iter()
                .map(|link| link["mxc"].clone()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        from = format!("&from={next}");
    }
    let expected: Vec<Value> = (0..5)
        .rev()
        .map(|n| json!(format!("mxc://example.org/media{n}")))
        .collect();
    assert_eq!(seen, expected);
    let count = async |query: &str| list(query).await["links"].as_array().expect("links").len();
    assert_eq!(count("?event_id=%24e3").await, 1);
    assert_eq!(
        count("?mxc=mxc://example.org/media2&room_id=!r:example.org").await,
        1
    );
    assert_eq!(count("?room_id=!other:example.org").await, 0);
    assert_eq!(
        (count("?state=live").await, count("?state=expired").await),
        (5, 0)
    );
    service.clock.advance(15 * 86_400_000);
    assert_eq!(
        (count("?state=live").await, count("?state=expired").await),
        (0, 5)
    );
    nonsense_is_refused(&service).await;
    service.stop().await;
}

/// Queries that make no sense.
async fn nonsense_is_refused(service: &Service) {
    for bad in [
        "?limit=0",
        "?limit=1001",
        "?limit=x",
        "?from=x",
        "?state=dead",
        "?colour=red",
    ] {
        let (status, told) = answer(service.api(Method::GET, &format!("/v1/links{bad}"))).await;
        assert_eq!(
            (status.as_u16(), &told["errcode"]),
            (400, &json!("M_INVALID_PARAM")),
            "{bad}: {told}"
        );
    }
}

#[tokio::test]
async fn a_bridge_sees_and_revokes_only_its_own_links() {
    let (_world, service) = two_bridges().await;
    let (_, link) = issue(&service, &body(1)).await;
    let path = format!(
        "{}/v1/links/{}",
        service.internal,
        link["link_id"].as_str().expect("ID")
    );
    for method in [Method::GET, Method::DELETE] {
        let (status, told) =
            answer(service.client.request(method, &path).bearer_auth(SECOND)).await;
        assert_eq!(
            (status.as_u16(), &told["errcode"]),
            (404, &json!("M_NOT_FOUND"))
        );
    }
    let listed = answer(
        service
            .client
            .get(format!("{}/v1/links", service.internal))
            .bearer_auth(SECOND),
    )
    .await
    .1;
    assert_eq!(listed["links"], json!([]));
    let revoke = service
        .client
        .post(format!("{}/v1/revocations", service.internal))
        .bearer_auth(SECOND);
    let (_, told) = answer(revoke.json(&json!({"room_id": "!r:example.org"}))).await;
    assert_eq!(told["revoked"], 0);
    assert_eq!(service.link(&link).await["state"], "live");
    for _ in 0..2 {
        let (status, gone) = answer(service.client.delete(&path).bearer_auth(API_TOKEN)).await;
        assert_eq!((status.as_u16(), &gone["state"]), (200, &json!("revoked")));
    }
    assert_eq!(
        answer(service.api(Method::GET, "/v1/links/..%2F..%2Fx"))
            .await
            .0,
        404
    );
    service.stop().await;
}

#[tokio::test]
async fn revocations_reach_what_matches_and_nothing_later() {
    let (_world, service) = two_bridges().await;
    let revoke = async |body: Value| service.call(Method::POST, "/v1/revocations", &body).await;
    for n in 0..6 {
        issue(&service, &with(n, "sender", "@alice:example.org")).await;
    }
    assert_eq!(
        revoke(json!({"event_id": "$e0"})).await.1,
        json!({"revoked": 1, "reaches": "all"})
    );
    assert_eq!(
        revoke(json!({"mxc": "mxc://example.org/media1", "event_id": "$e2"}))
            .await
            .1["revoked"],
        0
    );
    assert_eq!(
        revoke(json!({"mxc": "mxc://example.org/media1", "room_id": "!r:example.org"}))
            .await
            .1["revoked"],
        1
    );
    assert_eq!(
        revoke(json!({"issued_before_ts": 1000})).await.1["revoked"],
        0
    );
    let sender = revoke(json!({"sender": "@alice:example.org"})).await.1;
    assert_eq!(sender, json!({"revoked": 4, "reaches": "recorded"}));
    assert_eq!(
        issue(&service, &body(0)).await.0,
        201,
        "a link issued later is not touched"
    );
    for bad in [
        json!({}),
        json!({"room_id": "r"}),
        json!({"colour": 1}),
        json!({"issued_before_ts": "x"}),
        json!([]),
    ] {
        assert_eq!(revoke(bad.clone()).await.0, 400, "{bad}");
    }
    service.stop().await;
}

#[tokio::test]
async fn every_criterion_of_a_revocation_has_to_match() {
    let (_world, service) = two_bridges().await;
    let revoke = async |body: Value| {
        let (status, told) = service.call(Method::POST, "/v1/revocations", &body).await;
        assert_eq!(status, 200, "{told}");
        told["revoked"].clone()
    };
    let all = |issued: i64| {
        json!({"room_id": "!r:example.org", "event_id": "$e1", "mxc": "mxc://example.org/media1",
            "sender": "@a:example.org", "issued_before_ts": issued})
    };
    let (_, link) = issue(&service, &with(1, "sender", "@a:example.org")).await;
    let issued = link["issued_ts"].as_i64().expect("a time");
    assert_eq!(revoke(all(issued)).await, 0, "not before its issue");
    for (field, other) in [
        ("room_id", "!other:example.org"),
        ("event_id", "$other"),
        ("mxc", "mxc://example.org/other"),
        ("sender", "@other:example.org"),
    ] {
        let mut criteria = all(issued + 1);
        criteria[field] = json!(other);
        assert_eq!(revoke(criteria).await, 0, "{field}");
    }
    let (_, sealed) = issue(&service, &with(1, "form", "self_contained")).await;
    assert_eq!(revoke(all(issued + 1)).await, 1);
    assert_eq!(revoke(all(issued + 1)).await, 0, "it is over");
    assert_eq!(service.link(&sealed).await["state"], "live", "no sender");
    assert_eq!(revoke(json!({"issued_before_ts": issued + 5000})).await, 1);
    assert_eq!(service.follow(&sealed).await.status(), 410);
    service.stop().await;
}
