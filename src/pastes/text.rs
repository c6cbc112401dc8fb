//! Texts that bridges hand over to be linked.

use std::fmt;

use crate::{config::Lifetime, homeserver::HomeserverError, links::IssueError};
use medialink_link::matrix::{EventId, RoomId, UserId};

/// The longest text, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// A text that a bridge wants to have linked. It is not in `Debug`.
#[derive(Clone)]
pub struct PasteText {
    /// The text; not empty.
    pub text: String,
    /// The room of the message.
    pub room_id: RoomId,
    /// The message.
    pub event_id: Option<EventId>,
    /// The author.
    pub sender: Option<UserId>,
    /// Its name, for people.
    pub filename: Option<String>,
    /// Its language, such as `rust`.
    pub language: Option<String>,
    /// How long the link is to live.
    pub lifetime: Option<Lifetime>,
}

impl PasteText {
    /// A text of a room, with nothing else said.
    #[must_use]
    pub fn new(room_id: RoomId, text: String) -> Self {
        Self {
            text,
            room_id,
            event_id: None,
            sender: None,
            filename: None,
            language: None,
            lifetime: None,
        }
    }
}

impl fmt::Debug for PasteText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasteText(…)")
    }
}

/// Why a text was not linked.
#[derive(Debug, thiserror::Error)]
pub enum PasteError {
    /// It is longer than that, in bytes.
    #[error("the text is longer than {0} bytes")]
    TooLong(u64),
    /// The homeserver takes only media that is attached to an event, and none is sent.
    #[error(
        "the homeserver takes media only that is attached to an event (MSC3911), and no meta event is sent: usage.mode is never, or the room is encrypted and usage.encrypted_rooms is false"
    )]
    NeverAttached,
    /// The homeserver did not take it.
    #[error(transparent)]
    Upload(HomeserverError),
    /// There may be no link to it.
    #[error(transparent)]
    Issue(#[from] IssueError),
}
