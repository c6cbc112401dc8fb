//! The input of a bridge: an event as JSON, and its parts once they have been checked.

use std::fmt;

use serde_json::Value;

use medialink_link::matrix::RoomId;

/// Why an event cannot be read: the field and its problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// A field is missing.
    #[error("{0} is missing: {1}")]
    Missing(&'static str, &'static str),
    /// A field has a value that is not allowed.
    #[error("{0}: {1}")]
    Invalid(&'static str, String),
}

/// An event as a bridge has it.
pub struct EventInput<'a> {
    /// The event as the homeserver has sent it, or with decrypted type and content.
    pub event: &'a Value,
    /// Of an encrypted event: the decrypted JSON, with `type` and `content` (Client-Server API,
    /// "m.megolm.v1.aes-sha2").
    pub decrypted: Option<&'a Value>,
    /// The room, if the event does not say it (as in `/sync`).
    pub room_id: Option<&'a str>,
}

impl fmt::Debug for EventInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventInput(…)")
    }
}

pub(super) fn room_id<'a>(input: &EventInput<'a>) -> Result<&'a str, EventError> {
    match (input.event.get("room_id"), input.room_id) {
        (Some(Value::String(own)), Some(room_id)) if own != room_id => Err(EventError::Invalid(
            "room_id",
            "it differs from event.room_id".to_owned(),
        )),
        (Some(Value::String(own)), _) => Ok(own),
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

pub(super) fn optional<T, E: fmt::Display>(
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

/// Type and content, decrypted where the event was encrypted.
pub(super) fn shown<'a>(
    input: &EventInput<'a>,
    room_id: &RoomId,
) -> Result<(&'a str, &'a Value), EventError> {
    let Some(decrypted) = input.decrypted else {
        let event_type = type_of(input.event, "event.type")?;
        if event_type == "m.room.encrypted" {
            return Err(EventError::Missing(
                "decrypted",
                "the event is encrypted; what was decrypted, with type and content",
            ));
        }
        return Ok((event_type, content_of(input.event, "event.content")?));
    };
    if !decrypted.is_object() {
        return Err(EventError::Invalid(
            "decrypted",
            "it has to be an object".to_owned(),
        ));
    }
    // Otherwise a homeserver could show an event of one room in another.
    let own = decrypted.get("room_id").filter(|own| !own.is_null());
    if own.is_some_and(|own| own.as_str() != Some(room_id.as_str())) {
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
