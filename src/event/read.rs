//! From JSON to an event that is understood.

use std::fmt;

use serde_json::Value;

use crate::matrix::{EventId, RoomId, UserId, cleartext_token_of, content_token_of, replaced_by};

use super::{MediaKind, SharedEvent, find::media_in};

/// Why an event cannot be read: the field, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// A field is missing.
    #[error("{0} is missing: {1}")]
    Missing(&'static str, &'static str),
    /// A field has a value that is not allowed.
    #[error("{0}: {1}")]
    Invalid(&'static str, String),
}

/// What a bridge hands over.
pub struct Given<'a> {
    /// The event as the homeserver has sent it, or with decrypted type and content.
    pub event: &'a Value,
    /// Of an encrypted event: what was decrypted, with `type` and `content` (Client-Server API,
    /// "m.megolm.v1.aes-sha2").
    pub decrypted: Option<&'a Value>,
    /// The room, if the event does not say it (as in `/sync`).
    pub room_id: Option<&'a str>,
}

impl fmt::Debug for Given<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(…)")
    }
}

impl SharedEvent {
    /// Reads an event and finds its media.
    ///
    /// # Errors
    /// If it is no Matrix event, or encrypted and nobody says what is in it.
    pub fn read(given: &Given<'_>) -> Result<Self, EventError> {
        let event = given.event;
        if !event.is_object() {
            return Err(EventError::Invalid(
                "event",
                "it has to be an object".to_owned(),
            ));
        }
        let room_id = RoomId::parse(room_id(given)?)
            .map_err(|error| EventError::Invalid("event.room_id", error.to_string()))?;
        let sender = optional(event, "sender", "event.sender", UserId::parse)?;
        let own_id = optional(event, "event_id", "event.event_id", EventId::parse)?;
        let (event_type, content) = shown(given, &room_id)?;

        // A relation is told in the clear, if it is (Client-Server API, "Relationships and
        // encryption").
        let cleartext = event
            .get("content")
            .filter(|clear| clear.get("m.relates_to").is_some());
        let edit = replaced_by(cleartext.unwrap_or(content), content);
        let (root, shown) = match &edit {
            Some((_, shown)) => ("content.m.new_content", *shown),
            None => ("content", content),
        };
        let mut media = media_in(shown, root, event_type);
        let main = main_of(&media);
        for (index, medium) in media.iter_mut().enumerate() {
            if medium.content_token.is_none() {
                medium.content_token = token_around(given, content, medium, Some(index) == main);
            }
        }
        Ok(Self {
            room_id,
            shown_by: own_id.clone().filter(|_| edit.is_some()),
            event_id: edit.as_ref().map(|(id, _)| id.clone()).or(own_id),
            sender,
            event_type: event_type.to_owned(),
            is_edit: edit.is_some(),
            content: shown.clone(),
            media,
        })
    }
}

fn room_id<'a>(given: &Given<'a>) -> Result<&'a str, EventError> {
    match (given.event.get("room_id"), given.room_id) {
        (Some(Value::String(told)), Some(room_id)) if told != room_id => Err(EventError::Invalid(
            "room_id",
            "it differs from event.room_id".to_owned(),
        )),
        (Some(Value::String(told)), _) => Ok(told),
        (None | Some(Value::Null), Some(room_id)) => Ok(room_id),
        (None | Some(Value::Null), None) => Err(EventError::Missing(
            "event.room_id",
            "the room of the event; room_id may stand beside the event",
        )),
        (Some(_), _) => Err(not_a_text("event.room_id")),
    }
}

fn not_a_text(field: &'static str) -> EventError {
    EventError::Invalid(field, "it has to be a text".to_owned())
}

fn optional<T, E: fmt::Display>(
    event: &Value,
    name: &str,
    field: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, EventError> {
    match event.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => parse(text)
            .map(Some)
            .map_err(|error| EventError::Invalid(field, error.to_string())),
        Some(_) => Err(not_a_text(field)),
    }
}

