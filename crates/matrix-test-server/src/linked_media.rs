//! Media that is linked to events (MSC3911): who may see it, how it is attached, and copies.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use serde_json::json;

use super::Options;
use super::auth::Requester;
use super::errors::MatrixError;
use super::media::{not_yet_uploaded, readable, require_local};
use super::media_store::{Description, Medium};
use super::rooms::Room;
use super::route::{Endpoint, Prefix};
use super::state::{Data, Server, now_ms};

/// Under which paths a server with linked media has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkedMediaPaths {
    /// Under both.
    #[default]
    Both,
    /// Only `/_matrix/client/unstable/org.matrix.msc3911/media`, as before the proposal is
    /// accepted.
    Unstable,
    /// Only `/_matrix/client/v1/media`.
    Stable,
}

/// Whom a medium is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Access {
    /// Every user: it was uploaded the old way.
    Everybody,
    /// Its uploader, until it is attached; it is restricted media.
    Uploader,
    /// Whoever may see the event it is attached to.
    Event { room_id: String, event_id: String },
}

/// Refuses the endpoints of linked media that the options leave out, as if there were none.
pub(super) fn require_offered(options: &Options, endpoint: &Endpoint) -> Result<(), MatrixError> {
    let (Endpoint::UploadRestricted { prefix } | Endpoint::CopyMedia { prefix, .. }) = endpoint
    else {
        return Ok(());
    };
    let left_out = match prefix {
        Prefix::Stable => LinkedMediaPaths::Unstable,
        Prefix::Unstable => LinkedMediaPaths::Stable,
    };
    if options.linked_media && options.linked_media_paths != left_out {
        return Ok(());
    }
    Err(MatrixError::unrecognized())
}

/// Whether `user` may see `medium`; who may see an event may see what is attached to it.
pub(super) fn require_visible(
    medium: &Medium,
    rooms: &HashMap<String, Room>,
    user: &str,
) -> Result<(), MatrixError> {
    let visible = match &medium.access {
        Access::Everybody => true,
        Access::Uploader => medium.uploader == user,
        Access::Event { room_id, event_id } => rooms.get(room_id).is_some_and(|room| {
            let until = room.visible_until(user).unwrap_or_default();
            room.position(event_id).is_some_and(|at| at < until)
        }),
    };
    if visible {
        return Ok(());
    }
    let message = "You may not see the event that this media is for";
    let status = StatusCode::FORBIDDEN;
    Err(MatrixError::new(status, "M_UNAUTHORIZED", message))
}

/// The media IDs of the mxc URIs that `attach_media` names, if all of them can be attached: known,
/// the requester's own, restricted, not attached yet, and each named once. A server without
/// linked media does not look at the parameter.
pub(super) fn attachable(
    server: &Server,
    data: &mut Data,
    who: &Requester,
    uris: &[&str],
) -> Result<Vec<String>, MatrixError> {
    let mut ids: Vec<String> = Vec::new();
    if !server.options.linked_media {
        return Ok(ids);
    }
    for uri in uris {
        let known = data.media.id_of(uri).map(str::to_owned);
        let found = known.filter(|id| {
            data.media.find(id).is_ok_and(|medium| {
                medium.access == Access::Uploader && medium.uploader == who.user_id
            })
        });
        match found {
            Some(id) if !ids.contains(&id) => ids.push(id),
            _ => {
                let message = "attach_media is no unattached restricted media of yours";
                return Err(MatrixError::invalid_param(message));
            }
        }
    }
    Ok(ids)
}

/// Whether every one of `uris` is attached to this event: the request that made the event is
/// being repeated.
pub(super) fn are_attached_to(data: &Data, uris: &[&str], event: &str) -> bool {
    uris.iter().all(|uri| {
        let medium = data.media.id_of(uri).and_then(|id| data.media.get(id));
        medium.is_some_and(|medium| medium.attached_to() == Some(event))
    })
}

/// `POST …/media/copy/{serverName}/{mediaId}`: the same bytes under a new URI, as if the requester
/// had uploaded them again.
pub(super) fn copy(
    server: &Server,
    headers: &HeaderMap,
    who: &Requester,
    (server_name, id): (&str, &str),
) -> Result<HttpResponse, MatrixError> {
    require_local(server, server_name)?;
    let mut data = server.data();
    let source = readable(server, &mut data, who, headers, id)?;
    let bytes = source.source.share().ok_or_else(not_yet_uploaded)?;
    source.last_accessed_at = now_ms();
    let description = Description {
        content_type: source.content_type.clone(),
        file_name: source.file_name.clone(),
    };
    let (size, mxc) = (source.size, source.mxc.clone());
    let (id, copy) = data.media.create_restricted(&who.user_id, Some(mxc));
    let answer = json!({"content_uri": copy.mxc});
    data.media.fill(&id, description, size, bytes);
    Ok(HttpResponse::Ok().json(answer))
}
