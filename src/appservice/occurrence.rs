//! From a transaction's bytes to what is of interest in it. Nothing here asks anybody: where a
//! room has to be known to decide, the occurrence holds both possibilities.
//!
//! An event that is not of the shape of a room event (Client-Server API, "Room event format") is
//! passed over, so that one of them cannot keep the others from being acted on.

use std::{borrow::Cow, fmt};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use sha2::{Digest, Sha256};

use crate::links::{POLICY_EVENT_TYPE, ShownMedia};
use medialink_event::{content_token_of, media_of, replaced_content};
use medialink_link::matrix::{EventId, RoomId, UserId};

/// What a transaction tells that something follows from.
#[derive(Debug, Clone, PartialEq)]
pub enum Occurrence {
    /// An event was redacted.
    Redaction {
        /// Its room.
        room_id: RoomId,
        /// The redacted event, as `redacts` at the top level names it (up to room version 10).
        outside: Option<EventId>,
        /// The redacted event, as `content.redacts` names it (since room version 11).
        inside: Option<EventId>,
    },
    /// An event was edited (`m.replace`).
    Edit {
        /// Its room.
        room_id: RoomId,
        /// The event that is edited.
        event_id: EventId,
        /// Who edits it.
        sender: UserId,
        /// What it says from now on (`m.new_content`).
        new_content: EventContent,
    },
    /// Somebody's membership has changed.
    Membership {
        /// The room.
        room_id: RoomId,
        /// Whose.
        user_id: String,
        /// Who has changed it.
        sender: UserId,
        /// What it is now.
        membership: Membership,
    },
    /// A room was replaced (`m.room.tombstone`).
    Tombstone {
        /// The room.
        room_id: RoomId,
        /// The one to go on in.
        successor: RoomId,
    },
    /// An event shows media. It is told only where that is asked for.
    Shown(ShownMedia),
    /// A room's policy for links was set.
    Policy {
        /// The room.
        room_id: RoomId,
        /// The state event.
        event_id: EventId,
        /// What it says.
        content: Value,
    },
}

/// The content of an event. It may hold content tokens and file keys, so `Debug` hides it.
#[derive(Clone, PartialEq)]
pub struct EventContent(pub Value);

impl fmt::Debug for EventContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventContent(…)")
    }
}

/// A membership that something follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// Invited.
    Invite,
    /// In the room.
    Join,
    /// Out of it: left, removed or banned.
    Out,
}

/// A transaction, as far as it is of interest.
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    /// What it tells, in its order.
    pub occurrences: Vec<Occurrence>,
    /// A digest of the IDs of its events: a homeserver that was restored from a backup names other
    /// transactions as it has named some before.
    pub digest: [u8; 32],
}

/// Why a body is not a transaction.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// It is not JSON, or of the wrong shape.
    #[error("the body is not a transaction: {0}")]
    Malformed(String),
    /// It has no events.
    #[error("events is missing: a list of events")]
    NoEvents,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    events: Option<&'a RawValue>,
}

/// What tells an event from others.
#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow)]
    event_id: Option<&'a RawValue>,
}

/// The envelope of an event: what is not needed to pass it over stays unread.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    room_id: Cow<'a, str>,
    #[serde(borrow)]
    sender: Cow<'a, str>,
    #[serde(borrow)]
    event_id: Option<&'a RawValue>,
    #[serde(borrow)]
    state_key: Option<&'a RawValue>,
    #[serde(borrow)]
    redacts: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    unsigned: Option<&'a RawValue>,
}

impl Transaction {
    /// Reads the body of `PUT /_matrix/app/v1/transactions/{txnId}`.
    ///
    /// # Errors
    /// If it is not an object with a list of events.
    pub fn read(body: &[u8]) -> Result<Self, TransactionError> {
        Self::read_by(body, |event| occurrence(event).into_iter().collect())
    }

    /// The same, and which media its events show.
    ///
    /// # Errors
    /// If it is not an object with a list of events.
    pub fn read_with_media(body: &[u8]) -> Result<Self, TransactionError> {
        Self::read_by(body, |event| {
            shown(event).into_iter().chain(occurrence(event)).collect()
        })
    }

