//! The meanings that events of a transaction can have here.

use std::fmt;

use serde_json::Value;

use crate::links::ShownMedia;
use medialink_link::matrix::{EventId, RoomId, UserId};

/// Something that an event has done and that concerns links or usage.
#[derive(Debug, Clone, PartialEq)]
pub enum Occurrence {
    /// An event was redacted. Which of the two places counts depends on the room version.
    Redaction {
        /// The room of the event.
        room_id: RoomId,
        /// The redacted event, as `redacts` at the top level names it (up to room version 10).
        redacts_top_level: Option<EventId>,
        /// The redacted event, as `content.redacts` names it (since room version 11).
        redacts_in_content: Option<EventId>,
    },
    /// An event was edited (`m.replace`).
    Edit {
        /// The room of the event.
        room_id: RoomId,
        /// The event that is edited.
        event_id: EventId,
        /// The sender of the edit.
        sender: UserId,
        /// The content from now on (`m.new_content`).
        new_content: EventContent,
    },
    /// Somebody's membership has changed.
    Membership {
        /// The room.
        room_id: RoomId,
        /// The member.
        user_id: String,
        /// The sender of the change.
        sender: UserId,
        /// The membership from now on.
        membership: Membership,
    },
    /// A room was replaced (`m.room.tombstone`).
    Tombstone {
        /// The room.
        room_id: RoomId,
        /// The room that replaces it.
        successor: RoomId,
    },
    /// An event shows media. Read only where that is asked for.
    Shown(ShownMedia),
    /// A room's policy for links was set.
    Policy {
        /// The room.
        room_id: RoomId,
        /// The state event.
        event_id: EventId,
        /// The content of that event.
        content: Value,
    },
}

impl Occurrence {
    /// The room in which it has happened.
    pub(super) fn room_id(&self) -> &RoomId {
        match self {
            Self::Redaction { room_id, .. }
            | Self::Edit { room_id, .. }
            | Self::Membership { room_id, .. }
            | Self::Tombstone { room_id, .. }
            | Self::Policy { room_id, .. } => room_id,
            Self::Shown(shown) => &shown.room_id,
        }
    }
}

/// The content of an event. It may hold content tokens and file keys, so `Debug` hides it.
#[derive(Clone, PartialEq)]
pub struct EventContent(pub Value);

impl fmt::Debug for EventContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventContent(…)")
    }
}

/// A membership that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// Invited.
    Invite,
    /// In the room.
    Join,
    /// Out of it: left, removed or banned.
    Out,
}
