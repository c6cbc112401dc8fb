//! Media that is linked to events (MSC3911): its endpoints, and who may see it.

use std::collections::HashMap;

use actix_web::http::StatusCode;

use crate::access::Access;
use crate::endpoint::{Endpoint, Prefix};
use crate::errors::MatrixError;
use crate::media_store::Medium;
use crate::options::{LinkedMediaPaths, Options};
use crate::room::Room;

/// Refuses the endpoints that the options leave out, as if there were none, and uploads of media that
/// is not restricted where all has to be.
pub(super) fn require_offered(options: &Options, endpoint: &Endpoint) -> Result<(), MatrixError> {
    match endpoint {
        Endpoint::RedactMedia { .. } if !options.media_redaction => {
            return Err(MatrixError::unrecognized());
        }
        Endpoint::Upload | Endpoint::CreateMedia if options.refuses_unrestricted => {
            let message = "Media has to be uploaded restricted";
            return Err(MatrixError::forbidden(message));
        }
        _ => {}
    }
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

/// Refuses users who may not see `medium`. A user who may see an event may see the media that is
/// attached to it.
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
