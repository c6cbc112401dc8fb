//! Every route of the console. They are no part of the API, and stand in no description of it.

use actix_web::{
    http::StatusCode,
    web::{self, ServiceConfig},
};

use super::{
    audit, denials, error::ConsoleError, key_end, keys, links, login, now, policy, reports,
    revocation, rooms, search, session::Visitor, usage,
};

/// Registers the routes of the console.
pub(in crate::http) fn configure(config: &mut ServiceConfig) {
    let (get, post) = (web::get, web::post);
    let console = web::scope("/console")
        .route("", get().to(now::page))
        .route("/", get().to(now::page))
        .route("/login", get().to(login::page))
        .route("/login", post().to(login::log_in))
        .route("/logout", post().to(login::log_out))
        .route("/search", post().to(search::search))
        .route("/links", get().to(links::list))
        .route("/links/revoke", get().to(revocation::ask))
        .route("/links/revoke", post().to(revocation::revoke))
        .route("/links/{link_id}", get().to(links::show))
        .route("/links/{link_id}/revoke", post().to(links::revoke))
        .route("/links/{link_id}/takedown", post().to(links::take_down))
        .route("/usage", get().to(usage::page))
        .route("/usage/retry", post().to(usage::retry))
        .route("/rooms", get().to(rooms::page))
        .route("/rooms/policy", get().to(policy::ask))
        .route("/rooms/policy", post().to(policy::set))
        .route("/reports", get().to(reports::page))
        .route("/reports/{id}/mark", post().to(reports::mark))
        .route("/denials", get().to(denials::page))
        .route("/denials/add", post().to(denials::add))
        .route("/denials/remove", post().to(denials::remove))
        .route("/keys", get().to(keys::page))
        .route("/keys/rotate", post().to(keys::rotate))
        .route("/keys/{id}/revoke", get().to(key_end::ask_revoke))
        .route("/keys/{id}/revoke", post().to(key_end::revoke))
        .route("/keys/{id}/retire", get().to(key_end::ask_retire))
        .route("/keys/{id}/retire", post().to(key_end::retire))
        .route("/audit", get().to(audit::page_of))
        .default_service(web::to(nothing));
    config.service(console);
}

/// A path that leads to nothing, or another method than that of the page.
async fn nothing(_: Visitor) -> Result<String, ConsoleError> {
    let told = "There is no such page, or it is asked for in another way than by its links.";
    Err(ConsoleError::refused(StatusCode::NOT_FOUND, told))
}
