//! Stored events.

use serde_json::{Map, Value};

use crate::transaction::TransactionScope;

/// The largest event that a room takes (Client-Server API, "Size limits").
pub(super) const MAX_EVENT_BYTES: usize = 65_536;

/// A stored event.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub event_id: String,
    pub kind: String,
    pub sender: String,
    pub origin_server_ts: u64,
    pub content: Map<String, Value>,
    pub state_key: Option<String>,
    /// The event that this one redacts.
    pub redacts: Option<String>,
    /// The position of the redaction that emptied this event.
    pub redacted_by: Option<usize>,
    /// The transaction ID, and who may see it.
    pub sent_as: Option<(TransactionScope, String)>,
    /// The media IDs that this event counts as used.
    pub counted: Vec<String>,
    /// The media IDs that are attached to this event.
    pub attached: Vec<String>,
}

/// The media that an event releases when it is redacted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Released {
    /// The media IDs that it had counted as used.
    pub counted: Vec<String>,
    /// The media IDs that were attached to it.
    pub attached: Vec<String>,
}
