//! What the site says of itself: its start page, `/robots.txt`, `/.well-known/security.txt`, its icon and the
//! operator's logo.

use std::{collections::HashSet, time::Duration};

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
};
use time::{OffsetDateTime, Time, format_description::well_known::Rfc3339};

use crate::pages::{self, StartPage};

use super::{
    conditions::conditions, public_error::PublicError, public_headers, public_language,
    public_request::PublicRequest, state::AppState,
};

/// The icon: 16, 32 and 48 pixels wide.
const ICON: &[u8] = include_bytes!("../../templates/favicon.ico");
/// The policy of the logo: opened by itself, it runs and loads nothing.
const LOGO_CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
/// For how long `security.txt` holds: less than a year (RFC 9116, section 2.5.5).
const HOLDS_FOR: Duration = Duration::from_secs(180 * 86_400);

/// `GET` and `HEAD /robots.txt`.
pub(super) fn robots() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(pages::ROBOTS_TXT)
}

/// `GET` and `HEAD /`, also at the path of `public_url`.
pub(super) fn start(request: &PublicRequest, state: &AppState) -> HttpResponse {
    let config = state.config();
    let mut seen = HashSet::new();
    let networks = config.bridges.iter().map(|bridge| bridge.network.clone());
    let frame = public_language::frame(request, config);
    let language = frame.texts.language().tag();
    let page = StartPage {
        networks: networks.filter(|name| seen.insert(name.clone())).collect(),
        takes_reports: state.reports.are_taken(),
        operator: config.operator.clone(),
        frame,
    };
    kept("private, max-age=300")
        .content_type(pages::CONTENT_TYPE)
        .insert_header((header::VARY, header::ACCEPT_LANGUAGE.as_str()))
        .insert_header((header::CONTENT_LANGUAGE, language))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            pages::page_csp(&page.frame),
        ))
        .body(page.render())
}

/// `GET` and `HEAD /.well-known/security.txt` (RFC 9116), if there is somebody to write to.
pub(super) fn security_txt(request: &PublicRequest, state: &AppState) -> HttpResponse {
    let config = state.config();
    let contact = config.operator.contact.as_ref();
    let Some((contact, expires)) = contact.zip(expires(state.clock.now_ms())) else {
        return PublicError::not_found().respond(request, config);
    };
    kept("max-age=3600")
        .content_type("text/plain; charset=utf-8")
        .body(format!("Contact: {}\nExpires: {expires}\n", contact.uri))
}

/// When `security.txt` expires that is read at a time, in milliseconds since the epoch: at the beginning of a day.
fn expires(now_ms: i64) -> Option<String> {
    let now = OffsetDateTime::from_unix_timestamp(now_ms.div_euclid(1000)).ok()?;
    let end = now.checked_add(HOLDS_FOR.try_into().ok()?)?;
    end.replace_time(Time::MIDNIGHT).format(&Rfc3339).ok()
}

/// `GET` and `HEAD /favicon.ico`.
pub(super) fn favicon() -> HttpResponse {
    kept("public, max-age=604800")
        .content_type("image/x-icon")
        .body(ICON)
}

/// `GET` and `HEAD /logo`, if the operator has one.
pub(super) fn logo(request: &PublicRequest, state: &AppState) -> HttpResponse {
    let config = state.config();
    let Some(logo) = config.look.logo() else {
        return PublicError::not_found().respond(request, config);
    };
    let preconditions = conditions(request.head()).preconditions;
    let without_content = preconditions.status_without_content(logo.etag());
    let mut response = kept(match without_content {
        Some(StatusCode::PRECONDITION_FAILED) => "no-store",
        _ => "public, max-age=300",
    });
    response
        .insert_header((header::ETAG, logo.etag()))
        .insert_header((header::CONTENT_SECURITY_POLICY, LOGO_CSP));
    match without_content {
        Some(status) => response.status(status).finish(),
        None => response.content_type(logo.media_type()).body(logo.bytes()),
    }
}

/// An answer that may be kept for a while.
fn kept(cache_control: &'static str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    public_headers::insert(&mut response);
    response.insert_header((header::CACHE_CONTROL, cache_control));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_txt_expires_within_a_year_and_stays_the_same_for_a_day() {
        let day = 86_400_000;
        let now = 20_000 * day;
        let told = expires(now).expect("a time");
        assert_eq!(told, "2025-04-02T00:00:00Z");
        assert_eq!(expires(now + day - 1).as_deref(), Some(told.as_str()));
        assert_ne!(expires(now + day).as_deref(), Some(told.as_str()));
        assert_eq!(expires(i64::MAX), None);
    }
}
