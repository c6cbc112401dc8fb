//! Answers with pages, and with the way to another page.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
};

use crate::pages;

/// The page to log in.
pub(super) const LOGIN: &str = "/console/login";
/// The log of what operators have done: whatever changes something leads to it, where its entry is the first.
pub(super) const AUDIT: &str = "/console/audit";

/// The head of an answer with a page that nobody keeps, and that nothing else stands around.
pub(super) fn headed(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .content_type(pages::CONTENT_TYPE)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::X_FRAME_OPTIONS, "DENY"))
        // With no-referrer, browsers would not tell where a form comes from (Fetch, "append a request Origin header").
        .insert_header((header::REFERRER_POLICY, "same-origin"))
        .insert_header(("Cross-Origin-Opener-Policy", "same-origin"))
        .insert_header(("Cross-Origin-Resource-Policy", "same-origin"))
        .insert_header(("X-Robots-Tag", "noindex"))
        .insert_header((header::CONTENT_SECURITY_POLICY, pages::console_csp()));
    response
}

/// A page.
pub(super) fn page(html: String) -> HttpResponse {
    headed(StatusCode::OK).body(html)
}

/// Leads to another page, which is asked for by `GET`.
pub(super) fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, path))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}
