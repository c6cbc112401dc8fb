//! A meta event as the worker claims it.

use crate::storage::{
    StorageError,
    engine::Opened,
    sealer::{Sealing, SecretKind},
};

/// The next step for a claimed meta event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// To send it.
    Send,
    /// To redact it.
    Redact,
}

/// Which claim of a meta event an attempt belongs to. An outcome is noted with it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The row's ID.
    pub id: i64,
    /// The random value of this one claim.
    pub token: String,
}

/// A meta event that the worker has claimed, to send or to redact it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ClaimedEvent {
    /// The row's ID.
    pub id: i64,
    /// The random value of its claim.
    pub claim: String,
    /// The bridge as whose user it is sent.
    pub bridge: String,
    /// The room into which it is sent.
    pub room_id: String,
    /// `waiting` or `redacting`.
    pub state: String,
    /// Its Matrix event type.
    pub event_type: String,
    /// Its content as JSON; a repeated send has to be the same to the byte.
    pub content: String,
    /// The content's `batch`: unique, so that the event can be found in its room.
    pub batch: String,
    /// The transaction ID of its send.
    pub txn_id: String,
    /// The device that sends it; empty: none.
    pub device_id: String,
    /// Its event ID, once it is known to be sent.
    pub event_id: Option<String>,
    /// The transaction ID of its redaction.
    pub redact_txn_id: Option<String>,
    /// The number of attempts, this one included.
    pub attempts: i64,
    /// Since when the homeserver may have accepted it, in milliseconds since the epoch; `None`: it
    /// has surely not.
    pub unknown_since: Option<i64>,
    /// When the row was made, in milliseconds since the epoch.
    pub created_at: i64,
    /// Whether it is sent with copies of its media.
    pub has_copy: bool,
    /// How often the homeserver has refused to attach its copies.
    pub copies_refused: i64,
    /// Whether the last request in its room failed.
    pub has_rested: bool,
}

impl Opened for ClaimedEvent {
    type Row = Self;

    fn open(mut event: Self, sealing: &Sealing) -> Result<Self, StorageError> {
        event.content = sealing.open_text(SecretKind::MetaEvent, &event.batch, event.content)?;
        Ok(event)
    }
}

impl ClaimedEvent {
    /// Its claim.
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim {
            id: self.id,
            token: self.claim.clone(),
        }
    }

    /// The next step for it.
    #[must_use]
    pub fn task(&self) -> Task {
        if self.state == "redacting" {
            Task::Redact
        } else {
            Task::Send
        }
    }
}
