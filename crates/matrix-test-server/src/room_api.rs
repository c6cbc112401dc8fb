//! The room endpoints (Client-Server API, "Events", "Rooms", "Redactions").

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use super::auth::Requester;
use super::create_room::create_room;
use super::errors::MatrixError;
use super::http::Query;
use super::linked_media::{are_attached_to, attachable};
use super::membership::{Membership, change_membership, set_membership};
use super::messages::messages;
use super::rooms::{Room, not_in_room};
use super::route::Endpoint;
use super::state::{Data, Draft, Server, TransactionKey, now_ms};
use super::upgrade::upgrade;

type Object = Map<String, Value>;

/// Answers a request for one of the room endpoints.
pub(super) fn handle(
    server: &Server,
    who: &Requester,
    endpoint: Endpoint,
    query: &Query,
    body: Object,
    raw_path: &str,
) -> Result<HttpResponse, MatrixError> {
    match endpoint {
        Endpoint::JoinedRooms => Ok(joined_rooms(server, who)),
        Endpoint::CreateRoom => create_room(server, who, &body),
        Endpoint::Join { room } => {
            let (user, join) = (&who.user_id, Membership::Join);
            set_membership(server, who, &room, user, join, body, &[])?;
            Ok(HttpResponse::Ok().json(json!({"room_id": room})))
        }
        Endpoint::Membership { room, change } => {
            change_membership(server, who, &room, change, &body)
        }
        Endpoint::Send { room, kind, txn } => once(server, who, &room, raw_path, &txn, |data| {
            let mut draft = send_draft(data, who, &room, kind, body)?;
            draft.attached = attachable(server, data, who, &query.all("attach_media"))?;
            Ok(draft)
        }),
        Endpoint::Redact { room, event, txn } => once(server, who, &room, raw_path, &txn, |data| {
            let reason = body.get("reason").cloned();
            let content = reason.into_iter().map(|text| ("reason".to_owned(), text));
            redaction_draft(data, who, &room, event, content.collect())
        }),
        Endpoint::PutState { room, kind, key } => {
            let attach = query.all("attach_media");
            put_state(server, who, &room, (&kind, &key), body, &attach)
        }
        Endpoint::GetState { room, kind, key } => get_state(server, who, &room, &kind, &key, query),
        Endpoint::AllState { room } => all_state(server, who, &room),
        Endpoint::Upgrade { room } => upgrade(server, who, &room, &body),
        Endpoint::JoinedMembers { room } => joined_members(server, who, &room),
        Endpoint::Messages { room } => messages(server, who, &room, query),
        Endpoint::GetEvent { room, event } => get_event(server, who, &room, &event),
        _ => Err(MatrixError::internal("not a room endpoint")),
    }
}

fn event_id(id: &str) -> HttpResponse {
    HttpResponse::Ok().json(json!({"event_id": id}))
}

pub(super) fn room<'a>(data: &'a Data, who: &Requester, id: &str) -> Result<&'a Room, MatrixError> {
    data.rooms
        .get(id)
        .ok_or_else(|| not_in_room(&who.user_id, id))
}

pub(super) fn joined_room<'a>(
    data: &'a Data,
    who: &Requester,
    id: &str,
) -> Result<&'a Room, MatrixError> {
    let room = room(data, who, id)?;
    room.require_joined(&who.user_id)?;
    Ok(room)
}

/// Sends what `draft` makes, or gives the ID of the event that the same transaction made before
/// (Client-Server API, "Transaction identifiers"): same requester, same path to the byte.
fn once(
    server: &Server,
    who: &Requester,
    room_id: &str,
    raw_path: &str,
    txn: &str,
    draft: impl FnOnce(&mut Data) -> Result<Draft, MatrixError>,
) -> Result<HttpResponse, MatrixError> {
    let key = TransactionKey {
        scope: who.scope.clone(),
        raw_path: raw_path.to_owned(),
    };
    let mut data = server.data();
    if let Some(sent) = data.transactions.get(&key) {
        return Ok(event_id(sent));
    }
    server.limit(&mut data, who)?;
    let mut draft = draft(&mut data)?;
    draft.sent_as = Some((who.scope.clone(), txn.to_owned()));
    let sent = server.append(&mut data, room_id, draft)?;
    data.transactions.insert(key, sent.clone());
    Ok(event_id(&sent))
}

fn send_draft(
    data: &Data,
    who: &Requester,
    room_id: &str,
    kind: String,
    content: Object,
) -> Result<Draft, MatrixError> {
    if kind == "m.room.redaction"
        && let Some(target) = content.get("redacts").and_then(Value::as_str)
    {
        return redaction_draft(data, who, room_id, target.to_owned(), content.clone());
    }
    if matches!(kind.as_str(), "m.room.create" | "m.room.member") {
        return Err(MatrixError::forbidden(format!("{kind} is a state event")));
    }
    joined_room(data, who, room_id)?.require_sender(&who.user_id, &kind, false)?;
    Ok(Draft {
        kind,
        sender: who.user_id.clone(),
        content,
        state_key: None,
        redacts: None,
        sent_as: None,
        attached: Vec::new(),
    })
}

