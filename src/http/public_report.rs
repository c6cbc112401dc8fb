//! A reader reports a link: a form, and what it sends.

use std::time::Duration;

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{Method, header},
};
use futures_util::StreamExt;
use serde_json::json;

use crate::{
    links::Grant,
    pages::{self, ReportPage},
    reports::{MAX_NOTE, Reason, Report},
};

use super::{
    public_error::{PublicError, accepts_html},
    public_language,
    public_link::granted,
    public_request::PublicRequest,
    state::AppState,
};

/// The longest form, in bytes: each character of a note may take twelve.
const MAX_FORM: usize = 8 * 1024;
/// How long a form may take to arrive.
const FORM_WITHIN: Duration = Duration::from_secs(10);

/// `GET`, `HEAD` and `POST /r/{token}`.
pub(super) async fn answer(
    request: &PublicRequest,
    token: &str,
    state: &AppState,
) -> Result<HttpResponse, PublicError> {
    if !state.reports.are_taken() {
        return Err(PublicError::not_found());
    }
    let grant = granted(request, token, state).await?;
    if *request.method() != Method::POST {
        return Ok(page(request, &grant, state, false));
    }
    take(request, &grant, state).await?;
    if accepts_html(request.headers()) {
        return Ok(page(request, &grant, state, true));
    }
    Ok(headed(pages::answer_csp()).json(json!({})))
}

async fn take(request: &PublicRequest, grant: &Grant, state: &AppState) -> Result<(), PublicError> {
    let reader = request.reader(&state.limits);
    let allowed = state.limits.report(reader);
    allowed.map_err(|limited| PublicError::limited(&limited))?;
    let form = tokio::time::timeout(FORM_WITHIN, form(request)).await;
    let form = form.ok().flatten().ok_or_else(PublicError::bad_report)?;
    let report = Report::parse(&form).map_err(|_| PublicError::bad_report())?;
    let taken = state.reports.take(grant, reader, report).await;
    taken.map_err(|error| PublicError::storage(&error))
}

/// The body of the request; `None`: it is too long, or broken off.
async fn form(request: &PublicRequest) -> Option<Vec<u8>> {
    let mut payload = request.take_payload()?;
    let mut form = Vec::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.ok()?;
        if form.len() + piece.len() > MAX_FORM {
            return None;
        }
        form.extend_from_slice(&piece);
    }
    Some(form)
}

fn page(request: &PublicRequest, grant: &Grant, state: &AppState, is_taken: bool) -> HttpResponse {
    let frame = public_language::frame(request, state.config());
    let language = frame.texts.language().tag();
    let reasons = Reason::ALL.map(|reason| (reason.as_str(), reason.explanation()));
    let page = ReportPage {
        title: grant.link.claims.filename.clone(),
        reasons: reasons.to_vec(),
        max_note: MAX_NOTE,
        is_taken,
        frame,
    };
    headed(&pages::form_csp(&page.frame))
        .insert_header((header::CONTENT_LANGUAGE, language))
        .content_type(pages::CONTENT_TYPE)
        .body(page.render())
}

fn headed(policy: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, public_language::VARY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header(("X-Robots-Tag", "noindex"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy));
    response
}
