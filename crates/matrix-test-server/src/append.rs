//! The one way in which events come into rooms.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::appservice::Appservice;
use crate::clock::now_ms;
use crate::errors::MatrixError;
use crate::event::{Event, MAX_EVENT_BYTES};
use crate::event_draft::EventDraft;
use crate::random::{random_id, random_letters};
use crate::room::Room;
use crate::room_version::RoomVersion;
use crate::server::{Data, Server};

impl Server {
    /// Begins a room with its `m.room.create`. From version 12 on the room's ID is that event's.
    pub fn create_room(
        &self,
        data: &mut Data,
        version: RoomVersion,
        creators: Vec<String>,
        mut content: Map<String, Value>,
    ) -> Result<String, MatrixError> {
        let creator = creators.first().cloned().unwrap_or_default();
        content.insert("room_version".to_owned(), version.as_str().into());
        if version < RoomVersion::V11 {
            content.insert("creator".to_owned(), creator.as_str().into());
        }
        let id = random_id(32);
        let room_id = if version.has_creators() {
            format!("!{id}")
        } else {
            format!("!{}:{}", random_letters(18), self.options.server_name)
        };
        let room = Room::new(room_id.clone(), version, creators);
        data.rooms.insert(room_id.clone(), room);
        let draft = EventDraft::state(&creator, "m.room.create", "", content);
        match self.accept(data, &room_id, draft, Some(format!("${id}"))) {
            Ok(_) => Ok(room_id),
            Err(error) => {
                data.rooms.remove(&room_id);
                Err(error)
            }
        }
    }

    /// Takes an event into a room: counts the media it references, attaches the media it names,
    /// empties the event that it redacts, and queues it for the appservices that have a user in the
    /// room. The caller has checked that the sender may send it.
    pub fn append(
        &self,
        data: &mut Data,
        room_id: &str,
        draft: EventDraft,
    ) -> Result<String, MatrixError> {
        self.accept(data, room_id, draft, None)
    }

    fn accept(
        &self,
        data: &mut Data,
        room_id: &str,
        mut draft: EventDraft,
        event_id: Option<String>,
    ) -> Result<String, MatrixError> {
        let now = now_ms();
        let room = data
            .rooms
            .get_mut(room_id)
            .ok_or_else(|| MatrixError::forbidden("Unknown room"))?;
        let mut content = std::mem::take(&mut draft.content);
        if let Some(target) = &draft.redacts
            && room.version.redacts_in_content()
        {
            content.insert("redacts".to_owned(), target.as_str().into());
        }
        let event_id = event_id.unwrap_or_else(|| new_event_id(room_id, &draft, &content, now));
        // Equal sends of one millisecond fold into one event, as they may on Synapse.
        if room.position(&event_id).is_some() {
            return Ok(event_id);
        }
        let event = Event {
            event_id: event_id.clone(),
            kind: draft.kind,
            sender: draft.sender,
            origin_server_ts: now,
            counted: data.media.resolve(&content),
            content,
            state_key: draft.state_key,
            redacts: draft.redacts,
            redacted_by: None,
            sent_as: draft.sent_as,
            attached: draft.attached,
        };
        require_small(&event, room_id)?;
        data.media.add_references(&event.counted, now);
        data.media.attach(&event.attached, room_id, &event_id);
        let released = room.append(event);
        data.media.release_references(&released.counted, now);
        data.media.delete(&released.attached);
        self.push(data, room_id, now);
        Ok(event_id)
    }

    /// Queues the newest event of the room for every appservice it is of interest to.
    fn push(&self, data: &mut Data, room_id: &str, now: u64) {
        let Some(room) = data.rooms.get(room_id) else {
            return;
        };
        let Some(event) = room.events.last() else {
            return;
        };
        for (index, appservice) in self.options.appservices.iter().enumerate() {
            let (Some(queue), Some(pushed)) = (data.queues.get_mut(index), self.pushed.get(index))
            else {
                continue;
            };
            if queue.url.is_some() && is_of_interest(appservice, room, event) {
                queue
                    .events
                    .push_back(room.client_event(room.events.len() - 1, None, now));
                pushed.notify_one();
            }
        }
    }
}

