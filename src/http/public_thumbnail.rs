//! Serves a thumbnail of a link's media: reads the size, then takes the steps of a followed link.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::{
    homeserver::MediaVariant,
    links::Grant,
    media::{MediaProxy, ThumbnailMethod, choose_thumbnail},
};

use super::{
    conditions::conditions,
    media_response::{Counter, respond},
    public_error::PublicError,
    public_link::{begin, cache_control, granted, order},
    public_request::PublicRequest,
    state::AppState,
};

/// The query, unchecked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    width: Option<String>,
    height: Option<String>,
    method: Option<String>,
    animated: Option<String>,
}

/// `GET` and `HEAD /t/{token}?width=&height=&method=&animated=`.
pub(super) async fn answer(
    request: &PublicRequest,
    token: &str,
    state: &AppState,
    media: &MediaProxy,
) -> Result<HttpResponse, PublicError> {
    let grant = granted(request, token, state).await?;
    let variant = variant(request, &grant, state)?;
    let meter = begin(request, &grant, state)?;
    let media = media
        .open(&order(&grant, variant), conditions(request.head()))
        .await
        .map_err(|error| {
            PublicError::media(&error, &grant.link.link_id).on(&grant.bridge.network)
        })?;
    let counter = Counter::start(state, &grant, false, media.is_download);
    Ok(respond(
        media,
        &cache_control(state, &grant),
        counter,
        meter,
    ))
}

/// The configured size that serves the requested one.
fn variant(
    request: &PublicRequest,
    grant: &Grant,
    state: &AppState,
) -> Result<MediaVariant, PublicError> {
    let query = web::Query::<Query>::from_query(request.query())
        .map_err(|_| PublicError::bad_size("M_INVALID_PARAM"))?;
    let pixels = |text: &Option<String>| {
        let text = text
            .as_ref()
            .ok_or(PublicError::bad_size("M_MISSING_PARAM"))?;
        let pixels = text.parse().ok().filter(|pixels: &u32| *pixels > 0);
        pixels.ok_or(PublicError::bad_size("M_INVALID_PARAM"))
    };
    let asked = (pixels(&query.width)?, pixels(&query.height)?);
    let method = match &query.method {
        None => ThumbnailMethod::Scale,
        Some(text) => {
            ThumbnailMethod::parse(text).ok_or(PublicError::bad_size("M_INVALID_PARAM"))?
        }
    };
    let animated = match query.animated.as_deref() {
        None | Some("false") => false,
        // Thumbnails that are made here stand still.
        Some("true") => grant.link.claims.file.is_none(),
        Some(_) => return Err(PublicError::bad_size("M_INVALID_PARAM")),
    };
    let variant = choose_thumbnail(&state.config().media.thumbnails, asked, method)
        .ok_or(PublicError::no_thumbnail())?;
    Ok(if animated { variant.moving() } else { variant })
}
