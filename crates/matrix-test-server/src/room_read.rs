//! Reading state, members and events (Client-Server API, "Getting events for a room").

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use crate::clock::now_ms;
use crate::errors::MatrixError;
use crate::query::Query;
use crate::requester::Requester;
use crate::room_lookup::joined_room;
use crate::server::Server;

type Object = Map<String, Value>;

pub(crate) fn get_state(
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

pub(crate) fn all_state(
    server: &Server,
    who: &Requester,
    id: &str,
) -> Result<HttpResponse, MatrixError> {
    let data = server.data();
    let room = joined_room(&data, who, id)?;
    let now = now_ms();
    let events = room
        .state_events()
        .map(|at| room.client_event(at, Some(&who.scope), now));
    Ok(HttpResponse::Ok().json(events.collect::<Vec<_>>()))
}

pub(crate) fn joined_members(
    server: &Server,
    who: &Requester,
    id: &str,
) -> Result<HttpResponse, MatrixError> {
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

pub(crate) fn joined_rooms(server: &Server, who: &Requester) -> HttpResponse {
    let data = server.data();
    let joined = data
        .rooms
        .values()
        .filter(|room| room.is_joined(&who.user_id));
    let mut ids: Vec<&str> = joined.map(|room| room.room_id.as_str()).collect();
    ids.sort_unstable();
    HttpResponse::Ok().json(json!({"joined_rooms": ids}))
}

/// `GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}`; 404 also for an event that the requester may not see.
pub(crate) fn get_event(
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
