//! Rooms and their events: the data, and the rules that need nothing but the data.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::errors::MatrixError;

/// The largest event that a room takes (Client-Server API, "Size limits").
pub(super) const MAX_EVENT_BYTES: usize = 65_536;

/// The room versions this server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RoomVersion {
    V10,
    V11,
    V12,
}

impl RoomVersion {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "10" => Some(Self::V10),
            "11" => Some(Self::V11),
            "12" => Some(Self::V12),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::V10 => "10",
            Self::V11 => "11",
            Self::V12 => "12",
        }
    }

    /// Whether a redaction names its target in `content` (room version 11, MSC2174).
    pub fn redacts_in_content(self) -> bool {
        self >= Self::V11
    }

    /// Whether room IDs are hashes and creators are above all power levels (room version 12).
    pub fn has_creators(self) -> bool {
        self >= Self::V12
    }
}

/// Whose transaction IDs these are: an access token's owner, and the device where one is named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TransactionScope {
    pub owner: String,
    pub device: Option<String>,
}

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

/// What an event lets go of when it is redacted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Released {
    /// The media IDs that it had counted as used.
    pub counted: Vec<String>,
    /// The media IDs that were attached to it.
    pub attached: Vec<String>,
}

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

    /// Appends `event`; what it redacts loses its content, and gives back its media.
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
            Err(not_in_room(user, &self.room_id))
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

    /// The user's power (Client-Server API, `m.room.power_levels`; room version 12 for creators).
    pub fn power_of(&self, user: &str) -> i64 {
        let creates = self.creators.iter().any(|creator| creator == user);
        if creates && self.version.has_creators() {
            return i64::MAX;
        }
        let Some(levels) = self.state_content("m.room.power_levels", "") else {
            return if creates { 100 } else { 0 };
        };
        let own = levels
            .get("users")
            .and_then(|users| users.get(user)?.as_i64());
        own.unwrap_or_else(|| level(levels, "users_default", 0))
    }

    /// The power that the action `name` (`redact`, `kick`, `ban`, `invite`) takes.
    pub fn power_for(&self, name: &str) -> i64 {
        let default = if name == "invite" { 0 } else { 50 };
        self.state_content("m.room.power_levels", "")
            .map_or(default, |levels| level(levels, name, default))
    }

    pub fn require_power(&self, user: &str, needed: i64, to: &str) -> Result<(), MatrixError> {
        if self.power_of(user) >= needed {
            return Ok(());
        }
        let message = format!("You don't have permission to {to} (power level {needed} is needed)");
        Err(MatrixError::forbidden(message))
    }

    /// Whether `user` may send such an event: in the room, and with the power it takes.
    pub fn require_sender(&self, user: &str, kind: &str, state: bool) -> Result<(), MatrixError> {
        self.require_joined(user)?;
        let (name, default) = if state {
            ("state_default", 50)
        } else {
            ("events_default", 0)
        };
        let needed = match self.state_content("m.room.power_levels", "") {
            Some(levels) => levels
                .get("events")
                .and_then(|events| events.get(kind)?.as_i64())
                .unwrap_or_else(|| level(levels, name, default)),
            None => 0,
        };
        self.require_power(user, needed, &format!("send {kind}"))
    }

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

/// What Synapse answers for a room that one is not in, and for one that does not exist.
pub(super) fn not_in_room(user: &str, room: &str) -> MatrixError {
    MatrixError::forbidden(format!("User {user} not in room {room}"))
}

fn level(levels: &Map<String, Value>, name: &str, default: i64) -> i64 {
    levels.get(name).and_then(Value::as_i64).unwrap_or(default)
}

