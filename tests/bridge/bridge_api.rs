//! The API that bridges use.

use medialink::http::{Listener, routes_of};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{API_TOKEN, AS_TOKEN, HS_TOKEN, Service, World, answer, eventually, url};

const SECOND: &str = "second-api-token-0123456789";

/// A world, and a service with two bridges. No media is downloaded, so its URIs may be made up.
async fn two_bridges() -> (World, Service) {
    let world = World::new().await;
    let more = format!(
        "  - {{id: sms, network: SMS, api_token: {SECOND}, as_token: second-as, hs_token: second-hs, user_id: '@sms:example.org'}}\n\
         links: {{max_lifetime: 30d}}\nusage: {{batch_window: 20ms}}"
    );
    let service = world.service(&more).await;
    (world, service)
}

fn body(n: usize) -> Value {
    json!({"mxc": format!("mxc://example.org/media{n}"), "room_id": "!r:example.org", "event_id": format!("$e{n}")})
}

fn with(n: usize, field: &str, value: impl Into<Value>) -> Value {
    let mut body = body(n);
    body[field] = value.into();
    body
}

async fn issue(service: &Service, body: &Value) -> (StatusCode, Value) {
    service.call(Method::POST, "/v1/links", body).await
}

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

    let (status, sealed) = issue(&service, &with(1, "form", "self_contained")).await;
    assert_eq!(
        (status.as_u16(), &sealed["form"]),
        (201, &json!("self_contained"))
    );
    assert_eq!(sealed["link_id"].as_str().expect("ID").len(), 22);
    let (status, same) = issue(&service, &with(1, "form", "self_contained")).await;
    assert_eq!((status.as_u16(), &same["url"]), (200, &sealed["url"]));
    let mut anew = with(1, "form", "self_contained");
    anew["lifetime_ms"] = json!(1000);
    let (status, anew) = issue(&service, &anew).await;
    assert_eq!(status, 201);
    assert_ne!(anew["link_id"], sealed["link_id"]);

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
    service.stop().await;
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
async fn who_is_nobody_and_what_is_nonsense_is_told_so() {
    let (_world, service) = two_bridges().await;
    let at = |path: &str| format!("{}{path}", service.internal);
    for (request, status, errcode) in [
        (service.client.get(at("/v1/links")), 401, "M_MISSING_TOKEN"),
        (
            service
                .client
                .get(at("/v1/links"))
                .basic_auth("x", Some("y")),
            401,
            "M_MISSING_TOKEN",
        ),
        (
            service.client.get(at("/v1/links")).bearer_auth("wrong"),
            401,
            "M_UNKNOWN_TOKEN",
        ),
        (
            service.client.get(at("/v1/links")).bearer_auth("second-as"),
            401,
            "M_UNKNOWN_TOKEN",
        ),
        (service.client.get(at("/v1/nothing")), 404, "M_UNRECOGNIZED"),
        (service.client.get(at("/m/abc")), 404, "M_UNRECOGNIZED"),
        (
            service.api(Method::PATCH, "/v1/links"),
            405,
            "M_UNRECOGNIZED",
        ),
        (
            service.api(Method::POST, "/v1/links").body("{"),
            400,
            "M_NOT_JSON",
        ),
        (
            service.api(Method::POST, "/v1/links").body("{} x"),
            400,
            "M_NOT_JSON",
        ),
        (
            service.api(Method::POST, "/v1/links").body("[1]"),
            400,
            "M_BAD_JSON",
        ),
        (
            service
                .api(Method::POST, "/v1/links")
                .body("[\"mxc://example.org/a\", \"!r:example.org\"]"),
            400,
            "M_BAD_JSON",
        ),
        (
            service
                .api(Method::POST, "/v1/links")
                .body(format!("{{\"file\": {}", "[".repeat(60_000))),
            400,
            "M_BAD_JSON",
        ),
        (
            service
                .api(Method::POST, "/v1/links")
                .body(vec![0xff, 0xfe]),
            400,
            "M_NOT_JSON",
        ),
        (
            service
                .api(Method::POST, "/v1/links")
                .body("{\"room_id\": 5}"),
            400,
            "M_BAD_JSON",
        ),
        (
            service
                .api(Method::POST, "/v1/links")
                .body(format!("\"{}\"", "x".repeat(140_000))),
            413,
            "M_TOO_LARGE",
        ),
        (
            service
                .api(Method::POST, "/v1/links")
                .body("[".repeat(60_000)),
            400,
            "M_BAD_JSON",
        ),
    ] {
        let (got, told) = answer(request).await;
        assert_eq!(
            (got.as_u16(), told["errcode"].as_str()),
            (status, Some(errcode)),
            "{told}"
        );
    }
    for path in ["/v1/links", "/health", "/metrics", "/openapi.json", "/docs"] {
        let (status, told) = answer(
            service
                .client
                .get(format!("{}{path}", service.public))
                .bearer_auth(API_TOKEN),
        )
        .await;
        assert_eq!(
            (status.as_u16(), &told["errcode"]),
            (404, &json!("M_NOT_FOUND")),
            "{path}"
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn a_limited_link_is_followed_exactly_as_often_as_it_may() {
    let (world, service) = two_bridges().await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let body =
        json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "max_follows": 5});
    let link = service.issue(body).await;
    let follows = (0..50).map(|_| service.client.get(url(&link)).send());
    let mut answers = [0, 0];
    for response in futures_util::future::join_all(follows).await {
        match response.expect("an answer").status().as_u16() {
            200 => answers[0] += 1,
            410 => answers[1] += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(answers, [5, 45]);
    let link = service.link(&link).await;
    assert_eq!(
        (&link["state"], &link["follows"]),
        (&json!("spent"), &json!(5))
    );
    service.wait_for_usage(&link, "released").await;
    service.stop().await;
}

#[tokio::test]
async fn what_is_given_anew_replaces_what_was_stored() {
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

#[tokio::test]
async fn nothing_of_one_listener_answers_on_the_other() {
    let (_world, service) = two_bridges().await;
    let (_, link) = issue(&service, &body(1)).await;
    let token = url(&link).rsplit('/').next().expect("a token").to_owned();
    let id = link["link_id"].as_str().expect("an ID");
    for (from, at, errcode) in [
        (Listener::Internal, &service.public, "M_NOT_FOUND"),
        (Listener::Public, &service.internal, "M_UNRECOGNIZED"),
    ] {
        for (method, path) in routes_of(from) {
            let path = path
                .replace("{token}", &token)
                .replace("{link_id}", id)
                .replace("{name:[^/]*}", "a.png");
            let method: Method = method.as_str().parse().expect("a method");
            for bearer in [API_TOKEN, HS_TOKEN] {
                let request = service
                    .client
                    .request(method.clone(), format!("{at}{path}"))
                    .bearer_auth(bearer);
                let (status, told) = answer(request.json(&json!({}))).await;
                assert_eq!(status, 404, "{method} {path}");
                if method != Method::HEAD {
                    assert_eq!(told["errcode"], errcode, "{method} {path}");
                }
            }
        }
    }
    service.stop().await;
}

#[tokio::test]
async fn bodies_that_are_too_long_are_refused_everywhere() {
    let (_world, service) = two_bridges().await;
    for (path, length) in [
        ("/v1/links", 140_000),
        ("/v1/links/batch", 9 << 20),
        ("/v1/revocations", 20_000),
    ] {
        let body = format!("{{\"x\": \"{}\"}}", "x".repeat(length));
        let (status, told) = answer(service.api(Method::POST, path).body(body)).await;
        assert_eq!(
            (status.as_u16(), &told["errcode"]),
            (413, &json!("M_TOO_LARGE")),
            "{path}"
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn no_answer_holds_a_secret() {
    let (world, service) = two_bridges().await;
    let content_token = "the-content-token-0123456789";
    let key = "aWF6-32KGYaC3A_FEUCk1Bt0JA37zP0wrStgmdCaW-0";
    let file = json!({"url": "mxc://example.org/file", "v": "v2", "key": {"kty": "oct", "alg": "A256CTR", "k": key},
        "iv": "w+sE15fzSc0AAAAAAAAAAA", "hashes": {"sha256": "fdSLu/YkRx3Wyh3KQabP3rd6+SFiKg5lsJZQHtkSAYA"}});
    let good = json!({"file": file, "room_id": world.room_id, "content_token": content_token});
    let text = good.to_string();
    let mut bodies = vec![
        (good.clone(), "/v1/links"),
        (json!({"links": [good, text, [good]]}), "/v1/links/batch"),
        (json!({"links": text}), "/v1/links/batch"),
        (
            json!({"links": {"content_token": content_token}}),
            "/v1/links/batch",
        ),
        (json!(text), "/v1/links"),
        (json!(text), "/v1/links/batch"),
        (json!(text), "/v1/revocations"),
    ];
    for field in [
        "file",
        "room_id",
        "mxc",
        "content_token",
        "size",
        "lifetime_ms",
        "max_follows",
    ] {
        for wrong in [json!(text), json!([text]), good.clone()] {
            let mut body = good.clone();
            body[field] = wrong;
            bodies.push((body, "/v1/links"));
        }
    }
    for part in [
        "/key/k", "/key", "/iv", "/hashes", "/v", "/url", "/key/kty", "/key/alg",
    ] {
        let mut body = good.clone();
        *body["file"].pointer_mut(part).expect("a part") = json!([key]);
        bodies.push((body.clone(), "/v1/links"));
        *body["file"].pointer_mut(part).expect("a part") = json!(format!("{key}="));
        bodies.push((body, "/v1/links"));
    }
    let mut answers = Vec::new();
    for (body, path) in bodies {
        let (status, told) = service.call(Method::POST, path, &body).await;
        assert!(status.is_success() || status == 400, "{status} {told}");
        answers.push(told.to_string());
    }
    // Cut off in the middle, and where the text is no JSON at all.
    for broken in [&text[..text.len() - 1], &text[..text.len() / 2], &text[1..]] {
        let request = service
            .api(Method::POST, "/v1/links")
            .body(broken.to_owned());
        answers.push(answer(request).await.1.to_string());
    }
    answers.push(
        answer(service.api(Method::GET, "/v1/links"))
            .await
            .1
            .to_string(),
    );
    for path in ["/metrics", "/ready", "/openapi.json"] {
        answers.push(answer(service.api(Method::GET, path)).await.1.to_string());
    }
    for secret in [
        content_token,
        key,
        "fdSLu/YkRx3W",
        "w+sE15fzSc0",
        API_TOKEN,
        AS_TOKEN,
        HS_TOKEN,
        SECOND,
    ] {
        for told in &answers {
            assert!(!told.contains(secret), "{secret} is in {told}");
        }
    }
    service.stop().await;
}

#[tokio::test]
async fn what_cannot_be_given_uses_no_follow() {
    let (world, service) = two_bridges().await;
    let link =
        json!({"mxc": "mxc://example.org/nothing", "room_id": world.room_id, "max_follows": 1});
    let link = service.issue(link).await;
    for _ in 0..3 {
        assert_eq!(service.follow(&link).await.status(), 404);
    }
    let now = service.link(&link).await;
    assert_eq!(
        (&now["state"], &now["follows"]),
        (&json!("live"), &json!(0))
    );
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let link =
        json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "max_follows": 2});
    let link = service.issue(link).await;
    let head = service.client.head(url(&link)).send().await;
    assert_eq!(head.expect("an answer").status(), 200);
    for status in [200, 200, 410] {
        assert_eq!(service.follow(&link).await.status(), status);
    }
    let served = eventually("the bytes", async || {
        let link = service.link(&link).await;
        (link["bytes_served"] == 10).then_some(link)
    })
    .await;
    assert_eq!(served["follows"], 2);
    for state in ["spent", "live", "redacted", "revoked", "expired"] {
        let listed = service.api(Method::GET, &format!("/v1/links?state={state}&mxc={mxc}"));
        let count = answer(listed).await.1["links"].as_array().map(Vec::len);
        assert_eq!(count, Some(usize::from(state == "spent")), "{state}");
    }
    service.stop().await;
}
