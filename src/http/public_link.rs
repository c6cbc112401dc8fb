//! Follows a link: verifies it, decides, opens its media and streams it.

use actix_web::{
    HttpResponse,
    http::{Method, header},
};

use crate::{
    clock::millis,
    config::CheckEvent,
    denials::Denied,
    homeserver::MediaVariant,
    legacy::{LegacyLink, LegacyPath},
    limits::{Limited, Meter},
    links::Grant,
    media::{Decision, Media, MediaError, MediaProxy, Order},
};

use super::{
    conditions::conditions,
    media_response::{Counter, respond},
    probe,
    public_error::PublicError,
    public_fetcher::is_ahead,
    public_headers,
    public_request::PublicRequest,
    state::AppState,
};

/// `GET` and `HEAD /m/{token}[/{name}]`.
pub(super) async fn answer(
    request: &PublicRequest,
    token: &str,
    state: &AppState,
    media: &MediaProxy,
) -> Result<HttpResponse, PublicError> {
    let grant = granted(request, token, state).await?;
    serve(request, &grant, None, state, media).await
}

/// `GET` and `HEAD` of a path of `legacy_links`.
pub(super) async fn answer_legacy(
    request: &PublicRequest,
    path: LegacyPath<'_>,
    state: &AppState,
    media: &MediaProxy,
) -> Result<HttpResponse, PublicError> {
    let link = path.verify().map_err(|_| PublicError::not_found())?;
    request.is_about(link.link_id());
    let grant = state
        .links
        .resolve_legacy(&link)
        .await
        .map_err(|refusal| PublicError::refusal(&refusal))?;
    within_limits(request)?;
    serve(request, &grant, Some(&link), state, media).await
}

/// Whether the homeserver has removed media that the cache still holds. Where events are known to
/// show it, they decide; otherwise a bridge can withdraw media only by having it removed there.
async fn is_withdrawn(
    link: &LegacyLink,
    order: &Order,
    state: &AppState,
    proxy: &MediaProxy,
) -> bool {
    let hears_of_redactions = state.config().links.check_event == CheckEvent::Push;
    let is_vouched_for = async {
        match state.links.is_seen(link).await {
            Ok(is_seen) => is_seen && hears_of_redactions,
            Err(_) => true,
        }
    };
    !proxy.may_serve_unvouched(order, is_vouched_for).await
}

/// Answers with the media of a link that may be followed.
async fn serve(
    request: &PublicRequest,
    grant: &Grant,
    legacy: Option<&LegacyLink>,
    state: &AppState,
    proxy: &MediaProxy,
) -> Result<HttpResponse, PublicError> {
    let link = &grant.link;
    let limited = link.max_follows.is_some();
    if limited
        && is_ahead(request.headers())
        && let Some(page) = state.links.short_page_url(link)
    {
        return Ok(to_the_page(page));
    }
    let order = order(grant, MediaVariant::Original);
    let refused =
        |error: &MediaError| PublicError::media(error, &link.link_id).on(&grant.bridge.network);
    let meter = begin(request, grant, state)?;
    let media = proxy
        .open(&order, conditions(request.head()))
        .await
        .map_err(|error| refused(&error))?;
    if let Some(legacy) = legacy
        && !media.is_download
        && Box::pin(is_withdrawn(legacy, &order, state, proxy)).await
    {
        return Err(refused(&MediaError::Gone));
    }
    allow_types(state, &media).map_err(|_| PublicError::denied().on(&grant.bridge.network))?;
    let is_follow = media.decision == Decision::Whole;
    if is_follow {
        let followed = state.limits.follow(&link.link_id);
        followed.map_err(|limited| over(&limited, grant))?;
    }
    if is_follow && limited {
        Box::pin(state.links.take_follow(link))
            .await
            .map_err(|refusal| PublicError::refusal(&refusal).on(&grant.bridge.network))?;
    }
    let counter = Counter::start(state, grant, is_follow, media.is_download);
    let mut response = respond(media, &cache_control(state, grant), counter, meter);
    probe::tell(&mut response, request, grant, &state.limits);
    Ok(response)
}

/// Sends whoever comes ahead of a person to the page, which counts nothing: the follow is the person's.
fn to_the_page(page: String) -> HttpResponse {
    let mut response = HttpResponse::Found();
    public_headers::insert(&mut response);
    response
        .insert_header((header::LOCATION, page))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

/// Whether the types are allowed that media was declared with and that its bytes show.
pub(super) fn allow_types(state: &AppState, media: &Media) -> Result<(), Denied> {
    let headers = &media.headers;
    state.denials.allow_type(&headers.declared_type)?;
    state.denials.allow_type(&headers.content_type)
}

/// Begins an answer with media, if there is enough left for it; a `HEAD` gets none.
pub(super) fn begin(
    request: &PublicRequest,
    grant: &Grant,
    state: &AppState,
) -> Result<Option<Meter>, PublicError> {
    if *request.method() == Method::HEAD {
        return Ok(None);
    }
    let link = &grant.link;
    let room_id = link.claims.room_id.as_str();
    let meter = state.limits.begin(request.client(), &link.link_id, room_id);
    meter.map_err(|limited| over(&limited, grant))
}

fn over(limited: &Limited, grant: &Grant) -> PublicError {
    PublicError::limited(limited).on(&grant.bridge.network)
}

/// Refuses a request whose client makes too many.
fn within_limits(request: &PublicRequest) -> Result<(), PublicError> {
    match request.limited() {
        None => Ok(()),
        Some(limited) => Err(PublicError::limited(&limited)),
    }
}

/// The order for the media of a link that may be followed.
pub(super) fn order(grant: &Grant, variant: MediaVariant) -> Order {
    Order::of(&grant.link, &grant.bridge, variant)
}

/// Resolves the token of a path to a link that may be followed.
pub(super) async fn granted(
    request: &PublicRequest,
    token: &str,
    state: &AppState,
) -> Result<Grant, PublicError> {
    let link = state
        .links
        .verify(token)
        .map_err(|_| PublicError::not_found())?;
    request.is_about(link.link_id());
    let grant = state
        .links
        .resolve(&link)
        .await
        .map_err(|refusal| PublicError::refusal(&refusal))?;
    within_limits(request)?;
    Ok(grant)
}

/// How long browsers and CDNs may keep the media: never beyond the link's end.
pub(super) fn cache_control(state: &AppState, grant: &Grant) -> String {
    match max_age_s(state, grant) {
        None => "no-store".to_owned(),
        Some(seconds) => format!("public, max-age={seconds}"),
    }
}

/// The same in seconds; `None`: not at all.
pub(super) fn max_age_s(state: &AppState, grant: &Grant) -> Option<i64> {
    if grant.link.max_follows.is_some() {
        return None;
    }
    let longest = millis(state.config().media.cache_control_max);
    let left = match grant.link.expires_at {
        None => longest,
        Some(end) => longest.min(end - state.clock.now_ms()),
    };
    Some(left.max(0) / 1000)
}