    fn read_by(
        body: &[u8],
        occurrences: impl Fn(&RawValue) -> Vec<Occurrence>,
    ) -> Result<Self, TransactionError> {
        // A list would be read as an object's values without their names.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(TransactionError::Malformed("allowed is an object".into()));
        }
        let malformed = |error: serde_json::Error| {
            TransactionError::Malformed(format!("line {}, column {}", error.line(), error.column()))
        };
        let body: Body<'_> = serde_json::from_slice(body).map_err(malformed)?;
        let events = body.events.ok_or(TransactionError::NoEvents)?;
        let events: Vec<&RawValue> =
            serde_json::from_str(events.get()).map_err(|_| TransactionError::NoEvents)?;
        let mut digest = Sha256::new();
        for event in &events {
            let id = serde_json::from_str::<Identity<'_>>(event.get());
            let id = id.ok().and_then(|identity| identity.event_id);
            digest.update(id.map_or("", RawValue::get));
            digest.update([0]);
        }
        Ok(Self {
            occurrences: events.into_iter().flat_map(occurrences).collect(),
            digest: digest.finalize().into(),
        })
    }
}

impl Envelope<'_> {
    /// Whether it arrives redacted already.
    fn is_redacted(&self) -> bool {
        is_told(self.unsigned, "redacted_because")
            && field(&value(self.unsigned), "redacted_because")
                .is_some_and(|because| !because.is_null())
    }
}

/// How many media of one event are noted as shown: each is a row, and an event can name thousands.
const MAX_SHOWN: usize = 256;

fn shown(event: &RawValue) -> Option<Occurrence> {
    let event: Envelope<'_> = serde_json::from_str(event.get()).ok()?;
    if !is_told(event.content, "mxc:") || event.is_redacted() {
        return None;
    }
    let content = value(event.content);
    let media = media_of(&content);
    if media.is_empty() {
        return None;
    }
    let shown_by = EventId::parse(value(event.event_id).as_str()?).ok()?;
    let edited = replaced_content(&content).filter(|_| event.state_key.is_none());
    Some(Occurrence::Shown(ShownMedia {
        room_id: RoomId::parse(&event.room_id).ok()?,
        event_id: edited.map_or_else(|| shown_by.clone(), |(event_id, _)| event_id),
        shown_by,
        media: media
            .into_iter()
            .take(MAX_SHOWN)
            .map(|mxc| {
                let token = content_token_of(&content, &mxc);
                (mxc, token)
            })
            .collect(),
    }))
}

fn occurrence(event: &RawValue) -> Option<Occurrence> {
    let event: Envelope<'_> = serde_json::from_str(event.get()).ok()?;
    let room_id = || RoomId::parse(&event.room_id).ok();
    if event.is_redacted() {
        // It arrives redacted already.
        let redacted = EventId::parse(value(event.event_id).as_str()?).ok();
        return Some(Occurrence::Redaction {
            room_id: room_id()?,
            outside: redacted.clone(),
            inside: redacted,
        });
    }
    match &*event.kind {
        "m.room.redaction" => {
            let id = |value: Option<&Value>| EventId::parse(value?.as_str()?).ok();
            let content = value(event.content);
            let outside = id(Some(&value(event.redacts)));
            let inside = id(field(&content, "redacts"));
            (outside.is_some() || inside.is_some()).then_some(())?;
            Some(Occurrence::Redaction {
                room_id: room_id()?,
                outside,
                inside,
            })
        }
        "m.room.member" => {
            let content = value(event.content);
            Some(Occurrence::Membership {
                room_id: room_id()?,
                user_id: value(event.state_key).as_str()?.to_owned(),
                sender: UserId::parse(&event.sender).ok()?,
                membership: match field(&content, "membership")?.as_str()? {
                    "invite" => Membership::Invite,
                    "join" => Membership::Join,
                    "leave" | "ban" => Membership::Out,
                    _ => return None,
                },
            })
        }
        "m.room.tombstone" if value(event.state_key).as_str() == Some("") => {
            let content = value(event.content);
            let successor = field(&content, "replacement_room")?.as_str()?;
            Some(Occurrence::Tombstone {
                room_id: room_id()?,
                successor: RoomId::parse(successor).ok()?,
            })
        }
        POLICY_EVENT_TYPE if value(event.state_key).as_str() == Some("") => {
            Some(Occurrence::Policy {
                room_id: room_id()?,
                event_id: EventId::parse(value(event.event_id).as_str()?).ok()?,
                content: value(event.content),
            })
        }
        // Most events end here, with their content unread.
        _ if event.state_key.is_none() && is_told(event.content, "m.replace") => {
            let content = value(event.content);
            let (event_id, new_content) = replaced_content(&content)?;
            Some(Occurrence::Edit {
                room_id: room_id()?,
                event_id,
                sender: UserId::parse(&event.sender).ok()?,
                new_content: EventContent(new_content.clone()),
            })
        }
        _ => None,
    }
}

