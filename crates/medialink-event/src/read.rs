//! From JSON to an event that is understood.

use serde_json::Value;

use crate::{cleartext_token_of, content_token_of, replaced_by};
use medialink_link::matrix::{ContentToken, EventId, RoomId, UserId};

use super::{
    MediaKind, SharedEvent, SharedMedia,
    find::media_in,
    input::{EventError, EventInput, optional, room_id, shown},
};

impl SharedEvent {
    /// Reads an event and finds its media.
    ///
    /// # Errors
    /// If it is no Matrix event, or encrypted without its decrypted content.
    pub fn read(input: &EventInput<'_>) -> Result<Self, EventError> {
        let event = input.event;
        if !event.is_object() {
            return Err(EventError::Invalid(
                "event",
                "it has to be an object".to_owned(),
            ));
        }
        let room_id = RoomId::parse(room_id(input)?)
            .map_err(|error| EventError::Invalid("event.room_id", error.to_string()))?;
        let sender = optional(event, "sender", "event.sender", UserId::parse)?;
        let own_id = optional(event, "event_id", "event.event_id", EventId::parse)?;
        let (event_type, content) = shown(input, &room_id)?;

        // An encrypted event may have its relation in the clear (Client-Server API, "Relationships and
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
                medium.content_token = token_around(input, content, medium, Some(index) == main);
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
/// room before, and had another one: joins, invites and new names carry the avatar too.
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

/// The medium to which a content token in the clear belongs.
fn main_of(media: &[SharedMedia]) -> Option<usize> {
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

/// The token outside of the content that is shown: in the outer content of an edit, or in the clear
/// of an encrypted event.
fn token_around(
    input: &EventInput<'_>,
    content: &Value,
    medium: &SharedMedia,
    is_main: bool,
) -> Option<ContentToken> {
    let clear = input.decrypted.and_then(|_| input.event.get("content"));
    let mxc = medium.mxc.as_ref().ok()?;
    content_token_of(content, mxc).or_else(|| {
        let clear = clear?;
        let is_text = clear.get("content_token").is_some_and(Value::is_string);
        (is_main || !is_text)
            .then(|| cleartext_token_of(clear, mxc))
            .flatten()
    })
}

#[cfg(test)]
pub(super) mod tests;
