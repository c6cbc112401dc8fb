//! From an endpoint of rooms to its answer.

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use crate::attachments::attachable;
use crate::create_room::create_room;
use crate::endpoint::Endpoint;
use crate::errors::MatrixError;
use crate::membership::{Membership, change_membership, set_membership};
use crate::messages::messages;
use crate::query::Query;
use crate::requester::Requester;
use crate::room_lookup::joined_room;
use crate::room_read::{all_state, get_event, get_state, joined_members, joined_rooms};
use crate::room_send::{once, put_state, redaction_draft, send_draft};
use crate::server::Server;
use crate::upgrade::upgrade;

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
        Endpoint::Report { room, event } => report(server, who, &room, &event, &body),
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

/// Client-Server API, "Reporting content".
fn report(
    server: &Server,
    who: &Requester,
    room_id: &str,
    event_id: &str,
    body: &Object,
) -> Result<HttpResponse, MatrixError> {
    let mut data = server.data();
    let seen = joined_room(&data, who, room_id).is_ok_and(|room| room.position(event_id).is_some());
    if !seen {
        return Err(MatrixError::not_found(
            "Unable to report event: it does not exist or you aren't able to see it.",
        ));
    }
    let reason = body.get("reason").cloned().unwrap_or_default();
    let report =
        json!({"user_id": who.user_id, "room_id": room_id, "event_id": event_id, "reason": reason});
    data.reports.push(report);
    Ok(HttpResponse::Ok().json(json!({})))
}
