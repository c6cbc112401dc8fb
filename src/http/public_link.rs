//! A followed link: verify, decide, open, stream.

use std::sync::Arc;

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::{Method, header},
};

use crate::{
    clock::millis,
    config::CheckEvent,
    homeserver::MediaKind,
    legacy::{LegacyLink, LegacyPath},
    links::Grant,
    media::{ByteRange, Given, MediaError, MediaProxy, Order, Wanted},
};

use super::{
    media_response::{Counter, respond},
    refusal::Told,
    request_log::LogLink,
    state::AppState,
};

/// `GET` and `HEAD /m/{token}[/{name}]`.
pub(super) async fn answer(
    request: &HttpRequest,
    token: &str,
    state: &AppState,
    media: &MediaProxy,
) -> Result<HttpResponse, Told> {
    let grant = granted(request, token, state).await?;
    give(request, &grant, None, state, media).await
}

/// A path of `legacy_links`.
pub(super) async fn answer_legacy(
    request: &HttpRequest,
    path: LegacyPath<'_>,
    state: &AppState,
    media: &MediaProxy,
) -> Result<HttpResponse, Told> {
    let link = path.verify().map_err(|_| Told::not_found())?;
    request
        .extensions_mut()
        .insert(LogLink(link.link_id().to_string()));
    let grant = state
        .links
        .resolve_legacy(&link)
        .await
        .map_err(|refusal| Told::refusal(&refusal))?;
    give(request, &grant, Some(&link), state, media).await
}

/// Whether the homeserver has taken back media that the cache still holds. Where events were seen
/// to show it, they decide; otherwise a bridge that withdraws media can only have it removed there.
async fn is_withdrawn(
    link: &LegacyLink,
    order: &Order,
    from_homeserver: bool,
    state: &AppState,
    proxy: &MediaProxy,
) -> bool {
    let link_id = link.link_id().to_string();
    if from_homeserver {
        state.presence.was_given(&link_id).await;
        return false;
    }
    let hears_of_redactions = state.config().links.check_event == CheckEvent::Push;
    let ask = async {
        match state.links.is_seen(link).await {
            Ok(is_seen) if !is_seen || !hears_of_redactions => proxy.is_there(order).await,
            Ok(_) | Err(_) => true,
        }
    };
    !state.presence.is_there(&link_id, ask).await
}

/// The media of a link that may be followed.
async fn give(
    request: &HttpRequest,
    grant: &Grant,
    legacy: Option<&LegacyLink>,
    state: &AppState,
    proxy: &MediaProxy,
) -> Result<HttpResponse, Told> {
    let link = &grant.link;
    let limited = link.max_follows.is_some();
    let order = order(grant, MediaKind::Original);
    let refused = |error: &MediaError| Told::media(error, &link.link_id).on(&grant.bridge.network);
    let mut media = proxy
        .open(&order, wanted(request, limited))
        .await
        .map_err(|error| refused(&error))?;
    if let Some(legacy) = legacy
        && is_withdrawn(legacy, &order, media.is_download, state, proxy).await
    {
        return Err(refused(&MediaError::Gone));
    }
    // A range of it would be answered with the whole.
    media.ranges &= !limited;
    let is_follow = request.method() == Method::GET && matches!(media.given, Given::Whole(..));
    if is_follow && limited {
        state
            .links
            .take_follow(link)
            .await
            .map_err(|refusal| Told::refusal(&refusal).on(&grant.bridge.network))?;
    }
    let counter = Counter::start(state, grant, is_follow, media.is_download);
    Ok(respond(media, &cache_control(state, grant), counter))
}

/// What to ask for, of a link that may be followed.
pub(super) fn order(grant: &Grant, kind: MediaKind) -> Order {
    Order {
        bridge: Arc::clone(&grant.bridge),
        claims: Arc::clone(&grant.link.claims),
        copy: grant.link.copy.clone(),
        sender: grant.link.sender.clone(),
        kind,
        // A thumbnail is as small as it is.
        max_bytes: match kind {
            MediaKind::Original => grant.link.max_size.and_then(|max| u64::try_from(max).ok()),
            MediaKind::Thumbnail { .. } => None,
        },
    }
}

/// From the text of the path to a link that may be followed.
pub(super) async fn granted(
    request: &HttpRequest,
    token: &str,
    state: &AppState,
) -> Result<Grant, Told> {
    let link = state.links.verify(token).map_err(|_| Told::not_found())?;
    request
        .extensions_mut()
        .insert(LogLink(link.link_id().to_string()));
    state
        .links
        .resolve(&link)
        .await
        .map_err(|refusal| Told::refusal(&refusal))
}

/// What the request's headers ask for. The follows of a limited link are counted by the whole, so
/// no range of it is given.
pub(super) fn wanted(request: &HttpRequest, limited: bool) -> Wanted<'_> {
    let one = |name| {
        let mut values = request.headers().get_all(name);
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    };
    Wanted {
        head_only: request.method() == Method::HEAD,
        range: one(header::RANGE)
            .filter(|_| !limited)
            .and_then(ByteRange::parse),
        if_range: request
            .headers()
            .contains_key(header::IF_RANGE)
            .then(|| one(header::IF_RANGE).unwrap_or_default()),
        if_none_match: one(header::IF_NONE_MATCH),
        if_modified_since: one(header::IF_MODIFIED_SINCE),
    }
}

/// For how long others may keep the media: not beyond the link's life.
pub(super) fn cache_control(state: &AppState, grant: &Grant) -> String {
    if grant.link.max_follows.is_some() {
        return "no-store".to_owned();
    }
    let longest = millis(state.config().media.cache_control_max);
    let left = match grant.link.expires_at {
        None => longest,
        Some(end) => longest.min(end - state.clock.now_ms()),
    };
    format!("public, max-age={}", left.max(0) / 1000)
}
