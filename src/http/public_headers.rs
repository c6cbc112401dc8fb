//! The headers of every answer of the public listener, whatever comes of the request.

use std::sync::LazyLock;

use actix_web::{
    HttpResponseBuilder,
    http::header::{self, HeaderName, HeaderValue},
};

/// Keeps crawlers away.
pub(super) const ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// Browsers take the bytes for no other type, tell nobody the link, and let web apps of others see
/// the answer: a refusal as well as media, so that they can tell people why there is none.
static HEADERS: LazyLock<[(HeaderName, HeaderValue); 6]> = LazyLock::new(|| {
    let value = HeaderValue::from_static;
    [
        (header::X_CONTENT_TYPE_OPTIONS, value("nosniff")),
        (header::REFERRER_POLICY, value("no-referrer")),
        (ROBOTS_TAG, value("noindex")),
        (header::CROSS_ORIGIN_RESOURCE_POLICY, value("cross-origin")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, value("*")),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            value(
                "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Retry-After",
            ),
        ),
    ]
});

/// Puts them into an answer.
pub(super) fn insert(response: &mut HttpResponseBuilder) {
    for (name, value) in HEADERS.iter() {
        response.insert_header((name.clone(), value.clone()));
    }
}
