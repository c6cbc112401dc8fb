//! Events in the form that clients get.

use serde_json::{Map, Value, json};

use crate::event::Event;
use crate::room::Room;
use crate::transaction::TransactionScope;

impl Room {
    /// The event as clients get it (Client-Server API, "Room event format"). Redactions carry
    /// `redacts` in both places, whatever the room version.
    pub fn client_event(&self, at: usize, viewer: Option<&TransactionScope>, now: u64) -> Value {
        let Some(event) = self.events.get(at) else {
            return Value::Null;
        };
        let mut unsigned = Map::new();
        unsigned.insert(
            "age".into(),
            now.saturating_sub(event.origin_server_ts).into(),
        );
        if let Some((scope, txn)) = &event.sent_as
            && Some(scope) == viewer
        {
            unsigned.insert("transaction_id".into(), txn.as_str().into());
        }
        // A redaction can be redacted itself, and name each other: one level is shown.
        if let Some(by) = event.redacted_by {
            let because = self.events.get(by).map(|event| self.plain_event(event));
            unsigned.insert("redacted_because".into(), because.into());
        }
        let mut json = self.plain_event(event);
        if let Some(object) = json.as_object_mut() {
            object.insert("unsigned".into(), unsigned.into());
        }
        json
    }

    fn plain_event(&self, event: &Event) -> Value {
        let mut json = json!({
            "type": event.kind,
            "event_id": event.event_id,
            "room_id": self.room_id,
            "sender": event.sender,
            "origin_server_ts": event.origin_server_ts,
            "content": event.content,
        });
        if let Some(key) = &event.state_key {
            json["state_key"] = key.as_str().into();
        }
        if let Some(target) = &event.redacts {
            json["redacts"] = target.as_str().into();
            if event.redacted_by.is_none() {
                json["content"]["redacts"] = target.as_str().into();
            }
        }
        json
    }
}
