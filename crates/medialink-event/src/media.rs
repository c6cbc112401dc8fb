//! The media that the content of an event names, and the content tokens that it carries for them
//! (Client-Server API, "Instant Messaging"; MSC3910).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use medialink_link::matrix::{ContentToken, EventId, MxcUri};

use crate::html::html_sources;

/// The field whose text is HTML (Client-Server API, "m.room.message msgtypes").
const HTML: &str = "formatted_body";

/// All media that this content names: every text that is an mxc URI, wherever it stands, and
/// the `src` of every visible picture in a `formatted_body`. Takes time and memory in proportion to the content.
#[must_use]
pub fn media_of(content: &Value) -> BTreeSet<MxcUri> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![("", content)];
    while let Some((name, value)) = waiting.pop() {
        match value {
            Value::String(text) => {
                found.extend(MxcUri::parse(text));
                if name == HTML {
                    found.extend(
                        html_sources(text).filter_map(|source| MxcUri::parse(&source).ok()),
                    );
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
/// the event shows it (Client-Server API, "Event replacements").
#[must_use]
pub fn content_token_of(content: &Value, mxc: &MxcUri) -> Option<ContentToken> {
    let own = content.as_object()?;
    let edited = own.get("m.new_content").and_then(Value::as_object);
    edited
        .into_iter()
        .chain([own])
        .find_map(|content| token_beside(content, mxc).or_else(|| token_by_hash(content, mxc)))
}

/// The content token that an encrypted event carries in the clear: by the hash of the medium's URI,
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

/// The main medium of a message: its `url`, or that of its `file`.
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

/// The same of an encrypted edit: `cleartext` has the relation in the clear, `content` the
/// decrypted new content (Client-Server API, "Relationships and encryption").
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

#[cfg(test)]
mod tests;
