//! Sending events, redactions and state (Client-Server API, "Sending events to a room").

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use crate::attachments::{are_attached_to, attachable};
use crate::errors::MatrixError;
use crate::event_draft::EventDraft;
use crate::membership::{Membership, set_membership};
use crate::requester::Requester;
use crate::room_lookup::joined_room;
use crate::server::{Data, Server};
use crate::transaction::TransactionKey;

type Object = Map<String, Value>;

fn event_id(id: &str) -> HttpResponse {
    HttpResponse::Ok().json(json!({"event_id": id}))
}

/// Sends what `draft` makes, or returns the ID of the event that the same transaction made before
/// (Client-Server API, "Transaction identifiers"): same requester, same path to the byte.
pub(crate) fn once(
    server: &Server,
    who: &Requester,
    room_id: &str,
    raw_path: &str,
    txn: &str,
    draft: impl FnOnce(&mut Data) -> Result<EventDraft, MatrixError>,
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

pub(crate) fn send_draft(
    data: &Data,
    who: &Requester,
    room_id: &str,
    kind: String,
    content: Object,
) -> Result<EventDraft, MatrixError> {
    if kind == "m.room.redaction"
        && let Some(target) = content.get("redacts").and_then(Value::as_str)
    {
        return redaction_draft(data, who, room_id, target.to_owned(), content.clone());
    }
    if matches!(kind.as_str(), "m.room.create" | "m.room.member") {
        return Err(MatrixError::forbidden(format!("{kind} is a state event")));
    }
    joined_room(data, who, room_id)?.require_sender(&who.user_id, &kind, false)?;
    Ok(EventDraft {
        kind,
        sender: who.user_id.clone(),
        content,
        state_key: None,
        redacts: None,
        sent_as: None,
        attached: Vec::new(),
    })
}

pub(crate) fn redaction_draft(
    data: &Data,
    who: &Requester,
    room_id: &str,
    target: String,
    content: Object,
) -> Result<EventDraft, MatrixError> {
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
        let action = "redact events of others";
        room.require_power(&who.user_id, room.power_for("redact"), action)?;
    }
    Ok(EventDraft {
        kind: kind.to_owned(),
        sender: who.user_id.clone(),
        content,
        state_key: None,
        redacts: Some(target),
        sent_as: None,
        attached: Vec::new(),
    })
}

pub(crate) fn put_state(
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
    let mut draft = EventDraft::state(&who.user_id, kind, key, content);
    draft.attached = attachable(server, &mut data, who, attach)?;
    Ok(event_id(&server.append(&mut data, room_id, draft)?))
}
