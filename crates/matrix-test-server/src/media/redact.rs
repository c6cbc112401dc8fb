//! Media that its uploader deletes (MSC4322).

use actix_web::HttpResponse;
use serde_json::json;

use crate::errors::MatrixError;
use crate::requester::Requester;
use crate::server::Server;

use super::readable::require_local;

/// `POST …/media/redact/{serverName}/{mediaId}`: deletes media of the requester; again has no effect.
pub(crate) fn redact(
    server: &Server,
    who: &Requester,
    (server_name, id): (&str, &str),
) -> Result<HttpResponse, MatrixError> {
    require_local(server, server_name)?;
    let mut data = server.data();
    let medium = data.media.get(id);
    let medium = medium.ok_or_else(|| MatrixError::not_found("Not found"))?;
    if medium.uploader != who.user_id {
        let message = "Only the uploader can redact media";
        return Err(MatrixError::forbidden(message));
    }
    data.media.delete(&[id.to_owned()]);
    Ok(HttpResponse::Ok().json(json!({})))
}
