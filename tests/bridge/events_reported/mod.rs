//! Events as clients really send them, whose answers were reported to be wrong for this or other
//! bridges. Each report has variants of its own.

mod media;
mod texts;

use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use support::{Service, World};

/// What an answer has to be like. A text that begins with `!` must not be in it.
#[derive(Default)]
struct Expected {
    text_is: Option<&'static str>,
    text: &'static [&'static str],
    html: &'static [&'static str],
    xmpp: &'static [&'static str],
    /// The end of the first link's URL.
    url: Option<&'static str>,
}

async fn answer_to(service: &Service, event_type: &str, content: &Value) -> Value {
    // Each event has an ID of its own, so that none gets the links of another.
    static EVENTS: AtomicU32 = AtomicU32::new(0);
    let event_id = format!("$e{}", EVENTS.fetch_add(1, Ordering::Relaxed));
    let event = json!({"type": event_type, "room_id": "!r:example.org", "event_id": event_id, "sender": "@alice:example.org", "content": content});
    let body = json!({ "event": event });
    let (status, answer) = service.call(Method::POST, "/v1/events", &body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

fn check(content: &Value, answer: &Value, expected: &Expected) {
    let told = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    if let Some(text) = expected.text_is {
        assert_eq!(told("text"), text, "{content}");
    }
    for (name, parts) in [
        ("text", expected.text),
        ("html", expected.html),
        ("xmpp", expected.xmpp),
    ] {
        let told = told(name);
        for part in parts {
            match part.strip_prefix('!') {
                Some(absent) => assert!(!told.contains(absent), "{absent} in {told}: {content}"),
                None => assert!(told.contains(part), "{part} in {told}: {content}"),
            }
        }
    }
    if let Some(end) = expected.url {
        let url = answer["links"][0]["link"]["url"].as_str().expect("a URL");
        assert!(url.ends_with(end), "{end}: {url} {content}");
    }
}

async fn all_are_answered(event_type: &str, reports: Vec<(Value, Expected)>) {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    for (content, expected) in reports {
        let answer = answer_to(&service, event_type, &content).await;
        check(&content, &answer, &expected);
    }
    service.stop().await;
}

fn message(content: Value) -> Value {
    let mut message = json!({"msgtype": "m.text"});
    for (name, value) in content.as_object().expect("an object") {
        message[name] = value.clone();
    }
    message
}

fn reply(body: &str, html: Option<&str>) -> Value {
    let relation = json!({"m.in_reply_to": {"event_id": "$q"}});
    let mut reply = message(json!({"body": body, "m.relates_to": relation}));
    if let Some(html) = html {
        reply["format"] = json!("org.matrix.custom.html");
        reply["formatted_body"] = json!(html);
    }
    reply
}

fn medium(msgtype: &str, body: &str, mimetype: &str) -> Value {
    message(
        json!({"msgtype": msgtype, "body": body, "url": "mxc://example.org/pic1", "info": {"mimetype": mimetype}}),
    )
}
