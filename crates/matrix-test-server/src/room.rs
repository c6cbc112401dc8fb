//! A room and its events.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use crate::errors::MatrixError;
use crate::event::{Event, Released};
use crate::redaction::redacted_content;
use crate::room_version::RoomVersion;

/// One room, with every event it ever had.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pub room_id: String,
    pub version: RoomVersion,
    pub creators: Vec<String>,
    pub events: Vec<Event>,
    index: HashMap<String, usize>,
    state: BTreeMap<(String, String), usize>,
}

impl Room {
    pub fn new(room_id: String, version: RoomVersion, creators: Vec<String>) -> Self {
        Self {
            room_id,
            version,
            creators,
            events: Vec::new(),
            index: HashMap::new(),
            state: BTreeMap::new(),
        }
    }

    /// Appends `event`. The event that it redacts loses its content and releases its media.
    pub fn append(&mut self, event: Event) -> Released {
        let at = self.events.len();
        self.index.insert(event.event_id.clone(), at);
        if let Some(key) = &event.state_key {
            self.state.insert((event.kind.clone(), key.clone()), at);
        }
        let target = event.redacts.as_deref().and_then(|id| self.position(id));
        self.events.push(event);
        target.map_or_else(Released::default, |target| self.empty(target, at))
    }

    fn empty(&mut self, target: usize, by: usize) -> Released {
        let version = self.version;
        let Some(event) = self.events.get_mut(target) else {
            return Released::default();
        };
        event.redacted_by.get_or_insert(by);
        event.content = redacted_content(version, &event.kind, &event.content);
        Released {
            counted: std::mem::take(&mut event.counted),
            attached: std::mem::take(&mut event.attached),
        }
    }

    pub fn position(&self, event_id: &str) -> Option<usize> {
        self.index.get(event_id).copied()
    }

    pub fn state_event(&self, kind: &str, key: &str) -> Option<usize> {
        self.state.get(&(kind.to_owned(), key.to_owned())).copied()
    }

    pub fn state_events(&self) -> impl Iterator<Item = usize> {
        self.state.values().copied()
    }

    pub fn state_content(&self, kind: &str, key: &str) -> Option<&Map<String, Value>> {
        Some(&self.events.get(self.state_event(kind, key)?)?.content)
    }

    /// Everyone with a membership, and which.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.state
            .iter()
            .filter(|((kind, _), _)| kind == "m.room.member")
            .filter_map(|((_, user), at)| {
                let membership = self.events.get(*at)?.content.get("membership")?.as_str()?;
                Some((user.as_str(), membership))
            })
    }

    pub fn membership(&self, user: &str) -> Option<&str> {
        let content = self.state_content("m.room.member", user)?;
        content.get("membership")?.as_str()
    }

    pub fn is_joined(&self, user: &str) -> bool {
        self.membership(user) == Some("join")
    }

    pub fn is_public(&self) -> bool {
        self.state_content("m.room.join_rules", "")
            .and_then(|content| content.get("join_rule")?.as_str())
            == Some("public")
    }

    pub fn require_joined(&self, user: &str) -> Result<(), MatrixError> {
        if self.is_joined(user) {
            Ok(())
        } else {
            Err(MatrixError::not_in_room(user, &self.room_id))
        }
    }

    /// How far into the room `user` may read: to its end while joined, else to the event with
    /// which the user left. None: was never in it.
    pub fn visible_until(&self, user: &str) -> Option<usize> {
        if self.is_joined(user) {
            return Some(self.events.len());
        }
        let mut joined = false;
        let mut until = None;
        for (at, event) in self.events.iter().enumerate() {
            if event.kind == "m.room.member" && event.state_key.as_deref() == Some(user) {
                let joins = event.content.get("membership").and_then(Value::as_str) == Some("join");
                if joined && !joins {
                    until = Some(at + 1);
                }
                joined = joins;
            }
        }
        until
    }
}

#[cfg(test)]
mod tests;