/// The hash of an event; of state and redactions with a nonce, so that they are never folded.
fn new_event_id(
    room_id: &str,
    draft: &EventDraft,
    content: &Map<String, Value>,
    now: u64,
) -> String {
    let unique = draft.state_key.is_some() || draft.redacts.is_some();
    let nonce = if unique { random_id(16) } else { String::new() };
    let (kind, sender, attached) = (&draft.kind, &draft.sender, &draft.attached);
    let hashed = json!([room_id, kind, sender, content, now, nonce, attached]);
    let digest = Sha256::digest(hashed.to_string().as_bytes());
    format!("${}", URL_SAFE_NO_PAD.encode(digest))
}

/// Application Service API, "Pushing events": its users' own memberships, and everything in
/// rooms that they are in or are invited to.
fn is_of_interest(appservice: &Appservice, room: &Room, event: &Event) -> bool {
    let about = event.kind == "m.room.member"
        && event
            .state_key
            .as_deref()
            .is_some_and(|user| appservice.covers(user));
    about
        || room.members().any(|(user, membership)| {
            matches!(membership, "join" | "invite") && appservice.covers(user)
        })
}

fn require_small(event: &Event, room_id: &str) -> Result<(), MatrixError> {
    let size = json!({
        "type": event.kind, "event_id": event.event_id, "room_id": room_id,
        "sender": event.sender, "origin_server_ts": event.origin_server_ts,
        "content": event.content, "state_key": event.state_key, "redacts": event.redacts,
    })
    .to_string()
    .len();
    let longest_field = [
        Some(&event.kind),
        event.state_key.as_ref(),
        event.redacts.as_ref(),
    ]
    .into_iter()
    .flatten()
    .map(String::len)
    .max();
    if size > MAX_EVENT_BYTES || longest_field > Some(255) {
        return Err(MatrixError::too_large("event too large"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::options::Options;

    fn draft(content: &Value, redacts: Option<&str>) -> EventDraft {
        EventDraft {
            kind: "x".to_owned(),
            sender: "@a:localhost".to_owned(),
            content: content.as_object().unwrap().clone(),
            state_key: None,
            redacts: redacts.map(str::to_owned),
            sent_as: None,
            attached: Vec::new(),
        }
    }

    #[test]
    fn equal_sends_fold_within_a_millisecond_and_redactions_never() {
        let http = reqwest::Client::new();
        let server = Server::new(Options::default(), PathBuf::new(), http);
        let mut data = server.data();
        let creators = vec!["@a:localhost".to_owned()];
        let room = server
            .create_room(&mut data, RoomVersion::V12, creators, Map::new())
            .unwrap();
        let mut append = |redacts| {
            let id = server
                .append(&mut data, &room, draft(&json!({"a": 1}), redacts))
                .unwrap();
            let room = &data.rooms[&room];
            (
                room.events[room.position(&id).unwrap()].origin_server_ts,
                id,
            )
        };
        let mut sent = append(None);
        for _ in 0..100 {
            let next = append(None);
            assert_eq!(sent.0 == next.0, sent.1 == next.1);
            sent = next;
        }
        assert_ne!(append(Some(&sent.1)).1, append(Some(&sent.1)).1);
    }

    #[test]
    fn a_room_of_version_12_is_named_after_its_first_event() {
        let http = reqwest::Client::new();
        let server = Server::new(Options::default(), PathBuf::new(), http);
        let mut data = server.data();
        let creators = vec!["@a:localhost".to_owned()];
        let id = server
            .create_room(&mut data, RoomVersion::V12, creators, Map::new())
            .unwrap();
        assert_eq!(data.rooms[&id].events[0].event_id[1..], id[1..]);
    }
}