/// What a redaction leaves of the content (Room Versions, "Redactions").
fn redacted_content(
    version: RoomVersion,
    kind: &str,
    content: &Map<String, Value>,
) -> Map<String, Value> {
    let new = version >= RoomVersion::V11;
    let kept: &[&str] = match kind {
        "m.room.create" if new => return content.clone(),
        "m.room.create" => &["creator"],
        "m.room.member" => &["membership", "join_authorised_via_users_server"],
        "m.room.join_rules" => &["join_rule", "allow"],
        "m.room.history_visibility" => &["history_visibility"],
        "m.room.redaction" if new => &["redacts"],
        "m.room.power_levels" => &[
            "ban",
            "events",
            "events_default",
            "kick",
            "redact",
            "state_default",
            "users",
            "users_default",
            "invite",
        ],
        _ => &[],
    };
    let kept = |key: &str| kept.contains(&key) && (new || key != "invite");
    let fields = content.iter().filter(|(key, _)| kept(key));
    fields
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, kind: &str, key: Option<&str>, content: Value) -> Event {
        Event {
            event_id: id.to_owned(),
            kind: kind.to_owned(),
            sender: "@a:s".to_owned(),
            origin_server_ts: 1,
            content: content.as_object().unwrap().clone(),
            state_key: key.map(str::to_owned),
            redacts: None,
            redacted_by: None,
            sent_as: None,
            counted: Vec::new(),
            attached: Vec::new(),
        }
    }

    fn room(version: RoomVersion) -> Room {
        Room::new("!r".to_owned(), version, vec!["@a:s".to_owned()])
    }

    #[test]
    fn a_redaction_empties_an_event_and_gives_its_media_back() {
        for version in [RoomVersion::V10, RoomVersion::V12] {
            let mut room = room(version);
            let mut sent = event("$1", "m.room.message", None, json!({"body": "x"}));
            sent.counted = vec!["media".to_owned()];
            sent.attached = vec!["copy".to_owned()];
            assert_eq!(room.append(sent), Released::default());
            let mut redaction = event("$2", "m.room.redaction", None, json!({}));
            redaction.redacts = Some("$1".to_owned());
            let released = Released {
                counted: vec!["media".to_owned()],
                attached: vec!["copy".to_owned()],
            };
            assert_eq!(room.append(redaction), released);

            let shown = room.client_event(0, None, 2);
            assert_eq!(shown["content"], json!({}));
            let because = &shown["unsigned"]["redacted_because"];
            assert_eq!(because["redacts"], "$1");
            assert_eq!(because["content"]["redacts"], "$1");
        }
    }

    #[test]
    fn who_left_reads_up_to_leaving_and_who_never_was_there_nothing() {
        let mut room = room(RoomVersion::V11);
        let member = |id, membership| {
            let content = json!({"membership": membership});
            event(id, "m.room.member", Some("@b:s"), content)
        };
        room.append(member("$1", "join"));
        assert_eq!(room.visible_until("@b:s"), Some(1));
        room.append(member("$2", "leave"));
        room.append(event("$3", "m.room.message", None, json!({})));
        assert_eq!(room.visible_until("@b:s"), Some(2));
        assert_eq!(room.visible_until("@c:s"), None);
    }

    #[test]
    fn creators_of_version_12_are_above_all_levels() {
        let levels = || {
            event(
                "$1",
                "m.room.power_levels",
                Some(""),
                json!({"users": {"@b:s": 50}}),
            )
        };
        let mut old = room(RoomVersion::V11);
        old.append(levels());
        assert_eq!((old.power_of("@a:s"), old.power_of("@b:s")), (0, 50));
        let mut new = room(RoomVersion::V12);
        new.append(levels());
        assert_eq!((new.power_of("@a:s"), new.power_of("@b:s")), (i64::MAX, 50));
    }

    #[test]
    fn levels_that_are_no_numbers_are_the_defaults() {
        let mut room = room(RoomVersion::V11);
        let odd = json!({"users": [], "redact": "many", "users_default": {}, "events": 3});
        room.append(event("$1", "m.room.power_levels", Some(""), odd));
        assert_eq!(room.power_of("@a:s"), 0);
        assert_eq!(room.power_for("redact"), 50);
    }

    #[test]
    fn redacted_membership_stays() {
        let content = json!({"membership": "join", "displayname": "x"});
        let left = redacted_content(
            RoomVersion::V11,
            "m.room.member",
            content.as_object().unwrap(),
        );
        assert_eq!(Value::from(left), json!({"membership": "join"}));
    }
}
