//! Room upgrades (Client-Server API, "Room Upgrades").

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use crate::create_room::{RoomPlan, make, read_version, user_ids};
use crate::errors::MatrixError;
use crate::event_draft::EventDraft;
use crate::requester::Requester;
use crate::room::Room;
use crate::room_lookup::joined_room;
use crate::room_version::RoomVersion;
use crate::server::Server;

type Object = Map<String, Value>;

const TOMBSTONE: &str = "m.room.tombstone";
const LEVELS: &str = "m.room.power_levels";

/// The state that a new room takes over unchanged, beside its power levels.
const TAKEN_OVER: [&str; 5] = [
    "m.room.join_rules",
    "m.room.history_visibility",
    "m.room.encryption",
    "m.room.name",
    "m.room.topic",
];

/// `POST /_matrix/client/v3/rooms/{roomId}/upgrade`. Nobody but the requester is in the new room.
pub(super) fn upgrade(
    server: &Server,
    who: &Requester,
    room_id: &str,
    body: &Object,
) -> Result<HttpResponse, MatrixError> {
    let version = match body.get("new_version") {
        None => return Err(MatrixError::missing_param("new_version")),
        Some(version) => version
            .as_str()
            .ok_or_else(|| MatrixError::bad_json("new_version is text"))?,
    };
    let version = read_version(version)?;
    let more_creators = user_ids(body, "additional_creators")?;
    let mut data = server.data();
    let old = joined_room(&data, who, room_id)?;
    old.require_sender(&who.user_id, TOMBSTONE, true)?;
    let plan = successor(old, &who.user_id, version, more_creators);
    let muted = muted_levels(old).filter(|_| server.options.upgrades_mute);
    let replacement = make(server, &mut data, plan)?;
    let content = json!({
        "body": "This room has been replaced",
        "replacement_room": replacement,
    });
    let content = content.as_object().cloned().unwrap_or_default();
    let tombstone = EventDraft::state(&who.user_id, TOMBSTONE, "", content);
    server.append(&mut data, room_id, tombstone)?;
    if let Some(levels) = muted {
        let levels = EventDraft::state(&who.user_id, LEVELS, "", levels);
        server.append(&mut data, room_id, levels)?;
    }
    Ok(HttpResponse::Ok().json(json!({"replacement_room": replacement})))
}

fn successor(old: &Room, user: &str, version: RoomVersion, more_creators: Vec<String>) -> RoomPlan {
    let mut creation_content = Object::new();
    let last = old.events.last().map(|event| event.event_id.as_str());
    let predecessor = json!({"room_id": old.room_id, "event_id": last});
    creation_content.insert("predecessor".to_owned(), predecessor);
    let created = old.state_content("m.room.create", "");
    for key in ["type", "m.federate"] {
        if let Some(value) = created.and_then(|content| content.get(key)) {
            creation_content.insert(key.to_owned(), value.clone());
        }
    }
    let mut creators = vec![user.to_owned()];
    if version.has_creators() && !more_creators.is_empty() {
        creation_content.insert("additional_creators".to_owned(), json!(more_creators));
        creators.extend(more_creators);
    }
    let joined = json!({"membership": "join"});
    let mut state = vec![("m.room.member", user, joined.as_object().cloned())];
    state.push((LEVELS, "", levels(old, version, &creators)));
    for kind in TAKEN_OVER {
        state.push((kind, "", old.state_content(kind, "").cloned()));
    }
    let state = state
        .into_iter()
        .filter_map(|(kind, key, content)| Some(EventDraft::state(user, kind, key, content?)));
    RoomPlan {
        version,
        state: state.collect(),
        creators,
        creation_content,
    }
}

/// The old levels. Creators who are above all levels are not named among them; those of the old
/// room are where the new one has none.
fn levels(old: &Room, version: RoomVersion, creators: &[String]) -> Option<Object> {
    let mut levels = old.state_content(LEVELS, "")?.clone();
    let named = levels.get("users").and_then(Value::as_object);
    let mut users = named.cloned().unwrap_or_default();
    if version.has_creators() {
        users.retain(|user, _| !creators.contains(user));
    } else if old.version.has_creators() {
        let events = levels.get("events").and_then(Value::as_object);
        let needed = events
            .into_iter()
            .flat_map(Object::values)
            .filter_map(Value::as_i64);
        let highest = needed.fold(100, i64::max);
        users.extend(
            old.creators
                .iter()
                .map(|user| (user.clone(), highest.into())),
        );
    }
    levels.insert("users".to_owned(), users.into());
    Some(levels)
}

/// The levels of an upgraded room, in which only moderators go on talking and inviting; None where
/// that is so already.
fn muted_levels(old: &Room) -> Option<Object> {
    let before = old.state_content(LEVELS, "")?;
    let number = |key: &str| before.get(key).and_then(Value::as_i64).unwrap_or_default();
    let needed = number("users_default").saturating_add(1).max(50);
    let mut levels = before.clone();
    for key in ["events_default", "invite"] {
        levels.insert(key.to_owned(), number(key).max(needed).into());
    }
    (levels != *before).then_some(levels)
}
