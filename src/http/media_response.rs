//! The answer that carries media: its headers, and a body that is counted on its way out.

use std::{
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
};

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    body::{BodyStream, SizedStream},
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use bytes::Bytes;
use futures_util::Stream;

use crate::{
    clock::Clock,
    links::Grant,
    media::{Given, Media, MediaBody, MediaError},
    storage::links::LinkRow,
    usage::{FollowCounter, Served},
};

use super::{refusal::ROBOTS_TAG, state::AppState};

/// What every answer with media carries, whatever the media is. The policy is the one that the
/// Matrix specification asks of homeservers.
static SAFETY: LazyLock<[(HeaderName, HeaderValue); 7]> = LazyLock::new(|| {
    let value = HeaderValue::from_static;
    [
        (header::X_CONTENT_TYPE_OPTIONS, value("nosniff")),
        (
            header::CONTENT_SECURITY_POLICY,
            value(
                "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; media-src 'self'; object-src 'self';",
            ),
        ),
        (header::REFERRER_POLICY, value("no-referrer")),
        (ROBOTS_TAG, value("noindex")),
        (header::CROSS_ORIGIN_RESOURCE_POLICY, value("cross-origin")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, value("*")),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            value("Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag"),
        ),
    ]
});

/// Tells a browser what a web app of another origin may ask for (Fetch Standard, "CORS-preflight
/// request").
pub(super) fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"))
        .insert_header((
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "If-Modified-Since, If-None-Match, If-Range, Range",
        ))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

/// Puts media into an answer.
pub(super) fn respond(media: Media, cache_control: &str, counter: Counter) -> HttpResponse {
    let (status, length, content_range, body) = match media.given {
        Given::Whole(length, body) => (StatusCode::OK, length, None, Some(body)),
        Given::Part(first, last, whole, body) => {
            let whole = whole.map_or_else(|| "*".to_owned(), |whole| whole.to_string());
            (
                StatusCode::PARTIAL_CONTENT,
                Some(last - first + 1),
                Some(format!("bytes {first}-{last}/{whole}")),
                Some(body),
            )
        }
        Given::NotModified => (StatusCode::NOT_MODIFIED, None, None, None),
        Given::Unsatisfiable(length) => (
            StatusCode::RANGE_NOT_SATISFIABLE,
            None,
            length.map(|length| format!("bytes */{length}")),
            None,
        ),
    };
    let mut response = HttpResponse::build(status);
    for (name, value) in SAFETY.iter() {
        response.insert_header((name.clone(), value.clone()));
    }
    response
        .insert_header((header::CACHE_CONTROL, cache_control))
        .insert_header((header::ETAG, media.etag));
    if let Some(last_modified) = media.last_modified {
        response.insert_header((header::LAST_MODIFIED, last_modified));
    }
    if let Some(content_range) = content_range {
        response.insert_header((header::CONTENT_RANGE, content_range));
    }
    if media.ranges {
        response.insert_header((header::ACCEPT_RANGES, "bytes"));
    }
    let Some(body) = body else {
        return response.finish();
    };
    response
        .insert_header((header::CONTENT_TYPE, media.headers.content_type))
        .insert_header((
            header::CONTENT_DISPOSITION,
            media.headers.content_disposition,
        ));
    let body = CountedBody { body, counter };
    send(response, body, length)
}

/// Sends a body, with its length where it is known, so that an end that comes too early shows.
fn send(mut response: HttpResponseBuilder, body: CountedBody, length: Option<u64>) -> HttpResponse {
    match length {
        Some(length) => response.body(SizedStream::new(length, body)),
        None => response.body(BodyStream::new(body)),
    }
}

/// Counts what goes out.
pub(super) struct Counter {
    follows: FollowCounter,
    clock: Clock,
    link: Arc<LinkRow>,
    bytes: u64,
}

impl Counter {
    /// A counter for one answer; `is_download`: the homeserver was asked for it.
    pub(super) fn start(
        state: &AppState,
        grant: &Grant,
        is_follow: bool,
        is_download: bool,
    ) -> Self {
        let counter = Self {
            follows: state.follows.clone(),
            clock: state.clock.clone(),
            link: Arc::clone(&grant.link),
            bytes: 0,
        };
        if is_follow || is_download {
            counter.add(Served {
                is_follow,
                is_download,
                bytes: 0,
                at: counter.now(),
            });
        }
        counter
    }

    fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    fn add(&self, served: Served) {
        self.follows.add(&self.link, served);
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.add(Served {
                is_follow: false,
                is_download: false,
                bytes: self.bytes,
                at: self.now(),
            });
        }
    }
}

struct CountedBody {
    body: MediaBody,
    counter: Counter,
}

impl Stream for CountedBody {
    type Item = Result<Bytes, MediaError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.body).poll_next(context);
        match &next {
            Poll::Ready(Some(Ok(bytes))) => self.counter.bytes += bytes.len() as u64,
            Poll::Ready(Some(Err(error))) => {
                tracing::warn!(link_id = self.counter.link.link_id, %error, "media broke off");
            }
            _ => {}
        }
        next
    }
}
