//! Uploads, at once or to a URI that was made before.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::clock::now_ms;
use crate::errors::MatrixError;
use crate::media_store::Source;
use crate::query::Query;
use crate::requester::Requester;
use crate::server::Server;

use super::created::created;
use super::readable::require_local;
use super::receive::{describe, receive};

/// How long a URI waits for its upload.
const UNUSED_FOR_MS: u64 = 24 * 3600 * 1000;

/// `GET /_matrix/client/v1/media/config`
pub(crate) fn config(server: &Server) -> HttpResponse {
    let size = server.options.max_upload_bytes;
    HttpResponse::Ok().json(json!({"m.upload.size": size}))
}

/// `POST /_matrix/media/v3/upload`; with MSC3910 the answer has the `content_token`.
pub(crate) async fn upload(
    server: &Server,
    req: &HttpRequest,
    requester: &Requester,
    query: &Query,
    payload: web::Payload,
) -> Result<HttpResponse, MatrixError> {
    let description = describe(req, query);
    let (stored, size) = receive(server, req, payload).await?;
    let mut data = server.data();
    let with_token = server.options.content_tokens;
    let (id, medium) = data.media.create(&requester.user_id, with_token);
    let answer = created(medium);
    data.media.fill(&id, description, size, stored);
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST …/media/upload` (MSC3911): media for the uploader alone, until it is attached. The event
/// then guards it, so it has no content token.
pub(crate) async fn upload_restricted(
    server: &Server,
    req: &HttpRequest,
    requester: &Requester,
    query: &Query,
    payload: web::Payload,
) -> Result<HttpResponse, MatrixError> {
    let description = describe(req, query);
    let (stored, size) = receive(server, req, payload).await?;
    let mut data = server.data();
    let (id, medium) = data.media.create_restricted(&requester.user_id, None);
    let answer = created(medium);
    data.media.fill(&id, description, size, stored);
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST /_matrix/media/v1/create`
pub(crate) fn create(server: &Server, requester: &Requester) -> HttpResponse {
    let mut data = server.data();
    let with_token = server.options.content_tokens;
    let (_, medium) = data.media.create(&requester.user_id, with_token);
    let mut answer = created(medium);
    answer["unused_expires_at"] = now_ms().saturating_add(UNUSED_FOR_MS).into();
    HttpResponse::Ok().json(answer)
}

/// `PUT /_matrix/media/v3/upload/{serverName}/{mediaId}`
pub(crate) async fn upload_to(
    server: &Server,
    req: &HttpRequest,
    requester: &Requester,
    query: &Query,
    (server_name, id): (&str, &str),
    payload: web::Payload,
) -> Result<HttpResponse, MatrixError> {
    require_local(server, server_name)?;
    let description = describe(req, query);
    claim_upload(server, requester, id)?;
    let claim = UploadClaim { server, id };
    let (stored, size) = receive(server, req, payload).await?;
    server.data().media.fill(id, description, size, stored);
    drop(claim);
    server.uploaded.notify_waiters();
    Ok(HttpResponse::Ok().json(json!({})))
}

fn claim_upload(server: &Server, requester: &Requester, id: &str) -> Result<(), MatrixError> {
    let mut data = server.data();
    let medium = data.media.find(id)?;
    if medium.uploader != requester.user_id {
        let message = "Only the creator of the media ID can upload to it";
        return Err(MatrixError::forbidden(message));
    }
    if !matches!(medium.source, Source::Pending) {
        let message = "Media ID already has content";
        let errcode = "M_CANNOT_OVERWRITE_MEDIA";
        return Err(MatrixError::new(StatusCode::CONFLICT, errcode, message));
    }
    medium.source = Source::Uploading;
    Ok(())
}

/// Gives the media ID free again where the upload fails or breaks off.
struct UploadClaim<'a> {
    server: &'a Server,
    id: &'a str,
}

impl Drop for UploadClaim<'_> {
    fn drop(&mut self) {
        if let Ok(medium) = self.server.data().media.find(self.id)
            && matches!(medium.source, Source::Uploading)
        {
            medium.source = Source::Pending;
        }
    }
}
