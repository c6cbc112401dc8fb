//! The routes below `/_demo`: no part of Matrix, without authentication, for the demo and tests.

use actix_web::HttpResponse;
use serde_json::json;

use super::errors::MatrixError;
use super::state::Server;

/// `POST /_demo/cleanup`: deletes the media that is not in use.
pub(super) fn clean_up(server: &Server) -> HttpResponse {
    let (counting, grace) = (server.options.content_tokens, server.options.grace);
    let deleted = server.data().media.clean_up(counting, grace);
    HttpResponse::Ok().json(json!({"deleted": deleted}))
}

/// `GET /_demo/media`: all media, with their counts.
pub(super) fn list(server: &Server) -> HttpResponse {
    HttpResponse::Ok().json(server.data().media.inspect_all())
}

/// `GET /_demo/media/{serverName}/{mediaId}`: one of them.
pub(super) fn one(server: &Server, name: &str, id: &str) -> Result<HttpResponse, MatrixError> {
    Ok(HttpResponse::Ok().json(server.data().media.inspect(name, id)?))
}

/// `GET /_demo/requests`: how many requests each endpoint has had.
pub(super) fn requests(server: &Server) -> HttpResponse {
    HttpResponse::Ok().json(server.requests())
}
