//! Which link a bridge gets: a new one, or the one that it has.

use reqwest::Method;
use serde_json::{Value, json};
use support::{Service, answer, url};

use super::bridges::{SECOND, body, issue, two_bridges, with};

#[tokio::test]
async fn asking_again_gives_the_same_link() {
    let (_world, service) = two_bridges().await;
    let (status, first) = issue(&service, &body(1)).await;
    assert_eq!(status, 201);
    let (status, again) = issue(&service, &body(1)).await;
    assert_eq!((status.as_u16(), &again), (200, &first));

    let (status, longer) = issue(&service, &with(1, "lifetime_ms", 86_400_000)).await;
    assert_eq!(
        (status.as_u16(), &longer["link_id"]),
        (200, &first["link_id"])
    );
    let left = longer["expires_ts"].as_i64().expect("expiry") - service.clock.now_ms();
    assert!((86_398_000..=86_400_000).contains(&left), "{left}");
    let (_, named) = issue(&service, &with(1, "filename", "a.png")).await;
    assert_eq!(named["link_id"], first["link_id"]);
    assert_eq!(
        named["expires_ts"], longer["expires_ts"],
        "an omitted lifetime changes nothing"
    );
    assert!(url(&named).ends_with("/a.png"));

    let mut without = body(1);
    without.as_object_mut().expect("object").remove("event_id");
    let (status, no_event) = issue(&service, &without).await;
    assert_eq!(status, 201, "no event is a value of its own");
    assert_eq!(
        issue(&service, &without).await.1["link_id"],
        no_event["link_id"]
    );

    sealed_links_are_the_same_for_the_same_lifetime(&service).await;

    let once = with(1, "max_follows", 1);
    assert_ne!(
        issue(&service, &once).await.1["link_id"],
        issue(&service, &once).await.1["link_id"]
    );

    let other = service
        .client
        .post(format!("{}/v1/links", service.internal))
        .bearer_auth(SECOND)
        .json(&body(1));
    let (status, other) = answer(other).await;
    assert_eq!(status, 201, "another bridge has links of its own");
    assert_ne!(other["link_id"], first["link_id"]);
    service.stop().await;
}

/// Self-contained links hold their lifetime, so another one is another link.
async fn sealed_links_are_the_same_for_the_same_lifetime(service: &Service) {
    let (status, sealed) = issue(service, &with(1, "form", "self_contained")).await;
    assert_eq!(
        (status.as_u16(), &sealed["form"]),
        (201, &json!("self_contained"))
    );
    assert_eq!(sealed["link_id"].as_str().expect("ID").len(), 22);
    let (status, same) = issue(service, &with(1, "form", "self_contained")).await;
    assert_eq!((status.as_u16(), &same["url"]), (200, &sealed["url"]));
    let mut anew = with(1, "form", "self_contained");
    anew["lifetime_ms"] = json!(1000);
    let (status, anew) = issue(service, &anew).await;
    assert_eq!(status, 201);
    assert_ne!(anew["link_id"], sealed["link_id"]);
}

#[tokio::test]
async fn a_batch_is_answered_in_order_with_errors_in_their_place() {
    let (_world, service) = two_bridges().await;
    let mut links: Vec<Value> = (0..1000).map(body).collect();
    links[7] = json!({"mxc": "nonsense", "room_id": "!r:example.org"});
    links[8] = json!(5);
    links[9] = with(9, "lifetime_ms", 0);
    let (status, batch) = service
        .call(Method::POST, "/v1/links/batch", &json!({"links": links}))
        .await;
    assert_eq!(status, 200);
    let results = batch["results"].as_array().expect("results");
    assert_eq!(results.len(), 1000);
    for (n, result) in results.iter().enumerate() {
        match n {
            7 | 9 => assert_eq!(
                (&result["errcode"], &result["status"]),
                (&json!("M_INVALID_PARAM"), &json!(400))
            ),
            8 => assert_eq!(result["errcode"], "M_BAD_JSON"),
            _ => assert_eq!(result["mxc"], format!("mxc://example.org/media{n}")),
        }
    }
    links.push(body(1000));
    let (status, told) = service
        .call(Method::POST, "/v1/links/batch", &json!({"links": links}))
        .await;
    assert_eq!(
        (
            status.as_u16(),
            told["error"].as_str().is_some_and(|e| e.contains("1001"))
        ),
        (400, true)
    );
    assert_eq!(
        service
            .call(Method::POST, "/v1/links/batch", &json!({"links": []}))
            .await
            .1,
        json!({"results": []})
    );
    service.stop().await;
}