/// Type and content as people see them.
fn shown<'a>(given: &Given<'a>, room_id: &RoomId) -> Result<(&'a str, &'a Value), EventError> {
    let Some(decrypted) = given.decrypted else {
        let event_type = type_of(given.event, "event.type")?;
        if event_type == "m.room.encrypted" {
            return Err(EventError::Missing(
                "decrypted",
                "the event is encrypted; what was decrypted, with type and content",
            ));
        }
        return Ok((event_type, content_of(given.event, "event.content")?));
    };
    if !decrypted.is_object() {
        return Err(EventError::Invalid(
            "decrypted",
            "it has to be an object".to_owned(),
        ));
    }
    // Otherwise a homeserver could show an event of one room in another.
    let told = decrypted.get("room_id").filter(|told| !told.is_null());
    if told.is_some_and(|told| told.as_str() != Some(room_id.as_str())) {
        return Err(EventError::Invalid(
            "decrypted.room_id",
            "it differs from the room of the event".to_owned(),
        ));
    }
    let event_type = type_of(decrypted, "decrypted.type")?;
    Ok((event_type, content_of(decrypted, "decrypted.content")?))
}

fn type_of<'a>(event: &'a Value, field: &'static str) -> Result<&'a str, EventError> {
    match event.get("type") {
        Some(Value::String(text)) => Ok(text),
        None => Err(EventError::Missing(field, "what kind of event it is")),
        Some(_) => Err(not_a_text(field)),
    }
}

fn content_of<'a>(event: &'a Value, field: &'static str) -> Result<&'a Value, EventError> {
    match event.get("content") {
        Some(content) if content.is_object() => Ok(content),
        None => Err(EventError::Missing(field, "what the event says")),
        Some(_) => Err(EventError::Invalid(
            field,
            "it has to be an object".to_owned(),
        )),
    }
}

/// The medium that a text in the clear is the content token of.
fn main_of(media: &[super::SharedMedia]) -> Option<usize> {
    let is_main = |kind| {
        matches!(
            kind,
            MediaKind::File | MediaKind::Sticker | MediaKind::Avatar
        )
    };
    match media {
        [_] => Some(0),
        [first, ..] => is_main(first.kind).then_some(0),
        [] => None,
    }
}

