//! What a homeserver loses that is restored from a backup, or that has forgotten transactions.

use std::collections::HashMap;

use actix_web::HttpResponse;
use serde_json::json;

use super::errors::MatrixError;
use super::linked_media::Access;
use super::rooms::Room;
use super::state::{Server, TransactionKey};

/// The rooms as they were, and what came with them. Accounts, devices, the files of media and what
/// waits for appservices are no part of it.
#[derive(Debug, Clone)]
pub(super) struct Backup {
    rooms: HashMap<String, Room>,
    transactions: HashMap<TransactionKey, String>,
    /// By media ID, what the medium was attached to.
    access: HashMap<String, Access>,
}

/// `POST /_demo/backup`: remembers how things are, in the place of an earlier backup.
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