#[tokio::test]
async fn fields_of_a_repeated_request_replace_the_stored_ones() {
    let (world, service) = two_bridges().await;
    let (mxc, token) = world.upload("<p>", "application/octet-stream").await;
    let with = |fields: Value| {
        let mut body = json!({"mxc": mxc, "room_id": world.room_id});
        for (name, value) in fields.as_object().expect("fields") {
            body[name] = value.clone();
        }
        body
    };
    for form in ["short", "self_contained"] {
        let wrong = service
            .issue(with(json!({"form": form, "content_token": "wrong"})))
            .await;
        assert_eq!(service.follow(&wrong).await.status(), 502);
        let fields = json!({"form": form, "content_token": token, "mimetype": "text/plain", "filename": "a.txt"});
        let right = service.issue(with(fields.clone())).await;
        let is_same = right["link_id"] == wrong["link_id"];
        assert_eq!(is_same, form == "short", "a token cannot change");
        let response = service.follow(&right).await;
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.headers()["content-disposition"],
            "inline; filename=\"a.txt\""
        );
        let again = service.issue(with(json!({"form": form}))).await;
        assert_eq!(again["url"], right["url"], "what is not given stays");
        assert_eq!(service.issue(with(fields)).await["url"], right["url"]);
        service.wait_for_usage(&right, "counted").await;
        let (_, other) = service
            .call(
                Method::POST,
                "/v1/links",
                &with(json!({"form": form, "filename": "b.txt"})),
            )
            .await;
        assert!(url(&other).ends_with("/b.txt"));
        assert_eq!(service.follow(&other).await.status(), 200);
    }
    assert_eq!(
        world.references(&mxc).await,
        1,
        "one usage for one bridge, room, media and token"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_link_that_is_over_is_not_given_again() {
    let (_world, service) = two_bridges().await;
    let issue = async |body: Value| issue(&service, &body).await;
    let (_, expired) = issue(with(1, "lifetime_ms", 5000)).await;
    let (_, revoked) = issue(body(2)).await;
    let path = format!("/v1/links/{}", revoked["link_id"].as_str().expect("ID"));
    service.call(Method::DELETE, &path, &json!({})).await;
    service.clock.advance(5000);
    for (old, n) in [(expired, 1), (revoked, 2)] {
        let (status, new) = issue(body(n)).await;
        assert_eq!(status, 201);
        assert_ne!(new["link_id"], old["link_id"]);
    }
    let month = 30 * 86_400_000_i64;
    assert_eq!(issue(with(3, "lifetime_ms", month)).await.0, 201);
    let (status, told) = issue(with(3, "lifetime_ms", month + 1)).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (400, &json!("M_INVALID_PARAM"))
    );
    service.stop().await;
}

#[tokio::test]
async fn repeats_at_the_same_time_get_one_link() {
    let (_world, service) = two_bridges().await;
    let body = body(1);
    let answers = futures_util::future::join_all((0..30).map(|_| issue(&service, &body))).await;
    let made = answers.iter().filter(|(status, _)| *status == 201).count();
    assert_eq!(made, 1);
    assert!(
        answers
            .iter()
            .all(|(_, link)| link["link_id"] == answers[0].1["link_id"])
    );
    let links = vec![body; 3];
    let (_, batch) = service
        .call(Method::POST, "/v1/links/batch", &json!({"links": links}))
        .await;
    for result in batch["results"].as_array().expect("results") {
        assert_eq!(result["link_id"], answers[0].1["link_id"]);
    }
    service.stop().await;
}