/// Whether a value may hold a text: a quick look that is never wrong in saying no. Escapes may
/// hide anything.
fn is_told(raw: Option<&RawValue>, text: &str) -> bool {
    raw.is_some_and(|raw| raw.get().contains(text) || raw.get().contains("\\u"))
}

fn value(raw: Option<&RawValue>) -> Value {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or(Value::Null)
}

fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(events: Value) -> Vec<Occurrence> {
        Transaction::read(json!({ "events": events }).to_string().as_bytes())
            .expect("a transaction")
            .occurrences
    }

    fn event(kind: &str, more: Value) -> Value {
        let mut event = json!({"type": kind, "event_id": "$e", "room_id": "!r:x", "sender": "@a:x", "content": {}});
        for (key, value) in more.as_object().expect("an object") {
            event[key] = value.clone();
        }
        event
    }

    #[test]
    fn both_places_of_a_redactions_target_are_kept() {
        let id = |text: &str| EventId::parse(text).ok();
        for (more, outside, inside) in [
            (json!({"redacts": "$a"}), id("$a"), None),
            (json!({"content": {"redacts": "$b"}}), None, id("$b")),
            (
                json!({"redacts": "$a", "content": {"redacts": "$b"}}),
                id("$a"),
                id("$b"),
            ),
            (
                json!({"redacts": 5, "content": {"redacts": "$b"}}),
                None,
                id("$b"),
            ),
        ] {
            let found = read(json!([event("m.room.redaction", more)]));
            let room_id = RoomId::parse("!r:x").expect("a room");
            assert_eq!(
                found,
                [Occurrence::Redaction {
                    room_id,
                    outside,
                    inside
                }]
            );
        }
        let because = json!({"unsigned": {"redacted_because": {"type": "m.room.redaction"}}});
        let found = read(json!([event("m.room.message", because)]));
        assert!(
            matches!(&found[..], [Occurrence::Redaction { outside, inside, .. }]
            if outside == inside && *outside == id("$e"))
        );
        assert!(
            read(json!([event(
                "m.room.message",
                json!({"unsigned": {"redacted_because": null}})
            )]))
            .is_empty()
        );
    }

    #[test]
    fn what_is_hidden_by_escapes_is_found() {
        let text = r#"{"events": [{"type": "m.room.message", "event_id": "$n", "room_id": "!r:x", "sender": "@a:x",
            "content": {"m.relates_to": {"rel_type": "m.\u0072eplace", "event_id": "$e"}, "m.new_content": {"body": "x"}}}]}"#;
        let found = Transaction::read(text.as_bytes()).expect("a transaction");
        assert!(
            matches!(&found.occurrences[..], [Occurrence::Edit { event_id, new_content, .. }]
            if event_id.as_str() == "$e" && new_content.0 == json!({"body": "x"}))
        );
    }

    #[test]
    fn media_is_told_where_it_is_asked_for() {
        let shown = |event: &str| {
            let body = format!("{{\"events\": [{event}]}}");
            let asked = Transaction::read_with_media(body.as_bytes()).expect("a transaction");
            let not_asked = Transaction::read(body.as_bytes()).expect("a transaction");
            assert_eq!(asked.digest, not_asked.digest);
            let is_shown = |told: &Occurrence| matches!(told, Occurrence::Shown(_));
            assert!(!not_asked.occurrences.iter().any(is_shown));
            asked.occurrences.into_iter().find_map(|told| match told {
                Occurrence::Shown(shown) => Some(shown),
                _ => None,
            })
        };
        let message = |content: &str| {
            format!(
                r#"{{"type": "m.room.message", "event_id": "$n", "room_id": "!r:x", "sender": "@a:x", "content": {content}}}"#
            )
        };
        let plain =
            shown(&message(r#"{"url": "mxc://x/a", "content_token": "t"}"#)).expect("media");
        assert_eq!(
            (plain.event_id.as_str(), plain.shown_by.as_str()),
            ("$n", "$n")
        );
        let (mxc, token) = &plain.media[0];
        assert_eq!(mxc.to_string(), "mxc://x/a");
        assert_eq!(token.as_ref().map(|token| token.expose()), Some("t"));
        assert!(shown(&message(r#"{"url": "\u006dxc:\/\/x\/a"}"#)).is_some());
        let edit = r#"{"m.relates_to": {"rel_type": "m.replace", "event_id": "$e"}, "m.new_content": {"url": "mxc://x/a"}}"#;
        let edit = shown(&message(edit)).expect("media");
        assert_eq!(
            (edit.event_id.as_str(), edit.shown_by.as_str()),
            ("$e", "$n")
        );
        for content in [
            r#"{"body": "see mxc://x/a"}"#,
            r#"{"url": "mxc://x/../a"}"#,
            r#""mxc:""#,
            "null",
        ] {
            assert_eq!(shown(&message(content)), None, "{content}");
        }
        let redacted = r#"{"type": "m.room.message", "event_id": "$n", "room_id": "!r:x", "sender": "@a:x",
            "content": {"url": "mxc://x/a"}, "unsigned": {"redacted_because": {}}}"#;
        assert_eq!(shown(redacted), None);
        assert_eq!(
            shown(r#"{"type": 5, "content": {"url": "mxc://x/a"}}"#),
            None
        );
    }

    #[test]
    fn memberships_and_tombstones_are_found() {
        let member = |membership: &str| {
            event(
                "m.room.member",
                json!({"state_key": "@b:x", "content": {"membership": membership}}),
            )
        };
        let found = read(json!([
            member("invite"),
            member("join"),
            member("leave"),
            member("ban"),
            member("knock")
        ]));
        let memberships: Vec<Membership> = found
            .iter()
            .filter_map(|occurrence| match occurrence {
                Occurrence::Membership { membership, .. } => Some(*membership),
                _ => None,
            })
            .collect();
        use Membership::{Invite, Join, Out};
        assert_eq!(memberships, [Invite, Join, Out, Out]);
        let tombstone = |key: Value| {
            event(
                "m.room.tombstone",
                json!({"state_key": key, "content": {"replacement_room": "!new:x"}}),
            )
        };
        assert_eq!(
            read(json!([
                tombstone(json!("")),
                tombstone(json!("x")),
                tombstone(json!(null))
            ]))
            .len(),
            1
        );
    }

    #[test]
    fn what_is_no_event_keeps_no_other_from_being_read() {
        let found = read(json!([
            null, 5, "text", [], {}, {"type": 5}, {"type": "m.room.redaction"},
            event("m.room.redaction", json!({"room_id": 7})),
            event("m.room.redaction", json!({"redacts": "nonsense"})),
            event("m.room.redaction", json!({"content": []})),
            event("m.room.member", json!({"state_key": {}, "content": "x"})),
            event("m.room.message", json!({"content": {"m.relates_to": "m.replace"}})),
            event("m.room.redaction", json!({"redacts": "$a"})),
        ]));
        assert_eq!(found.len(), 1);
        for body in [
            "",
            "[]",
            "{}",
            "null",
            "{\"events\": 5}",
            "{\"events\": {}}",
            "{\"events\": [",
            "\u{0}",
        ] {
            assert!(Transaction::read(body.as_bytes()).is_err(), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(Transaction::read(&body));
            drop(Transaction::read_with_media(&body));
        }

        #[test]
        fn no_event_makes_it_panic(text in r#"\{"(type|room_id|content|redacts)":("m\.room\.(redaction|member)"|\{\}|5|"\$a"|null)(,"(sender|unsigned|state_key)":("@a:x"|\{"redacted_because":1\}|null))?\}"#) {
            drop(Transaction::read(format!("{{\"events\":[{text}]}}").as_bytes()));
        }
    }
}
