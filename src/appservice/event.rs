//! From one event to its meaning here.
//!
//! An event that is not of the shape of a room event (Client-Server API, "Room event format") is
//! passed over, so that one of them cannot keep the others from being acted on.

use serde_json::{Value, value::RawValue};

use crate::links::{POLICY_EVENT_TYPE, ShownMedia};
use medialink_event::{content_token_of, media_of, replaced_content};
use medialink_link::matrix::{EventId, RoomId, UserId};

use super::{
    envelope::{Envelope, field, may_hold, value},
    occurrence::{EventContent, Membership, Occurrence},
};

/// How many media of one event are noted as shown: each is a row, and an event can name thousands.
const MAX_SHOWN: usize = 256;

/// The media that an event shows.
pub(super) fn shown(event: &RawValue) -> Option<Occurrence> {
    let event: Envelope<'_> = serde_json::from_str(event.get()).ok()?;
    if !may_hold(event.content, "mxc:") || event.is_redacted() {
        return None;
    }
    let content = value(event.content);
    let media = media_of(&content);
    if media.is_empty() {
        return None;
    }
    let shown_by = EventId::parse(value(event.event_id).as_str()?).ok()?;
    let edited = replaced_content(&content).filter(|_| event.state_key.is_none());
    Some(Occurrence::Shown(ShownMedia {
        room_id: RoomId::parse(&event.room_id).ok()?,
        event_id: edited.map_or_else(|| shown_by.clone(), |(event_id, _)| event_id),
        shown_by,
        media: media
            .into_iter()
            .take(MAX_SHOWN)
            .map(|mxc| {
                let token = content_token_of(&content, &mxc);
                (mxc, token)
            })
            .collect(),
    }))
}

/// The meaning of an event, its media aside.
pub(super) fn occurrence(event: &RawValue) -> Option<Occurrence> {
    let event: Envelope<'_> = serde_json::from_str(event.get()).ok()?;
    if event.is_redacted() {
        let redacted = event_id(&value(event.event_id));
        return Some(Occurrence::Redaction {
            room_id: room_id(&event)?,
            redacts_top_level: redacted.clone(),
            redacts_in_content: redacted,
        });
    }
    let is_state = value(event.state_key).as_str() == Some("");
    match &*event.kind {
        "m.room.redaction" => redaction(&event),
        "m.room.member" => membership(&event),
        "m.room.tombstone" if is_state => {
            let content = value(event.content);
            let successor = field(&content, "replacement_room")?.as_str()?;
            Some(Occurrence::Tombstone {
                room_id: room_id(&event)?,
                successor: RoomId::parse(successor).ok()?,
            })
        }
        POLICY_EVENT_TYPE if is_state => Some(Occurrence::Policy {
            room_id: room_id(&event)?,
            event_id: event_id(&value(event.event_id))?,
            content: value(event.content),
        }),
        // Most events end here, with their content unread.
        _ if event.state_key.is_none() && may_hold(event.content, "m.replace") => edit(&event),
        _ => None,
    }
}

fn room_id(event: &Envelope<'_>) -> Option<RoomId> {
    RoomId::parse(&event.room_id).ok()
}

fn event_id(value: &Value) -> Option<EventId> {
    EventId::parse(value.as_str()?).ok()
}

fn redaction(event: &Envelope<'_>) -> Option<Occurrence> {
    let content = value(event.content);
    let redacts_top_level = event_id(&value(event.redacts));
    let redacts_in_content = field(&content, "redacts").and_then(event_id);
    (redacts_top_level.is_some() || redacts_in_content.is_some()).then_some(())?;
    Some(Occurrence::Redaction {
        room_id: room_id(event)?,
        redacts_top_level,
        redacts_in_content,
    })
}

fn membership(event: &Envelope<'_>) -> Option<Occurrence> {
    let content = value(event.content);
    Some(Occurrence::Membership {
        room_id: room_id(event)?,
        user_id: value(event.state_key).as_str()?.to_owned(),
        sender: UserId::parse(&event.sender).ok()?,
        membership: match field(&content, "membership")?.as_str()? {
            "invite" => Membership::Invite,
            "join" => Membership::Join,
            "leave" | "ban" => Membership::Out,
            _ => return None,
        },
    })
}

fn edit(event: &Envelope<'_>) -> Option<Occurrence> {
    let content = value(event.content);
    let (event_id, new_content) = replaced_content(&content)?;
    Some(Occurrence::Edit {
        room_id: room_id(event)?,
        event_id,
        sender: UserId::parse(&event.sender).ok()?,
        new_content: EventContent(new_content.clone()),
    })
}
