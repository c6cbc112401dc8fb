//! The effects that pushed events have on links and on usage.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::storage::{open_questions::Question, room_successors::Succession};
use medialink_link::matrix::{ContentToken, EventId, MxcUri, RoomId};

/// Media that an event shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownMedia {
    /// The room of the event.
    pub room_id: RoomId,
    /// The event; of an edit, the one that it edits.
    pub event_id: EventId,
    /// The event itself, or its edit.
    pub shown_by: EventId,
    /// The media, with the content tokens that the event has for them.
    pub media: Vec<(MxcUri, Option<ContentToken>)>,
}

/// An effect of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// An event was redacted: its links end, those of every bridge.
    Redacted {
        /// The room of the event.
        room_id: RoomId,
        /// The redacted event.
        event_id: EventId,
    },
    /// An event was edited: its links to media that it no longer has end, those of every bridge.
    Edited {
        /// The room of the event.
        room_id: RoomId,
        /// The edited event.
        event_id: EventId,
        /// The media that it has now.
        media: BTreeSet<MxcUri>,
        /// The media that it had at first.
        before: BTreeSet<MxcUri>,
    },
    /// An event has shown media, which links that the bridge makes by itself may lead to.
    Shown(ShownMedia),
    /// The bridge's user has left a room, or was removed from it.
    Left {
        /// The room.
        room_id: RoomId,
    },
    /// The bridge's user is in a room: work that had to wait for that is due.
    Joined {
        /// The room.
        room_id: RoomId,
    },
    /// A room was replaced by another one.
    Succeeded(Succession),
    /// The homeserver has not told what an event means: until it has, no link is followed that the
    /// event may end.
    Unsure {
        /// The room of the event.
        room_id: RoomId,
        /// The question that the homeserver has to answer.
        question: Question,
    },
    /// A room has a policy for links.
    Policy {
        /// The room.
        room_id: RoomId,
        /// The state event that sets the policy.
        event_id: EventId,
        /// The content of that event.
        content: Value,
    },
}

impl Effect {
    /// The room that it is about.
    #[must_use]
    pub fn room_id(&self) -> &str {
        match self {
            Self::Redacted { room_id, .. }
            | Self::Edited { room_id, .. }
            | Self::Left { room_id }
            | Self::Joined { room_id }
            | Self::Unsure { room_id, .. }
            | Self::Policy { room_id, .. } => room_id.as_str(),
            Self::Shown(shown) => shown.room_id.as_str(),
            Self::Succeeded(succession) => &succession.room_id,
        }
    }
}
