//! Requests that are refused, and on which listener.

use medialink::http::{Listener, routes_of};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use support::{API_TOKEN, HS_TOKEN, Service, answer, url};

use super::bridges::{body, issue, two_bridges};

#[tokio::test]
async fn unknown_callers_and_nonsense_are_refused() {
    let (_world, service) = two_bridges().await;
    for (request, status, errcode) in requests_without_a_token(&service)
        .into_iter()
        .chain(bodies_without_sense(&service))
    {
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

/// Requests, and the status and error code that answer them.
type Refusals = Vec<(RequestBuilder, u16, &'static str)>;

fn requests_without_a_token(service: &Service) -> Refusals {
    let at = |path: &str| format!("{}{path}", service.internal);
    vec![
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
    ]
}

fn bodies_without_sense(service: &Service) -> Refusals {
    let issue = || service.api(Method::POST, "/v1/links");
    vec![
        (issue().body("{"), 400, "M_NOT_JSON"),
        (issue().body("{} x"), 400, "M_NOT_JSON"),
        (issue().body("[1]"), 400, "M_BAD_JSON"),
        (
            issue().body("[\"mxc://example.org/a\", \"!r:example.org\"]"),
            400,
            "M_BAD_JSON",
        ),
        (
            issue().body(format!("{{\"file\": {}", "[".repeat(60_000))),
            400,
            "M_BAD_JSON",
        ),
        (issue().body(vec![0xff, 0xfe]), 400, "M_NOT_JSON"),
        (issue().body("{\"room_id\": 5}"), 400, "M_BAD_JSON"),
        (
            issue().body(format!("\"{}\"", "x".repeat(140_000))),
            413,
            "M_TOO_LARGE",
        ),
        (issue().body("[".repeat(60_000)), 400, "M_BAD_JSON"),
    ]
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
