//! What oEmbed says of a link: what its page shows at once, for those who embed pages of others.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web,
};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::{
    media::MediaProxy,
    pages::{self, Oembed},
};

use super::{
    public_error::PublicError,
    public_headers,
    public_link::{granted, max_age_s},
    public_page,
    public_preview::Bounds,
    public_request::PublicRequest,
    public_route::Route,
    state::AppState,
};

/// The query, unchecked (<https://oembed.com>, section 2.2).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    url: Option<String>,
    maxwidth: Option<String>,
    maxheight: Option<String>,
    format: Option<String>,
}

/// `GET` and `HEAD /oembed?url=&maxwidth=&maxheight=&format=`. What is not the URL of a link here has the answer of
/// a token that is none.
pub(super) async fn answer(
    request: &PublicRequest,
    state: &AppState,
    media: &MediaProxy,
) -> Result<HttpResponse, PublicError> {
    let query = web::Query::<Query>::from_query(request.query())
        .map_err(|_| PublicError::bad_size("M_INVALID_PARAM"))?
        .into_inner();
    if query.format.as_deref().is_some_and(|name| name != "json") {
        return Ok(not_in_this_format());
    }
    let room = (
        pixels(query.maxwidth.as_deref())?,
        pixels(query.maxheight.as_deref())?,
    );
    let config = state.config();
    let public_url = &config.public_url;
    let url = query.url.as_deref().and_then(|text| Url::parse(text).ok());
    let url = url.filter(|url| url.origin() == public_url.origin());
    let route = url
        .as_ref()
        .and_then(|url| Route::parse(url.path(), public_url.path()));
    let Some(Route::Page(token) | Route::Media(token)) = route else {
        return Err(PublicError::not_found());
    };
    let grant = granted(request, token, state).await?;
    let bounds = Bounds {
        width: room.0.min(Bounds::PAGE.width),
        height: room.1.min(Bounds::PAGE.height),
        are_told: true,
    };
    let page = public_page::page(request, &grant, bounds, state, media).await?;
    let told = Oembed::of(&page, public_url.as_str(), room, max_age_s(state, &grant));
    let mut response = HttpResponse::Ok();
    public_headers::insert(&mut response);
    Ok(response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, header::ACCEPT_LANGUAGE.as_str()))
        .insert_header((header::CONTENT_SECURITY_POLICY, pages::answer_csp()))
        .json(told))
}

/// A largest side; without one there is room for any.
fn pixels(text: Option<&str>) -> Result<u32, PublicError> {
    match text {
        None => Ok(u32::MAX),
        Some(text) => {
            let pixels = text.parse().ok().filter(|pixels: &u32| *pixels > 0);
            pixels.ok_or(PublicError::bad_size("M_INVALID_PARAM"))
        }
    }
}

/// oEmbed's own answer to a format that is not given (section 2.3.5).
fn not_in_this_format() -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::NOT_IMPLEMENTED);
    public_headers::insert(&mut response);
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({"errcode": "M_UNRECOGNIZED", "error": "allowed is the format json"}))
}
