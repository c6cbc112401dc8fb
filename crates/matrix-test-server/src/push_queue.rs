//! The events that wait for an appservice.

use std::collections::VecDeque;

use serde_json::Value;

use crate::clock::now_ms;

/// The events that wait to be pushed to one appservice.
pub(super) struct PushQueue {
    pub url: Option<String>,
    pub events: VecDeque<Value>,
    pub next_txn: u64,
}

impl PushQueue {
    pub fn new(url: Option<String>) -> Self {
        Self {
            url,
            events: VecDeque::new(),
            // An appservice remembers transaction IDs longer than this server lives.
            next_txn: now_ms(),
        }
    }
}