/// The token that stands outside of the content that is shown: in the content of an edit, or in
/// the clear of an encrypted event.
fn token_around(
    given: &Given<'_>,
    content: &Value,
    medium: &super::SharedMedia,
    is_main: bool,
) -> Option<crate::matrix::ContentToken> {
    let clear = given.decrypted.and_then(|_| given.event.get("content"));
    content_token_of(content, &medium.mxc).or_else(|| {
        let clear = clear?;
        let is_text = clear.get("content_token").is_some_and(Value::is_string);
        (is_main || !is_text)
            .then(|| cleartext_token_of(clear, &medium.mxc))
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        event::{MediaDetails, Warning},
        matrix::MxcUri,
    };

    fn event(content: Value) -> Value {
        json!({"type": "m.room.message", "room_id": "!r:example.org", "event_id": "$e", "sender": "@a:example.org", "content": content})
    }

    fn read(event: &Value, decrypted: Option<&Value>) -> Result<SharedEvent, String> {
        let given = Given {
            event,
            decrypted,
            room_id: None,
        };
        SharedEvent::read(&given).map_err(|error| error.to_string())
    }

    /// Path and token of every medium.
    fn tokens(event: &Value, decrypted: Option<&Value>) -> Vec<(String, Option<String>)> {
        let event = read(event, decrypted).expect("an event");
        let media = event.media.into_iter();
        media
            .map(|media| {
                let token = media.content_token.map(|token| token.expose().to_owned());
                (media.path, token)
            })
            .collect()
    }

    fn told(path: &str, token: &str) -> (String, Option<String>) {
        (path.to_owned(), Some(token.to_owned()))
    }

    fn untold(path: &str) -> (String, Option<String>) {
        (path.to_owned(), None)
    }

    fn hash(id: &str) -> String {
        MxcUri::from_parts("example.org", id).expect("valid").hash()
    }

    #[test]
    fn content_tokens_are_found_in_every_shape() {
        let beside = json!({"msgtype": "m.image", "body": "x", "url": "mxc://example.org/a", "content_token": "main",
            "info": {"thumbnail_url": "mxc://example.org/b"}});
        assert_eq!(
            tokens(&event(beside), None),
            [
                told("content.url", "main"),
                untold("content.info.thumbnail_url")
            ]
        );
        let file = json!({"msgtype": "m.image", "body": "x", "file": {"url": "mxc://example.org/a"}, "content_token": "main"});
        assert_eq!(
            tokens(&event(file), None),
            [told("content.file.url", "main")]
        );
        let map = json!({"msgtype": "m.image", "body": "x", "url": "mxc://example.org/a",
            "formatted_body": "<img src='mxc://example.org/c'>",
            "info": {"thumbnail_url": "mxc://example.org/b"},
            "content_token": { (hash("a")): "of-a", (hash("b")): "of-b", (hash("c")): "of-c" }});
        assert_eq!(
            tokens(&event(map), None),
            [
                told("content.url", "of-a"),
                told("content.formatted_body[0]", "of-c"),
                told("content.info.thumbnail_url", "of-b"),
            ]
        );
        let avatar = json!({"avatar_url": "mxc://example.org/a", "avatar_content_token": "avatar"});
        assert_eq!(
            tokens(&event(avatar), None),
            [told("content.avatar_url", "avatar")]
        );
        let gallery = json!({"msgtype": "m.gallery", "body": "", "content_token": { (hash("b")): "of-b" }, "itemtypes": [
            {"itemtype": "m.image", "body": "a", "url": "mxc://example.org/a", "content_token": "of-a"},
            {"itemtype": "m.image", "body": "b", "url": "mxc://example.org/b"}]});
        assert_eq!(
            tokens(&event(gallery), None),
            [
                told("content.itemtypes[0].url", "of-a"),
                told("content.itemtypes[1].url", "of-b")
            ]
        );
        // Of an edit, the token may stand outside of what is shown.
        let edit = json!({"msgtype": "m.image", "body": "* x", "content_token": { (hash("a")): "of-a" },
            "m.new_content": {"msgtype": "m.image", "body": "x", "url": "mxc://example.org/a"},
            "m.relates_to": {"rel_type": "m.replace", "event_id": "$edited"}});
        assert_eq!(
            tokens(&event(edit), None),
            [told("content.m.new_content.url", "of-a")]
        );
    }

    #[test]
    fn an_encrypted_event_tells_its_tokens_in_the_clear() {
        let file = |id: &str| json!({"url": format!("mxc://example.org/{id}")});
        let decrypted = json!({"type": "m.room.message", "content": {"msgtype": "m.image", "body": "x",
            "file": file("a"), "info": {"thumbnail_file": file("b")}}});
        let mut encrypted =
            event(json!({"algorithm": "m.megolm.v1.aes-sha2", "content_token": "main"}));
        encrypted["type"] = json!("m.room.encrypted");
        assert_eq!(
            tokens(&encrypted, Some(&decrypted)),
            [
                told("content.file.url", "main"),
                untold("content.info.thumbnail_file.url")
            ]
        );
        encrypted["content"]["content_token"] = json!({ (hash("b")): "of-b" });
        assert_eq!(
            tokens(&encrypted, Some(&decrypted)),
            [
                untold("content.file.url"),
                told("content.info.thumbnail_file.url", "of-b")
            ]
        );
    }

    #[test]
    fn names_and_captions_follow_the_specification() {
        let told = |content: Value| {
            let event = read(&event(content), None).expect("an event");
            let details = &event.media[0].details;
            (details.filename.clone(), details.caption.clone())
        };
        let text = |text: &str| Some(text.to_owned());
        let image = |more: Value| {
            let mut content = json!({"msgtype": "m.image", "url": "mxc://example.org/a"});
            for (name, value) in more.as_object().expect("an object") {
                content[name] = value.clone();
            }
            content
        };
        for (content, name, caption) in [
            (json!({"body": "cat.png"}), text("cat.png"), None),
            (
                json!({"body": "cat.png", "filename": "cat.png"}),
                text("cat.png"),
                None,
            ),
            (
                json!({"body": "a cat", "filename": "cat.png"}),
                text("cat.png"),
                text("a cat"),
            ),
            (
                json!({"body": "  ", "filename": "cat.png"}),
                text("cat.png"),
                None,
            ),
            (
                json!({"body": "cat.png", "filename": 5}),
                text("cat.png"),
                None,
            ),
            (json!({"body": 5}), None, None),
        ] {
            assert_eq!(told(image(content.clone())), (name, caption), "{content}");
        }
        let mut sticker = event(json!({"body": "a cat", "url": "mxc://example.org/a"}));
        sticker["type"] = json!("m.sticker");
        let details = read(&sticker, None)
            .expect("an event")
            .media
            .remove(0)
            .details;
        assert_eq!((details.filename, details.caption), (None, text("a cat")));
    }

    #[test]
    fn what_is_said_of_media_is_kept_where_it_makes_sense() {
        let told = |more: Value| {
            let mut content =
                json!({"msgtype": "m.image", "body": "a", "url": "mxc://example.org/a"});
            for (name, value) in more.as_object().expect("an object") {
                content[name] = value.clone();
            }
            read(&event(content), None)
                .expect("an event")
                .media
                .remove(0)
                .details
        };
        let named = MediaDetails {
            filename: Some("a".to_owned()),
            ..MediaDetails::default()
        };
        let info = json!({"mimetype": "image/png", "size": 5, "w": 8, "h": 6, "duration": 7, "xyz.amorgan.blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj"});
        assert_eq!(
            told(json!({"info": info})),
            MediaDetails {
                mimetype: Some("image/png".to_owned()),
                size: Some(5),
                width: Some(8),
                height: Some(6),
                duration_ms: Some(7),
                blurhash: Some("LEHV6nWB2yk8pyo0adR*.7kCMdnj".to_owned()),
                ..named.clone()
            }
        );
        let bad = json!({"mimetype": 5, "size": -5, "w": 0, "h": "6", "duration": 1.5, "blurhash": "<b>"});
        assert_eq!(told(json!({"info": bad})), named);
        let warned = |is_spoiler: bool, reason: Option<&str>| MediaDetails {
            warning: Some(Warning {
                is_spoiler,
                reason: reason.map(str::to_owned),
            }),
            ..named.clone()
        };
        for (content, is_spoiler, reason) in [
            (json!({"m.spoiler": true}), true, None),
            (
                json!({"page.codeberg.everypizza.msc4193.spoiler": true, "page.codeberg.everypizza.msc4193.spoiler.reason": "why"}),
                true,
                Some("why"),
            ),
            (
                json!({"m.content_warning": {"type": "m.spoiler"}}),
                true,
                None,
            ),
            (
                json!({"town.robin.msc3725.content_warning": {"type": "town.robin.msc3725.nsfw"}}),
                false,
                Some("nsfw"),
            ),
            (
                json!({"m.content_warning": {"type": "m.nsfw", "description": "why"}}),
                false,
                Some("why"),
            ),
        ] {
            assert_eq!(
                told(content.clone()),
                warned(is_spoiler, reason),
                "{content}"
            );
        }
        assert_eq!(told(json!({"m.spoiler": "true"})), named);
    }

    #[test]
    fn what_is_no_event_is_told() {
        let whole = event(json!({"body": "x"}));
        for (pointer, value, problem) in [
            ("", json!([]), "event: it has to be an object"),
            ("/room_id", json!(null), "event.room_id is missing"),
            ("/room_id", json!("r"), "event.room_id: not a room ID"),
            ("/room_id", json!(5), "event.room_id: it has to be a text"),
            ("/event_id", json!("e"), "event.event_id: not an event ID"),
            ("/sender", json!({}), "event.sender: it has to be a text"),
            ("/type", json!(5), "event.type: it has to be a text"),
            ("/type", json!("m.room.encrypted"), "decrypted is missing"),
            (
                "/content",
                json!(null),
                "event.content: it has to be an object",
            ),
        ] {
            let mut event = whole.clone();
            *event.pointer_mut(pointer).expect("there") = value;
            let told = read(&event, None).err().expect("no event");
            assert!(told.starts_with(problem), "{pointer}: {told}");
        }
        for (decrypted, problem) in [
            (json!(5), "decrypted: it has to be an object"),
            (
                json!({"type": "m.room.message"}),
                "decrypted.content is missing",
            ),
            (json!({"content": {}}), "decrypted.type is missing"),
            (
                json!({"type": "x", "content": {}, "room_id": "!other:example.org"}),
                "decrypted.room_id: it differs",
            ),
        ] {
            let told = read(&whole, Some(&decrypted)).err().expect("no event");
            assert!(told.starts_with(problem), "{told}");
        }
        let elsewhere = Given {
            event: &whole,
            decrypted: None,
            room_id: Some("!other:example.org"),
        };
        assert!(SharedEvent::read(&elsewhere).is_err());
    }
}
