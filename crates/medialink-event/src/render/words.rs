//! The words of an event, besides its media.

use serde_json::Value;

use crate::{SharedEvent, describe::formatted_body, html::shows_nothing, reply::without_fallback};

/// The longest URI of a place that is shown.
const MAX_PLACE_BYTES: usize = 100;

/// The words of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Words<'a> {
    /// The event has no words.
    Nothing,
    /// A message.
    Text {
        /// As plain text.
        plain: &'a str,
        /// As HTML, not sanitised.
        html: Option<&'a str>,
        /// Whether it describes an action of the sender (`/me`).
        is_emote: bool,
        /// The URI of its place, unless the plain text has it.
        place: Option<&'a str>,
    },
    /// A poll.
    Poll {
        question: &'a str,
        answers: Vec<&'a str>,
    },
}

impl<'a> Words<'a> {
    pub(super) fn of(event: &'a SharedEvent) -> Self {
        let content = &event.content;
        if let Some(poll) = first(content, &["m.poll", "org.matrix.msc3381.poll.start"])
            && let Some(question) = poll.get("question").and_then(plain)
        {
            let answers = poll.get("answers").and_then(Value::as_array);
            let answers = answers.into_iter().flatten().filter_map(plain).collect();
            return Self::Poll { question, answers };
        }
        let html = html(content);
        let Some(plain) = plain(content).or(html.map(|_| "")) else {
            return Self::Nothing;
        };
        // Of a reply that is all quote, nothing is taken off.
        let is_seen = |html: &&str| !shows_nothing(html);
        let plain = without_fallback(plain, html, event.is_reply)
            .unwrap_or(html.filter(is_seen).map_or(plain, |_| ""));
        Self::Text {
            place: place(content).filter(|place| !plain.contains(place)),
            plain,
            html,
            is_emote: content.get("msgtype").and_then(Value::as_str) == Some("m.emote"),
        }
    }
}

fn first<'a>(content: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| content.get(name))
}

/// The plain text: `body`, or one of the shapes of extensible events (MSC1767).
fn plain(content: &Value) -> Option<&str> {
    let body = content.get("body").and_then(Value::as_str);
    body.or_else(|| {
        extensible(content, "org.matrix.msc1767.text", |mimetype| {
            matches!(mimetype, None | Some("text/plain"))
        })
    })
}

/// The HTML: `formatted_body`, or one of the shapes of extensible events (MSC1767).
fn html(content: &Value) -> Option<&str> {
    content.as_object().and_then(formatted_body).or_else(|| {
        extensible(content, "org.matrix.msc1767.html", |mimetype| {
            mimetype == Some("text/html")
        })
    })
}

/// The URI of a location (Client-Server API, "m.location"; MSC3488; RFC 5870).
fn place(content: &Value) -> Option<&str> {
    let is_location = content.get("msgtype").and_then(Value::as_str) == Some("m.location");
    let old = content.get("geo_uri").filter(|_| is_location);
    let uri =
        old.or_else(|| first(content, &["m.location", "org.matrix.msc3488.location"])?.get("uri"))?;
    let uri = uri.as_str()?;
    let is_uri = |c: u8| c.is_ascii_alphanumeric() || b"+-.,;=:_%".contains(&c);
    (uri.starts_with("geo:") && uri.len() <= MAX_PLACE_BYTES && uri.bytes().all(is_uri))
        .then_some(uri)
}

fn extensible<'a>(
    content: &'a Value,
    short: &str,
    is_wanted: fn(Option<&str>) -> bool,
) -> Option<&'a str> {
    if let Some(text) = content.get(short).and_then(Value::as_str) {
        return Some(text);
    }
    let list = first(content, &["m.text", "org.matrix.msc1767.message"])?;
    let mut list = list.as_array()?.iter();
    list.find(|part| is_wanted(part.get("mimetype").and_then(Value::as_str)))?
        .get("body")?
        .as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::render::tests::event;

    #[test]
    fn words_are_found_in_every_shape() {
        for (content, words, formatted) in [
            (json!({"body": "a"}), "a", None),
            (
                json!({"body": "a", "formatted_body": "<b>a</b>"}),
                "a",
                Some("<b>a</b>"),
            ),
            (
                json!({"body": "a", "format": "other", "formatted_body": "x"}),
                "a",
                None,
            ),
            (
                json!({"m.text": [{"body": "a"}, {"body": "<b>a", "mimetype": "text/html"}]}),
                "a",
                Some("<b>a"),
            ),
            (
                json!({"org.matrix.msc1767.text": "a", "org.matrix.msc1767.html": "<i>"}),
                "a",
                Some("<i>"),
            ),
            (
                json!({"org.matrix.msc1767.message": [{"body": "a", "mimetype": "text/plain"}]}),
                "a",
                None,
            ),
            (
                json!({"body": "> <@a:b> x\n> y\n\nanswer\n> z", "m.relates_to": {"m.in_reply_to": {"event_id": "$e"}}}),
                "answer\n> z",
                None,
            ),
            (json!({"body": "> quoted"}), "> quoted", None),
        ] {
            let mut event = event("m.room.message", content.clone());
            event.is_reply = content.get("m.relates_to").is_some();
            let Words::Text { plain, html, .. } = Words::of(&event) else {
                panic!("{content}")
            };
            assert_eq!((plain, html), (words, formatted), "{content}");
        }
        for nothing in [
            json!({}),
            json!({"body": 5}),
            json!([]),
            json!({"m.text": {}}),
        ] {
            assert_eq!(Words::of(&event("x", nothing)), Words::Nothing);
        }
    }

    #[test]
    fn a_location_has_its_place() {
        let uri = "geo:51.5,-0.1;u=35";
        for (content, expected) in [
            (
                json!({"msgtype": "m.location", "body": "Here", "geo_uri": uri}),
                Some(uri),
            ),
            (
                json!({"body": "Here", "m.location": {"uri": uri}}),
                Some(uri),
            ),
            (
                json!({"body": "Here", "org.matrix.msc3488.location": {"uri": uri}}),
                Some(uri),
            ),
            (
                json!({"msgtype": "m.location", "body": format!("At {uri}"), "geo_uri": uri}),
                None,
            ),
            (
                json!({"msgtype": "m.text", "body": "Here", "geo_uri": uri}),
                None,
            ),
            (
                json!({"msgtype": "m.location", "body": "Here", "geo_uri": "https://example.org"}),
                None,
            ),
            (
                json!({"msgtype": "m.location", "body": "Here", "geo_uri": "geo:1,2\r\nQUIT"}),
                None,
            ),
            (
                json!({"msgtype": "m.location", "body": "Here", "geo_uri": 5}),
                None,
            ),
        ] {
            let event = event("m.room.message", content.clone());
            let Words::Text { place, .. } = Words::of(&event) else {
                panic!("{content}")
            };
            assert_eq!(place, expected, "{content}");
        }
    }

    #[test]
    fn a_poll_asks_and_offers() {
        let question = json!({"org.matrix.msc1767.text": "Q", "body": "q"});
        let unstable = json!({"org.matrix.msc3381.poll.start": {
            "question": question,
            "answers": [{"id": "1", "org.matrix.msc1767.text": "A"}, {"id": "2"}, 7],
        }});
        let stable = json!({"m.poll": {
            "question": {"m.text": [{"body": "q"}]},
            "answers": [{"m.id": "1", "m.text": [{"body": "A"}]}],
        }});
        for content in [unstable, stable] {
            let poll = Words::Poll {
                question: "q",
                answers: vec!["A"],
            };
            assert_eq!(Words::of(&event("m.poll.start", content)), poll);
        }
    }
}
