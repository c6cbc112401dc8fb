//! New rooms (Client-Server API, "Creation").

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::clock::now_ms;
use crate::errors::MatrixError;
use crate::event_draft::EventDraft;
use crate::requester::Requester;
use crate::room_version::RoomVersion;
use crate::server::{Data, Server};
use crate::user_id::require_user_id;

type Object = Map<String, Value>;

/// `POST /_matrix/client/v3/createRoom`
pub(super) fn create_room(
    server: &Server,
    who: &Requester,
    body: &Object,
) -> Result<HttpResponse, MatrixError> {
    let plan = RoomPlan::read(&who.user_id, body)?;
    let id = make(server, &mut server.data(), plan)?;
    Ok(HttpResponse::Ok().json(json!({"room_id": id})))
}

/// Makes the room that `plan` describes; returns its ID.
pub(super) fn make(
    server: &Server,
    data: &mut Data,
    plan: RoomPlan,
) -> Result<String, MatrixError> {
    let id = server.create_room(data, plan.version, plan.creators, plan.creation_content)?;
    for draft in plan.state {
        // A room that could not be made as asked for is none.
        if let Err(error) = server.append(data, &id, draft) {
            let room = data.rooms.remove(&id);
            let events = room.into_iter().flat_map(|room| room.events);
            let counted: Vec<String> = events.flat_map(|event| event.counted).collect();
            data.media.release_references(&counted, now_ms());
            return Err(error);
        }
    }
    Ok(id)
}

/// The parts of a new room.
pub(super) struct RoomPlan {
    pub version: RoomVersion,
    /// The first is the one who makes the room.
    pub creators: Vec<String>,
    pub creation_content: Object,
    pub state: Vec<EventDraft>,
}

impl RoomPlan {
    fn read(creator: &str, body: &Object) -> Result<Self, MatrixError> {
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let version = read_version(text("room_version").unwrap_or("12"))?;
        let preset = text("preset").unwrap_or(match text("visibility") {
            Some("public") => "public_chat",
            _ => "private_chat",
        });
        let invite = user_ids(body, "invite")?;
        let equals = if preset == "trusted_private_chat" {
            invite.as_slice()
        } else {
            &[]
        };
        let mut creation_content = object(body, "creation_content");
        let mut creators = vec![creator.to_owned()];
        if version.has_creators() && !equals.is_empty() {
            creators.extend_from_slice(equals);
            creation_content.insert("additional_creators".to_owned(), json!(equals));
        }

        let levels = power_levels(version, creator, equals, body);
        let state = first_state(creator, preset, levels, &invite, body)?;
        Ok(Self {
            version,
            creators,
            creation_content,
            state,
        })
    }
}

/// The state events of a new room after its creation, in the order of the specification.
fn first_state(
    creator: &str,
    preset: &str,
    levels: Object,
    invite: &[String],
    body: &Object,
) -> Result<Vec<EventDraft>, MatrixError> {
    let mut state = Vec::new();
    let mut put = |kind: &str, key: &str, content: Object| {
        state.push(EventDraft::state(creator, kind, key, content));
    };
    put("m.room.member", creator, one("membership", "join"));
    put("m.room.power_levels", "", levels);
    let rule = if preset == "public_chat" {
        "public"
    } else {
        "invite"
    };
    put("m.room.join_rules", "", one("join_rule", rule));
    put(
        "m.room.history_visibility",
        "",
        one("history_visibility", "shared"),
    );
    for (kind, key, content) in initial_state(body)? {
        put(kind, key, content);
    }
    for name in ["name", "topic"] {
        if let Some(value) = body.get(name).and_then(Value::as_str) {
            put(&format!("m.room.{name}"), "", one(name, value));
        }
    }
    for user in invite {
        let mut content = one("membership", "invite");
        if let Some(direct) = body.get("is_direct") {
            content.insert("is_direct".to_owned(), direct.clone());
        }
        put("m.room.member", user, content);
    }
    Ok(state)
}

/// Type, state key and content of the events in `initial_state`.
fn initial_state(body: &Object) -> Result<Vec<(&str, &str, Object)>, MatrixError> {
    let listed = body.get("initial_state").and_then(Value::as_array);
    let mut state = Vec::new();
    for event in listed.into_iter().flatten() {
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let kind =
            text("type").ok_or_else(|| MatrixError::bad_json("initial_state without type"))?;
        if matches!(kind, "m.room.create" | "m.room.member") {
            return Err(MatrixError::bad_json(format!("initial_state has {kind}")));
        }
        let content = event.get("content").and_then(Value::as_object);
        let key = text("state_key").unwrap_or_default();
        state.push((kind, key, content.cloned().unwrap_or_default()));
    }
    Ok(state)
}

pub(super) fn read_version(text: &str) -> Result<RoomVersion, MatrixError> {
    RoomVersion::parse(text).ok_or_else(|| {
        let message = "Your homeserver does not support this room version";
        let status = StatusCode::BAD_REQUEST;
        MatrixError::new(status, "M_UNSUPPORTED_ROOM_VERSION", message)
    })
}

/// The list of user IDs under `key`; empty where there is none.
pub(super) fn user_ids(body: &Object, key: &str) -> Result<Vec<String>, MatrixError> {
    let listed = body
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    listed
        .map(|user| {
            let id = user
                .as_str()
                .ok_or_else(|| MatrixError::bad_json(format!("{key} holds user IDs")))?;
            require_user_id(id)?;
            Ok(id.to_owned())
        })
        .collect()
}

fn power_levels(version: RoomVersion, creator: &str, equals: &[String], body: &Object) -> Object {
    let mut users = Object::new();
    if !version.has_creators() {
        users.insert(creator.to_owned(), 100.into());
        users.extend(equals.iter().map(|user| (user.clone(), 100.into())));
    }
    let tombstone = if version.has_creators() { 150 } else { 100 };
    let levels = json!({
        "users": users, "users_default": 0, "events_default": 0, "state_default": 50,
        "ban": 50, "kick": 50, "redact": 50, "invite": 0,
        "events": {
            "m.room.power_levels": 100, "m.room.history_visibility": 100,
            "m.room.encryption": 100, "m.room.server_acl": 100, "m.room.tombstone": tombstone,
        },
    });
    let mut levels = levels.as_object().cloned().unwrap_or_default();
    levels.extend(object(body, "power_level_content_override"));
    levels
}

fn object(body: &Object, key: &str) -> Object {
    body.get(key)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

fn one(key: &str, value: &str) -> Object {
    Object::from_iter([(key.to_owned(), value.into())])
}
