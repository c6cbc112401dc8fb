//! Which media the content of an event names, and which content tokens it carries for it
//! (Client-Server API, "Instant Messaging"; MSC3910).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use medialink_link::matrix::{ContentToken, EventId, MxcUri};

/// The field whose text is HTML (Client-Server API, "m.room.message msgtypes").
const HTML: &str = "formatted_body";

/// All media that this content names: every text that is an mxc URI, wherever it stands, and
/// every `src` in a `formatted_body`. Takes time and memory in proportion to the content.
#[must_use]
pub fn media_of(content: &Value) -> BTreeSet<MxcUri> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![("", content)];
    while let Some((name, value)) = waiting.pop() {
        match value {
            Value::String(text) => {
                found.extend(MxcUri::parse(text));
                if name == HTML {
                    found
                        .extend(html_sources(text).filter_map(|source| MxcUri::parse(source).ok()));
                }
            }
            Value::Array(list) => waiting.extend(list.iter().map(|value| ("", value))),
            Value::Object(map) => {
                waiting.extend(map.iter().map(|(name, value)| (name.as_str(), value)));
            }
            _ => {}
        }
    }
    found
}

/// The content token that this content carries for one medium: a text `content_token` beside the
/// `url` or `file` that names it, `avatar_content_token` beside `avatar_url`, or an entry of a map
/// `content_token` under the hash of its URI; the same in `m.new_content`, which goes first since
/// it is what the event shows (Client-Server API, "Event replacements").
#[must_use]
pub fn content_token_of(content: &Value, mxc: &MxcUri) -> Option<ContentToken> {
    let own = content.as_object()?;
    let edited = own.get("m.new_content").and_then(Value::as_object);
    edited
        .into_iter()
        .chain([own])
        .find_map(|content| token_beside(content, mxc).or_else(|| token_by_hash(content, mxc)))
}

/// The content token that an encrypted event tells in the clear: by the hash of the medium's URI,
/// or as a text, which is for the one medium that the event shares.
#[must_use]
pub fn cleartext_token_of(content: &Value, mxc: &MxcUri) -> Option<ContentToken> {
    let content = content.as_object()?;
    let text = content.get("content_token").and_then(Value::as_str);
    text.and_then(|text| ContentToken::parse(text).ok())
        .or_else(|| token_by_hash(content, mxc))
}

/// The token for one medium in a map from hashes of URIs to tokens; `None`: it has none for it.
#[must_use]
pub fn token_in_map(tokens: &Map<String, Value>, mxc: &MxcUri) -> Option<ContentToken> {
    let token = tokens.get(&mxc.hash())?.as_str()?;
    ContentToken::parse(token).ok()
}

/// The medium that a message is about: its `url`, or that of its `file`.
#[must_use]
pub fn main_medium_of(content: &Value) -> Option<MxcUri> {
    let own = content.as_object()?;
    MxcUri::parse(main_url(own)?).ok()
}

/// Of an edit, the event that it edits and the content that is shown from now on
/// (Client-Server API, "Event replacements").
#[must_use]
pub fn replaced_content(content: &Value) -> Option<(EventId, &Value)> {
    replaced_by(content, content)
}

/// The same of an encrypted edit: `cleartext` tells in the clear what it edits, `content` as a
/// secret how (Client-Server API, "Relationships and encryption").
#[must_use]
pub fn replaced_by<'a>(cleartext: &Value, content: &'a Value) -> Option<(EventId, &'a Value)> {
    let relation = cleartext.get("m.relates_to")?;
    if relation.get("rel_type").and_then(Value::as_str) != Some("m.replace") {
        return None;
    }
    let edited = EventId::parse(relation.get("event_id")?.as_str()?).ok()?;
    let shown = content.get("m.new_content")?;
    shown.is_object().then_some((edited, shown))
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

fn main_url(content: &Map<String, Value>) -> Option<&str> {
    text(content, "url").or_else(|| text(content.get("file")?.as_object()?, "url"))
}

fn token_beside(content: &Map<String, Value>, mxc: &MxcUri) -> Option<ContentToken> {
    let is_it = |url: Option<&str>| {
        url.and_then(|url| MxcUri::parse(url).ok())
            .is_some_and(|url| url == *mxc)
    };
    let file_url = content
        .get("file")
        .and_then(Value::as_object)
        .and_then(|file| text(file, "url"));
    let media = is_it(text(content, "url")) || is_it(file_url);
    let avatar = is_it(text(content, "avatar_url"));
    [(media, "content_token"), (avatar, "avatar_content_token")]
        .into_iter()
        .filter(|(is_named, _)| *is_named)
        .find_map(|(_, name)| ContentToken::parse(text(content, name)?).ok())
}

fn token_by_hash(content: &Map<String, Value>, mxc: &MxcUri) -> Option<ContentToken> {
    token_in_map(content.get("content_token")?.as_object()?, mxc)
}

/// The values of all `src` attributes of some HTML, as they are written. Every byte is looked at
/// once, so that no text takes long.
pub(crate) fn html_sources(html: &str) -> impl Iterator<Item = &str> {
    let mut rest = html;
    let mut in_tag = false;
    std::iter::from_fn(move || {
        loop {
            if !in_tag {
                rest = &rest[rest.find('<')? + 1..];
                if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    continue;
                }
                rest = rest.trim_start_matches(|c: char| !is_space(c) && c != '/' && c != '>');
                in_tag = true;
            }
            rest = rest.trim_start_matches(|c: char| is_space(c) || c == '/');
            match rest.strip_prefix('>') {
                Some(after) => {
                    rest = after;
                    in_tag = false;
                }
                None if rest.is_empty() => return None,
                None => {
                    let (name, value) = attribute(&mut rest);
                    if let Some(value) = value.filter(|_| name.eq_ignore_ascii_case("src")) {
                        return Some(value);
                    }
                }
            }
        }
    })
}

