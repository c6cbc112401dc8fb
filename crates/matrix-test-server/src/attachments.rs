//! Attaching media to events (MSC3911).

use crate::access::Access;
use crate::errors::MatrixError;
use crate::requester::Requester;
use crate::server::{Data, Server};

/// The media IDs of the mxc URIs that `attach_media` names, if all of them can be attached: known,
/// the requester's own, restricted, not attached yet, and each named once. A server without
/// linked media does not look at the parameter, and another may take one of them only.
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
    if server.options.attaches_one && uris.len() > 1 {
        let message = "attach_media may be given once";
        return Err(MatrixError::invalid_param(message));
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
