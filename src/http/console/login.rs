//! Into the console and out of it.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use futures_util::FutureExt;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    config::{ConsoleConfig, Secret},
    limits::ClientNetwork,
    pages::LoginPage,
    storage::{StorageError, console_sessions},
};

use super::{
    super::{public_request::network, state::AppState},
    error::ConsoleError,
    form::{self, Form},
    guard::Try,
    page::{LOGIN, headed, page as page_of, see_other},
    session::{COOKIE, SECURE_COOKIE, SessionId, console, named_user},
};

/// `GET /console/login`.
pub(super) async fn page(request: HttpRequest) -> Result<HttpResponse, ConsoleError> {
    let (_, console) = console(&request)?;
    if named_user(&request, &console).is_some() {
        return Ok(see_other("/console"));
    }
    if console.token.is_none() {
        return Err(only_by_proxy());
    }
    Ok(page_of(LoginPage { is_wrong: false }.render()))
}

fn only_by_proxy() -> ConsoleError {
    ConsoleError::refused(
        StatusCode::FORBIDDEN,
        "This console is reached through its reverse proxy alone, which names who you are. It named nobody.",
    )
}

/// `POST /console/login`.
pub(super) async fn log_in(
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ConsoleError> {
    let (state, console) = console(&request)?;
    form::refuse_other_sites(&request)?;
    let token = console.token.as_ref().ok_or_else(only_by_proxy)?;
    let fields = form::read(payload).await?;
    // Digests have one length, so that the comparison reveals nothing of the token's.
    let given = Sha256::digest(fields.get("token").unwrap_or_default());
    let is_right = bool::from(Sha256::digest(token.expose()).ct_eq(&given));
    let client = network(request.head(), &state.limits);
    match state
        .login_guard
        .take(client, is_right, state.clock.now_ms())
    {
        Try::Right => begin(&request, &state, &console, token).await,
        Try::Wrong => Ok(wrong(client)),
        Try::Wait(ms) => Err(ConsoleError::Wait(
            u64::try_from(ms).unwrap_or_default().div_ceil(1000).max(1),
        )),
    }
}

fn wrong(client: ClientNetwork) -> HttpResponse {
    tracing::warn!(%client, "a wrong token was tried at the console");
    headed(StatusCode::FORBIDDEN).body(LoginPage { is_wrong: true }.render())
}

async fn begin(
    request: &HttpRequest,
    state: &AppState,
    console: &ConsoleConfig,
    token: &Secret,
) -> Result<HttpResponse, ConsoleError> {
    let (session, now) = (SessionId::new(), state.clock.now_ms());
    let length_ms = i64::try_from(console.session.as_millis()).unwrap_or(i64::MAX);
    let (digest, end) = (session.digest(token), now.saturating_add(length_ms));
    let begun = state
        .database
        .writer()
        .write::<_, StorageError, _>(move |c| {
            async move { console_sessions::begin(c, &digest, end, now).await }.boxed()
        });
    begun.await?;
    let mut response = see_other("/console");
    let seconds = console.session.as_secs();
    set_cookie(&mut response, is_https(request), &session.text(), seconds);
    Ok(response)
}

/// `POST /console/logout`.
pub(super) async fn log_out(
    form: Form,
    request: HttpRequest,
) -> Result<HttpResponse, ConsoleError> {
    let (state, console) = console(&request)?;
    if let Some((session, token)) = SessionId::of(&request).zip(console.token.as_ref()) {
        let digest = session.digest(token);
        let ended = state
            .database
            .writer()
            .write::<_, StorageError, _>(move |c| {
                async move { console_sessions::end(c, &digest).await }.boxed()
            });
        ended.await?;
    }
    drop(form);
    let mut response = see_other(LOGIN);
    for is_secure in [false, true] {
        set_cookie(&mut response, is_secure, "", 0);
    }
    Ok(response)
}

/// Whether the console is reached by https: so says the browser of its own page, or a proxy.
fn is_https(request: &HttpRequest) -> bool {
    let text = |name: &str| request.headers().get(name)?.to_str().ok();
    text("origin").is_some_and(|origin| origin.starts_with("https://"))
        || text("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

fn set_cookie(response: &mut HttpResponse, is_secure: bool, value: &str, seconds: u64) {
    let (name, secure) = match is_secure {
        true => (SECURE_COOKIE, "; Secure"),
        false => (COOKIE, ""),
    };
    let cookie = format!(
        "{name}={value}; Path=/console; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    if let Ok(cookie) = header::HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
