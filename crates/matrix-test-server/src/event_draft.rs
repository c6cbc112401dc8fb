//! Events before they are accepted.

use serde_json::{Map, Value};

use crate::transaction::TransactionScope;

/// An event before it is accepted.
pub(super) struct EventDraft {
    pub kind: String,
    pub sender: String,
    pub content: Map<String, Value>,
    pub state_key: Option<String>,
    pub redacts: Option<String>,
    pub sent_as: Option<(TransactionScope, String)>,
    /// The media IDs to attach, which have been checked.
    pub attached: Vec<String>,
}

impl EventDraft {
    pub fn state(sender: &str, kind: &str, key: &str, content: Map<String, Value>) -> Self {
        Self {
            kind: kind.to_owned(),
            sender: sender.to_owned(),
            content,
            state_key: Some(key.to_owned()),
            redacts: None,
            sent_as: None,
            attached: Vec::new(),
        }
    }
}
