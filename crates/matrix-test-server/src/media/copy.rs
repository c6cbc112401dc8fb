//! Copies of media (MSC3911).

use actix_web::HttpResponse;
use actix_web::http::header::HeaderMap;
use serde_json::json;

use crate::clock::now_ms;
use crate::errors::MatrixError;
use crate::media_store::Description;
use crate::requester::Requester;
use crate::server::Server;

use super::readable::{not_yet_uploaded, readable, require_local};

/// `POST …/media/copy/{serverName}/{mediaId}`: the same bytes under a new URI, as if the requester
/// had uploaded them again.
pub(crate) fn copy(
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
