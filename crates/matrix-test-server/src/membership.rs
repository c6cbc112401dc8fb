//! Who is in a room (Client-Server API, "Room membership").

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use crate::attachments::attachable;
use crate::endpoint::Change;
use crate::errors::MatrixError;
use crate::event_draft::EventDraft;
use crate::requester::Requester;
use crate::room::Room;
use crate::room_lookup::{joined_room, room};
use crate::server::Server;
use crate::user_id::require_user_id;

type Object = Map<String, Value>;

/// The memberships that a member event may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Membership {
    Join,
    Invite,
    Leave,
    Ban,
}

impl Membership {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "join" => Some(Self::Join),
            "invite" => Some(Self::Invite),
            "leave" => Some(Self::Leave),
            "ban" => Some(Self::Ban),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Invite => "invite",
            Self::Leave => "leave",
            Self::Ban => "ban",
        }
    }
}

/// `POST /rooms/{roomId}/invite`, `leave`, `kick`, `ban`, `unban`.
pub(super) fn change_membership(
    server: &Server,
    who: &Requester,
    room_id: &str,
    change: Change,
    body: &Object,
) -> Result<HttpResponse, MatrixError> {
    let given = body.get("user_id").and_then(Value::as_str);
    let target = if change == Change::Leave {
        &who.user_id
    } else {
        given.ok_or_else(|| MatrixError::missing_param("user_id"))?
    };
    require_user_id(target)?;
    let (membership, from) = match change {
        Change::Invite => (Membership::Invite, None),
        Change::Leave => (Membership::Leave, None),
        Change::Kick => (Membership::Leave, Some(["join", "invite"].as_slice())),
        Change::Ban => (Membership::Ban, None),
        Change::Unban => (Membership::Leave, Some(["ban"].as_slice())),
    };
    if let Some(from) = from {
        let data = server.data();
        let now = joined_room(&data, who, room_id)?.membership(target);
        if !now.is_some_and(|now| from.contains(&now)) {
            return Err(MatrixError::forbidden(
                "The target user has not that membership",
            ));
        }
    }
    let reason = body.get("reason").cloned();
    let content = reason
        .into_iter()
        .map(|reason| ("reason".to_owned(), reason))
        .collect();
    set_membership(server, who, room_id, target, membership, content, &[])?;
    Ok(HttpResponse::Ok().json(json!({})))
}

/// Sends a member event if the room's rules allow it; `attach` are mxc URIs of media for it.
pub(super) fn set_membership(
    server: &Server,
    who: &Requester,
    room_id: &str,
    target: &str,
    membership: Membership,
    mut content: Object,
    attach: &[&str],
) -> Result<String, MatrixError> {
    require_user_id(target)?;
    let mut data = server.data();
    if membership == Membership::Join && !data.rooms.contains_key(room_id) {
        return Err(MatrixError::not_found("Can't join a room that is not here"));
    }
    let room = room(&data, who, room_id)?;
    let unchanged = room.membership(target) == Some(membership.as_str()) && content.is_empty();
    if unchanged && membership != Membership::Invite {
        let at = room.state_event("m.room.member", target);
        let event = at.and_then(|at| room.events.get(at));
        return Ok(event
            .map(|event| event.event_id.clone())
            .unwrap_or_default());
    }
    require_membership_rules(room, &who.user_id, target, membership)?;
    content.insert("membership".to_owned(), membership.as_str().into());
    let mut draft = EventDraft::state(&who.user_id, "m.room.member", target, content);
    draft.attached = attachable(server, &mut data, who, attach)?;
    server.append(&mut data, room_id, draft)
}

/// Room Versions, "Authorization rules", `m.room.member`, in short.
fn require_membership_rules(
    room: &Room,
    who: &str,
    target: &str,
    membership: Membership,
) -> Result<(), MatrixError> {
    let now = room.membership(target);
    match membership {
        Membership::Join => {
            let invited = matches!(now, Some("invite" | "join"));
            let open = room.is_public() && now != Some("ban");
            if who != target || !(invited || open) {
                return Err(MatrixError::forbidden("You are not invited to this room."));
            }
        }
        Membership::Invite => {
            room.require_joined(who)?;
            if matches!(now, Some("ban" | "join")) {
                let message = format!("{target} is already in the room or banned from it.");
                return Err(MatrixError::forbidden(message));
            }
            room.require_power(who, room.power_for("invite"), "invite")?;
        }
        Membership::Leave if who == target => {
            if !matches!(now, Some("join" | "invite")) {
                return Err(MatrixError::not_in_room(who, &room.room_id));
            }
        }
        Membership::Leave | Membership::Ban => {
            room.require_joined(who)?;
            let unban = membership == Membership::Leave && now == Some("ban");
            let name = if unban || membership == Membership::Ban {
                "ban"
            } else {
                "kick"
            };
            room.require_power(who, room.power_for(name), name)?;
            if !unban && who != target && room.power_of(target) >= room.power_of(who) {
                return Err(MatrixError::forbidden(
                    "The target user has as much power as you",
                ));
            }
        }
    }
    Ok(())
}
