//! Whether a requester may read a medium.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};

use crate::errors::MatrixError;
use crate::linked_media::require_visible;
use crate::media_store::Medium;
use crate::requester::Requester;
use crate::server::{Data, Server};

/// The status of `M_MISSING_CONTENT_TOKEN`.
const MISSING_CONTENT_TOKEN: StatusCode = StatusCode::FORBIDDEN;

/// The medium, if the requester may see the event that it is attached to and has shown its content
/// token.
pub(crate) fn readable<'a>(
    server: &Server,
    data: &'a mut Data,
    who: &Requester,
    headers: &HeaderMap,
    id: &str,
) -> Result<&'a mut Medium, MatrixError> {
    let medium = data.media.find(id)?;
    require_visible(medium, &data.rooms, &who.user_id)?;
    if server.options.content_tokens {
        check_content_token(medium, headers)?;
    }
    Ok(medium)
}

/// MSC3910, "New download endpoints".
fn check_content_token(medium: &Medium, headers: &HeaderMap) -> Result<(), MatrixError> {
    let shown = headers
        .get("x-matrix-content-token")
        .map(header::HeaderValue::as_bytes);
    let right = medium.content_token.as_deref().map(str::as_bytes);
    match (shown, right) {
        (None, Some(_)) => {
            let errcode = "M_MISSING_CONTENT_TOKEN";
            Err(MatrixError::new(
                MISSING_CONTENT_TOKEN,
                errcode,
                "A content token is needed",
            ))
        }
        (shown, right) if shown == right => Ok(()),
        _ => {
            let message = "The content token is not that of the media";
            Err(MatrixError::new(
                StatusCode::FORBIDDEN,
                "M_UNAUTHORIZED",
                message,
            ))
        }
    }
}

/// Only this server's media is here. The status is Synapse's for a server it cannot reach.
pub(crate) fn require_local(server: &Server, name: &str) -> Result<(), MatrixError> {
    if name == server.options.server_name {
        Ok(())
    } else {
        Err(MatrixError::internal(
            "The media's server cannot be reached",
        ))
    }
}

pub(crate) fn not_yet_uploaded() -> MatrixError {
    let message = "Media has not been uploaded yet";
    let errcode = "M_NOT_YET_UPLOADED";
    MatrixError::new(StatusCode::GATEWAY_TIMEOUT, errcode, message)
}
