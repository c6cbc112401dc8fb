//! Serves a thumbnail of a link's media: reads the size, then takes the steps of a followed link.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::{
    homeserver::MediaVariant,
    media::{MediaProxy, ThumbnailMethod, choose_thumbnail},
};

use super::{
    conditions::conditions,
    media_response::{Counter, respond},
    public_error::PublicError,
    public_link::{cache_control, granted, order},
    state::AppState,
};

/// The query, unchecked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    width: Option<String>,
    height: Option<String>,
    method: Option<String>,
}

/// `GET` and `HEAD /t/{token}?width=&height=&method=`.
pub(super) async fn answer(
    request: &HttpRequest,
    token: &str,
    state: &AppState,
    media: &MediaProxy,
) -> Result<HttpResponse, PublicError> {
    let grant = granted(request, token, state).await?;
    let variant = variant(request, state)?;
    let media = media
        .open(&order(&grant, variant), conditions(request))
        .await
        .map_err(|error| {
            PublicError::media(&error, &grant.link.link_id).on(&grant.bridge.network)
        })?;
    let counter = Counter::start(state, &grant, false, media.is_download);
    Ok(respond(media, &cache_control(state, &grant), counter))
}

/// The configured size that serves the requested one.
fn variant(request: &HttpRequest, state: &AppState) -> Result<MediaVariant, PublicError> {
    let query = web::Query::<Query>::from_query(request.query_string())
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
    choose_thumbnail(&state.config().media.thumbnails, asked, method)
        .ok_or(PublicError::no_thumbnail())
}
