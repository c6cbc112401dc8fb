//! The routes below `/_demo`: no part of Matrix, without authentication, for tests and demos.

use std::collections::HashMap;

use actix_web::HttpResponse;
use serde_json::json;

use crate::backup::Backup;
use crate::errors::MatrixError;
use crate::server::Server;

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

/// `GET /_demo/reports`: what users have reported.
pub(super) fn reports(server: &Server) -> HttpResponse {
    HttpResponse::Ok().json(&server.data().reports)
}

/// `POST /_demo/backup`: makes a backup, in the place of an earlier one.
pub(super) fn back_up(server: &Server) -> HttpResponse {
    let mut data = server.data();
    data.backup = Some(Backup {
        rooms: data.rooms.clone(),
        transactions: data.transactions.clone(),
        access: data.media.access(),
    });
    HttpResponse::Ok().json(json!({}))
}

/// `POST /_demo/restore`: goes back to the backup. Media that was deleted since stays deleted;
/// media made since stays, but goes if it was attached to an event that is no more.
pub(super) fn restore(server: &Server) -> Result<HttpResponse, MatrixError> {
    let mut data = server.data();
    let backup = data.backup.clone();
    let backup = backup.ok_or_else(|| MatrixError::not_found("There is no backup"))?;
    let mut references: HashMap<&str, u64> = HashMap::new();
    let events = backup.rooms.values().flat_map(|room| &room.events);
    for id in events.flat_map(|event| &event.counted) {
        *references.entry(id).or_default() += 1;
    }
    data.media.restore(&references, &backup.access);
    data.rooms = backup.rooms;
    data.transactions = backup.transactions;
    Ok(HttpResponse::Ok().json(json!({})))
}

/// `POST /_demo/forget_transactions`: a send that is repeated makes a second event from now on, as
/// on Synapse after 24 hours.
pub(super) fn forget_transactions(server: &Server) -> HttpResponse {
    server.data().transactions.clear();
    HttpResponse::Ok().json(json!({}))
}