fn redaction_draft(
    data: &Data,
    who: &Requester,
    room_id: &str,
    target: String,
    content: Object,
) -> Result<Draft, MatrixError> {
    let kind = "m.room.redaction";
    let room = joined_room(data, who, room_id)?;
    room.require_sender(&who.user_id, kind, false)?;
    let event = room.position(&target).and_then(|at| room.events.get(at));
    let event = event.ok_or_else(|| MatrixError::not_found("Event not found."))?;
    if event.kind == "m.room.create" {
        return Err(MatrixError::forbidden(
            "Redacting create events is not permitted",
        ));
    }
    if event.sender != who.user_id {
        let what = "redact events of others";
        room.require_power(&who.user_id, room.power_for("redact"), what)?;
    }
    Ok(Draft {
        kind: kind.to_owned(),
        sender: who.user_id.clone(),
        content,
        state_key: None,
        redacts: Some(target),
        sent_as: None,
        attached: Vec::new(),
    })
}

fn put_state(
    server: &Server,
    who: &Requester,
    room_id: &str,
    (kind, key): (&str, &str),
    content: Object,
    attach: &[&str],
) -> Result<HttpResponse, MatrixError> {
    if kind == "m.room.member" {
        let membership = content.get("membership").and_then(Value::as_str);
        let membership = membership
            .and_then(Membership::parse)
            .ok_or_else(|| MatrixError::bad_json("membership is join, invite, leave or ban"))?;
        let sent = set_membership(server, who, room_id, key, membership, content, attach)?;
        return Ok(event_id(&sent));
    }
    let mut data = server.data();
    server.limit(&mut data, who)?;
    let room = joined_room(&data, who, room_id)?;
    room.require_sender(&who.user_id, kind, true)?;
    if kind == "m.room.create" || (key.starts_with('@') && key != who.user_id) {
        return Err(MatrixError::forbidden(
            "You are not allowed to set this state",
        ));
    }
    // Setting the same state again makes no event, as on Synapse, unless it brings other media.
    let current = room
        .state_event(kind, key)
        .and_then(|at| room.events.get(at));
    if let Some(current) = current
        && current.sender == who.user_id
        && current.content == content
        && (!server.options.linked_media || are_attached_to(&data, attach, &current.event_id))
    {
        return Ok(event_id(&current.event_id));
    }
    let mut draft = Draft::state(&who.user_id, kind, key, content);
    draft.attached = attachable(server, &mut data, who, attach)?;
    Ok(event_id(&server.append(&mut data, room_id, draft)?))
}

fn get_state(
    server: &Server,
    who: &Requester,
    room_id: &str,
    kind: &str,
    key: &str,
    query: &Query,
) -> Result<HttpResponse, MatrixError> {
    let data = server.data();
    let room = joined_room(&data, who, room_id)?;
    let at = room.state_event(kind, key);
    let event = at.and_then(|at| Some((at, room.events.get(at)?)));
    let (at, event) = event.ok_or_else(|| MatrixError::not_found("Event not found."))?;
    if query.get("format") == Some("event") {
        return Ok(HttpResponse::Ok().json(room.client_event(at, Some(&who.scope), now_ms())));
    }
    Ok(HttpResponse::Ok().json(&event.content))
}

fn all_state(server: &Server, who: &Requester, id: &str) -> Result<HttpResponse, MatrixError> {
    let data = server.data();
    let room = joined_room(&data, who, id)?;
    let now = now_ms();
    let events = room
        .state_events()
        .map(|at| room.client_event(at, Some(&who.scope), now));
    Ok(HttpResponse::Ok().json(events.collect::<Vec<_>>()))
}

fn joined_members(server: &Server, who: &Requester, id: &str) -> Result<HttpResponse, MatrixError> {
    let data = server.data();
    let room = joined_room(&data, who, id)?;
    let joined: Object = room
        .members()
        .filter(|(_, membership)| *membership == "join")
        .map(|(user, _)| {
            let content = room
                .state_event("m.room.member", user)
                .and_then(|at| Some(&room.events.get(at)?.content));
            let field = |name| content.and_then(|content| content.get(name)).cloned();
            let profile = json!({
                "display_name": field("displayname"), "avatar_url": field("avatar_url"),
            });
            (user.to_owned(), profile)
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({"joined": joined})))
}

fn joined_rooms(server: &Server, who: &Requester) -> HttpResponse {
    let data = server.data();
    let joined = data
        .rooms
        .values()
        .filter(|room| room.is_joined(&who.user_id));
    let mut ids: Vec<&str> = joined.map(|room| room.room_id.as_str()).collect();
    ids.sort_unstable();
    HttpResponse::Ok().json(json!({"joined_rooms": ids}))
}

/// `GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}`; 404 also for what one may not see.
fn get_event(
    server: &Server,
    who: &Requester,
    room_id: &str,
    id: &str,
) -> Result<HttpResponse, MatrixError> {
    let data = server.data();
    let found = data.rooms.get(room_id).and_then(|room| {
        let at = room.position(id)?;
        (at < room.visible_until(&who.user_id)?).then_some((room, at))
    });
    let (room, at) = found.ok_or_else(|| MatrixError::not_found("Event not found."))?;
    Ok(HttpResponse::Ok().json(room.client_event(at, Some(&who.scope), now_ms())))
}