fn is_space(c: char) -> bool {
    c.is_ascii_whitespace()
}

/// Takes one attribute from the front: its name, and its value if it has one
/// (HTML, "Attributes").
fn attribute<'a>(rest: &mut &'a str) -> (&'a str, Option<&'a str>) {
    // The first character belongs to the name whatever it is, so that there is always progress.
    let end = rest
        .char_indices()
        .skip(1)
        .find(|(_, c)| is_space(*c) || matches!(c, '=' | '>' | '/'));
    let (name, after) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
    *rest = after;
    let Some(value) = after.trim_start_matches(is_space).strip_prefix('=') else {
        return (name, None);
    };
    let value = value.trim_start_matches(is_space);
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (value, after) = match quote {
        Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
        None => {
            let end = value.find(|c: char| is_space(c) || c == '>');
            value.split_at(end.unwrap_or(value.len()))
        }
    };
    *rest = after;
    (name, Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn mxc(id: &str) -> MxcUri {
        MxcUri::from_parts("example.org", id).expect("valid")
    }

    fn found(content: &Value) -> Vec<String> {
        let media = media_of(content);
        media.iter().map(|mxc| mxc.media_id().to_owned()).collect()
    }

    fn token(content: &Value, id: &str) -> Option<String> {
        content_token_of(content, &mxc(id)).map(|token| token.expose().to_owned())
    }

    #[test]
    fn media_is_found_wherever_an_event_can_name_it() {
        let content = json!({
            "url": "mxc://example.org/a",
            "file": {"url": "mxc://example.org/b"},
            "info": {"thumbnail_url": "mxc://example.org/c", "thumbnail_file": {"url": "mxc://example.org/d"}},
            "m.new_content": {"url": "mxc://example.org/e", "formatted_body": "<img src='mxc://example.org/f'>"},
            "list": [[["mxc://example.org/g"]]],
            "formatted_body": "<b>x</b><img alt=\"src=mxc://example.org/no\" src = \"mxc://example.org/h\"/><IMG SRC=mxc://example.org/i>",
            "body": "see mxc://example.org/no", "other": "<img src='mxc://example.org/no'>",
            "size": 7, "none": null, "bad": "mxc://example.org/../no",
        });
        assert_eq!(
            found(&content),
            ["a", "b", "c", "d", "e", "f", "g", "h", "i"]
        );
        for nothing in [json!(null), json!([]), json!("x"), json!({"url": {}})] {
            assert!(media_of(&nothing).is_empty());
        }
    }

    #[test]
    fn broken_html_names_what_a_browser_would_ask_for() {
        for (html, named) in [
            ("<img src=mxc://example.org/a", &["a"][..]),
            ("<img src=\"mxc://example.org/a", &["a"]),
            ("< img src='mxc://example.org/a'>", &[]),
            ("img src='mxc://example.org/a'", &[]),
            ("<img src src='mxc://example.org/a'>", &["a"]),
            ("<img/src='mxc://example.org/a'/>", &["a"]),
            ("<img ==src='mxc://example.org/a'>", &[]),
            ("<a title='>'><img data-src='mxc://example.org/a'>", &[]),
            ("<a title='<img src=mxc://example.org/a>'>", &[]),
            (
                "<é src='mxc://example.org/a'><p é='' src='mxc://example.org/b'>",
                &["b"],
            ),
            ("<<<img src=''src='mxc://example.org/a'", &["a"]),
        ] {
            assert_eq!(found(&json!({"formatted_body": html})), named, "{html}");
        }
    }

    #[test]
    fn a_token_is_found_in_every_shape() {
        let by_hash = json!({ (mxc("a").hash()): "token", (mxc("c").hash()): 5 });
        for content in [
            json!({"url": "mxc://example.org/a", "content_token": "token"}),
            json!({"file": {"url": "mxc://example.org/a"}, "content_token": "token"}),
            json!({"avatar_url": "mxc://example.org/a", "avatar_content_token": "token", "content_token": "other"}),
            json!({"content_token": by_hash}),
            json!({"m.new_content": {"content_token": by_hash}}),
            json!({"url": "mxc://example.org/a", "content_token": "old",
                   "m.new_content": {"url": "mxc://example.org/a", "content_token": "token"}}),
        ] {
            assert_eq!(token(&content, "a").as_deref(), Some("token"), "{content}");
            assert_eq!(token(&content, "b"), None, "{content}");
            assert_eq!(token(&content, "c"), None, "{content}");
        }
        for content in [
            json!({"url": "mxc://example.org/a", "content_token": "with space"}),
            json!({"url": "mxc://example.org/a", "avatar_content_token": "token"}),
            json!({"url": "mxc://example.org/a", "content_token": ["token"]}),
            json!({"content_token": "token"}),
            json!(["token"]),
        ] {
            assert_eq!(token(&content, "a"), None, "{content}");
        }
    }

    #[test]
    fn an_encrypted_event_tells_tokens_in_the_clear() {
        let told = |content: Value| {
            cleartext_token_of(&content, &mxc("a")).map(|token| token.expose().to_owned())
        };
        let text = json!({"algorithm": "x", "ciphertext": "y", "content_token": "token"});
        assert_eq!(told(text).as_deref(), Some("token"));
        let map = json!({"content_token": { (mxc("a").hash()): "token" }});
        assert_eq!(told(map).as_deref(), Some("token"));
        assert_eq!(told(json!({"content_token": {"x": "token"}})), None);
        assert_eq!(told(json!({"content_token": 5})), None);
    }

    #[test]
    fn an_edit_tells_what_it_edits_and_what_is_shown_now() {
        let edit = json!({
            "m.relates_to": {"rel_type": "m.replace", "event_id": "$e"},
            "m.new_content": {"body": "new"},
        });
        let (edited, shown) = replaced_content(&edit).expect("an edit");
        assert_eq!((edited.as_str(), shown), ("$e", &json!({"body": "new"})));
        for (pointer, value) in [
            ("/m.relates_to/rel_type", json!("m.thread")),
            ("/m.relates_to/event_id", json!("e")),
            ("/m.relates_to", json!([])),
            ("/m.new_content", json!("new")),
        ] {
            let mut other = edit.clone();
            *other.pointer_mut(pointer).expect("there") = value;
            assert_eq!(replaced_content(&other), None, "{pointer}");
        }
    }

    #[test]
    fn depth_and_length_cost_no_more_than_their_bytes() {
        let mut deep = json!("mxc://example.org/a");
        for _ in 0..10_000 {
            deep = Value::Array(vec![deep]);
        }
        assert_eq!(found(&deep), ["a"]);
        // Taken apart level by level: dropping it whole would go as deep as it is.
        while let Value::Array(mut list) = deep {
            deep = list.pop().unwrap_or_default();
        }
        for piece in ["<", "<a ", "<a b='", "src=", "=", "\"", "<a/"] {
            let html = piece.repeat(1 << 18);
            assert!(media_of(&json!({"formatted_body": html})).is_empty());
        }
    }

    proptest! {
        #[test]
        fn no_html_breaks_the_search(html in "[<>=/'\" a-cé]{0,60}") {
            let content = json!({"formatted_body": html});
            prop_assert!(media_of(&content).is_empty());
        }

        #[test]
        fn an_image_is_found_behind_any_other_html(before in "[a-z é]{0,20}(<[a-z]{1,5}( [a-z]{1,4}='[a-z<>]{0,5}')?>){0,3}") {
            let html = format!("{before}<img alt='' src=\"mxc://example.org/a\">");
            let content = json!({"formatted_body": html});
            prop_assert_eq!(found(&content), ["a"]);
        }

        #[test]
        fn no_json_breaks_the_search(text in "[\\[\\]{}:,\"a-z0-9]{0,80}") {
            let content: Value = serde_json::from_str(&text).unwrap_or_default();
            let _ = (media_of(&content), content_token_of(&content, &mxc("a")));
            let _ = (replaced_content(&content), cleartext_token_of(&content, &mxc("a")));
        }
    }
}
