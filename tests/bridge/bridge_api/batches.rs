//! What the requests of one batch do to each other: as if they had come one by one.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Service, World};

/// A request whose media and event are named with this prefix.
fn order(prefix: &str, medium: &str, event: &str, more: &Value) -> Value {
    let mut order = json!({
        "mxc": format!("mxc://example.org/{prefix}{medium}"),
        "room_id": "!r:example.org",
        "event_id": format!("${prefix}{event}"),
    });
    for (name, value) in more.as_object().expect("fields") {
        order[name] = value.clone();
    }
    order
}

fn orders(prefix: &str) -> Vec<Value> {
    let orders = [
        ("a", "1", json!({})),
        ("a", "1", json!({})),
        ("a", "1", json!({"filename": "b.txt"})),
        ("a", "1", json!({})),
        ("a", "1", json!({"max_follows": 1})),
        ("a", "1", json!({"max_follows": 1})),
        ("a", "1", json!({"form": "self_contained"})),
        ("a", "1", json!({"form": "self_contained"})),
        (
            "a",
            "1",
            json!({"form": "self_contained", "lifetime_ms": 90_000}),
        ),
        ("a", "1", json!({"form": "self_contained"})),
        ("a", "redacted", json!({})),
        ("b", "2", json!({"content_token": "token1"})),
        ("b", "3", json!({"content_token": "token1"})),
        ("b", "2", json!({"content_token": "token2"})),
        ("b", "4", json!({"content_token": "token1"})),
        ("b", "3", json!({"lifetime_ms": 90_000})),
        ("before", "5", json!({"content_token": "token3"})),
        ("before", "6", json!({"content_token": "token3"})),
        ("before", "5", json!({"lifetime_ms": 90_000})),
        ("before", "5", json!({})),
        ("a", "6", json!({"filename": "\u{0}'\"\\\u{1}\u{1f408}"})),
    ];
    let orders = orders.iter();
    orders
        .map(|(medium, event, more)| order(prefix, medium, event, more))
        .collect()
}

/// What an answer says, whatever its prefix: links by the order in which they were seen first.
fn gist(answer: &Value, prefix: &str, numbers: &mut HashMap<String, usize>) -> Value {
    if answer.get("errcode").is_some() {
        return json!({"errcode": answer["errcode"], "error": answer["error"]});
    }
    let id = answer["link_id"].as_str().expect("ID").to_owned();
    let count = numbers.len();
    let number = *numbers.entry(id).or_insert(count);
    let url = answer["url"].as_str().expect("a URL");
    json!({
        "number": number,
        "name": url.split("/m/").nth(1).and_then(|token| token.split_once('/')).map(|(_, name)| name),
        "form": answer["form"],
        "state": answer["state"],
        "mxc": answer["mxc"].as_str().map(|mxc| mxc.replace(prefix, "")),
        "event_id": answer["event_id"].as_str().map(|event_id| event_id.replace(prefix, "")),
        "lifetime": answer["expires_ts"].as_i64().map(|end| {
            (end - answer["issued_ts"].as_i64().expect("a time")) / 60_000
        }),
        "usage": answer["usage"]["state"],
    })
}

/// The answers to all orders, and the links that there are after that, newest first.
async fn told(service: &Service, prefix: &str, is_batch: bool) -> (Vec<Value>, Vec<Value>) {
    let redacted = format!("${prefix}redacted");
    service.redact("!r:example.org", &redacted).await;
    service
        .issue(order(prefix, "before", "5", &json!({})))
        .await;
    let orders = orders(prefix);
    let answers = if is_batch {
        let body = json!({"links": orders});
        let batch = service.call(Method::POST, "/v1/links/batch", &body).await;
        batch.1["results"].as_array().expect("results").clone()
    } else {
        let mut answers = Vec::new();
        for order in &orders {
            answers.push(service.call(Method::POST, "/v1/links", order).await.1);
        }
        answers
    };
    let mut numbers = HashMap::new();
    let mut of = |answers: &[Value]| -> Vec<Value> {
        let gists = answers.iter();
        gists
            .map(|answer| gist(answer, prefix, &mut numbers))
            .collect()
    };
    let answers = of(&answers);
    let mut listed = service.listed().await;
    listed.retain(|link| link["mxc"].as_str().is_some_and(|mxc| mxc.contains(prefix)));
    (answers, of(&listed))
}

#[tokio::test]
async fn a_batch_gives_what_its_requests_give_one_by_one() {
    let world = World::new().await;
    let service = world.service("usage: {batch_window: 1h}").await;
    let (singly, listed_singly) = told(&service, "one", false).await;
    let (together, listed_together) = told(&service, "all", true).await;
    for (number, (single, in_batch)) in singly.iter().zip(&together).enumerate() {
        assert_eq!(single, in_batch, "request {number}");
    }
    assert_eq!(singly.len(), together.len());
    assert_eq!(listed_singly, listed_together);

    let number = |request: usize| together[request]["number"].as_u64();
    assert_eq!([number(0), number(1), number(2), number(3)], [Some(0); 4]);
    assert_eq!(together[0]["name"], Value::Null);
    assert_eq!(together[2]["name"], "b.txt");
    assert_ne!(number(4), number(5), "limited follows are not shared");
    assert_eq!(number(6), number(7));
    assert_ne!(number(7), number(8), "another lifetime is another token");
    assert_eq!(number(8), number(9));
    assert_eq!(together[10]["errcode"], singly[10]["errcode"]);
    assert!(together[10]["errcode"].is_string());
    assert_eq!(number(11), number(13));
    assert_eq!(together[12]["usage"], "pending");
    service.stop().await;
}

/// Requests that come at the same time are recorded together, and each gets its own answer.
#[tokio::test]
async fn requests_at_the_same_time_get_their_own_answers() {
    let world = World::new().await;
    let service = world.service("").await;
    service.redact("!r:example.org", "$xredacted").await;
    let orders: Vec<Value> = (0..90)
        .map(|n| match n % 3 {
            0 => order("x", &format!("medium{n}"), &format!("event{n}"), &json!({})),
            1 => order("x", "same", "event", &json!({})),
            _ => order("x", "same", "redacted", &json!({})),
        })
        .collect();
    let calls = orders
        .iter()
        .map(|order| service.call(Method::POST, "/v1/links", order));
    let answers = futures_util::future::join_all(calls).await;
    let same = &answers[1].1["link_id"];
    for (n, (status, answer)) in answers.iter().enumerate() {
        match n % 3 {
            0 => {
                assert_eq!(status.as_u16(), 201, "{answer}");
                assert_eq!(answer["mxc"], orders[n]["mxc"]);
            }
            1 => assert_eq!(&answer["link_id"], same),
            _ => assert_eq!(status.as_u16(), 410, "{answer}"),
        }
    }
    let made = answers.iter().filter(|(status, _)| *status == 201).count();
    assert_eq!(made, 31);
    assert_eq!(service.listed().await.len(), 31);
    service.stop().await;
}
