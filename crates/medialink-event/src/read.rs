//! From JSON to an event that is understood.

use std::fmt;

use serde_json::Value;

use crate::{cleartext_token_of, content_token_of, replaced_by};
use medialink_link::matrix::{EventId, RoomId, UserId};

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
            is_reply: [cleartext, Some(content), Some(shown)]
                .into_iter()
                .flatten()
                .any(is_reply),
            changes_avatar: changes_avatar(event, event_type, content),
            content: shown.clone(),
            media,
        })
    }
}

fn is_reply(content: &Value) -> bool {
    let relation = content.get("m.relates_to");
    relation.is_some_and(|relation| relation.get("m.in_reply_to").is_some())
}

/// Of a room's avatar, whether it is state. Of a membership event, whether its sender was in the
/// room before, and had another one: joins, invites and new names tell the avatar too.
fn changes_avatar(event: &Value, event_type: &str, content: &Value) -> bool {
    fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
        object.get(name).and_then(Value::as_str)
    }
    let state_key = text(event, "state_key");
    let is_joined = |content: &Value| text(content, "membership") == Some("join");
    match event_type {
        "m.room.avatar" => state_key == Some(""),
        "m.room.member" => {
            let before = event
                .pointer("/unsigned/prev_content")
                .or_else(|| event.get("prev_content"));
            let is_changed = |before: &Value| {
                is_joined(before) && text(before, "avatar_url") != text(content, "avatar_url")
            };
            state_key.is_some()
                && state_key == text(event, "sender")
                && is_joined(content)
                && before.is_some_and(is_changed)
        }
        _ => false,
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
) -> Option<medialink_link::matrix::ContentToken> {
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
pub(super) mod tests;
