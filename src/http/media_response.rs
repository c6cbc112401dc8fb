//! The answer that carries media: its headers, and a body whose bytes are counted as they are sent.

use std::{
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll, ready},
};

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    body::{BodyStream, SizedStream},
    http::header::{self, HeaderValue},
};
use bytes::Bytes;
use futures_util::Stream;

use crate::{
    clock::Clock,
    limits::Meter,
    links::Grant,
    media::{Media, MediaBody, MediaError},
    storage::links::LinkRow,
    usage::{FollowCounter, Served},
};

use super::{public_headers, state::AppState};

/// The policy that the Matrix specification asks of homeservers, without `plugin-types`: browsers do not know it any
/// more, and complain.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    HeaderValue::from_static(
        "sandbox; default-src 'none'; script-src 'none'; style-src 'unsafe-inline'; media-src 'self'; object-src 'self';",
    )
});

/// Answers with media by where it came from.
static FROM_CACHE: LazyLock<metrics::Counter> = LazyLock::new(|| answers_from("cache"));
static FROM_HOMESERVER: LazyLock<metrics::Counter> = LazyLock::new(|| answers_from("homeserver"));

fn answers_from(source: &'static str) -> metrics::Counter {
    metrics::counter!("medialink_media_answers_total", "from" => source)
}

/// Answers a browser which requests a web app of another origin may make (Fetch Standard,
/// "CORS-preflight request").
pub(super) fn preflight() -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    public_headers::insert(&mut response);
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"))
        .insert_header((
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range",
        ))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

/// Puts media into an answer. `cache_control`: how long it may be kept; a failure is kept by nobody. `meter`: charges
/// the bytes as they flow.
pub(super) fn respond(
    media: Media,
    cache_control: &str,
    counter: Counter,
    meter: Option<Meter>,
) -> HttpResponse {
    let (decision, whole) = (media.decision, media.representation.length);
    let mut response = HttpResponse::build(decision.status());
    public_headers::insert(&mut response);
    let cache_control = if decision.is_failure() {
        "no-store"
    } else {
        cache_control
    };
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY.clone()))
        .insert_header((header::CACHE_CONTROL, cache_control))
        .insert_header((header::ETAG, media.representation.etag));
    if let Some(last_modified) = media.representation.last_modified {
        response.insert_header((header::LAST_MODIFIED, last_modified));
    }
    if let Some(content_range) = decision.content_range(whole) {
        response.insert_header((header::CONTENT_RANGE, content_range));
    }
    if media.representation.has_ranges {
        response.insert_header((header::ACCEPT_RANGES, "bytes"));
    }
    if !decision.describes_content() {
        return response.finish();
    }
    response
        .insert_header((header::CONTENT_TYPE, media.headers.content_type))
        .insert_header((
            header::CONTENT_DISPOSITION,
            media.headers.content_disposition,
        ));
    let body = CountedBody {
        body: media.body,
        counter,
        meter,
    };
    send(response, body, decision.content_length(whole))
}

/// Sends a body, with its length where it is known, so that an end that comes too early shows.
fn send(mut response: HttpResponseBuilder, body: CountedBody, length: Option<u64>) -> HttpResponse {
    match length {
        Some(length) => response.body(SizedStream::new(length, body)),
        None => response.body(BodyStream::new(body)),
    }
}

/// Counts one answer with media: as a follow or a download at its start, its bytes at its end.
pub(super) struct Counter {
    follows: FollowCounter,
    clock: Clock,
    link: Arc<LinkRow>,
    /// As it is to be noted at its end.
    served: Served,
}

impl Counter {
    /// Starts the count; `is_download`: the homeserver was asked for the media.
    pub(super) fn start(
        state: &AppState,
        grant: &Grant,
        is_follow: bool,
        is_download: bool,
    ) -> Self {
        let from = if is_download {
            &FROM_HOMESERVER
        } else {
            &FROM_CACHE
        };
        from.increment(1);
        let served = Served {
            is_follow,
            is_download,
            bytes: 0,
            at: state.clock.now_ms(),
        };
        if is_follow || is_download {
            state.follows.add(&grant.link, served);
        }
        Self {
            follows: state.follows.clone(),
            clock: state.clock.clone(),
            link: Arc::clone(&grant.link),
            served,
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.served.at = self.clock.now_ms();
        self.follows.ended(&self.link, self.served);
        if self.served.bytes > 0 {
            let sent = Served {
                is_follow: false,
                is_download: false,
                ..self.served
            };
            self.follows.add(&self.link, sent);
        }
    }
}

struct CountedBody {
    body: MediaBody,
    counter: Counter,
    meter: Option<Meter>,
}

impl Stream for CountedBody {
    type Item = Result<Bytes, MediaError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(meter) = &mut self.meter {
            ready!(meter.poll_ready(context));
        }
        let next = Pin::new(&mut self.body).poll_next(context);
        match &next {
            Poll::Ready(Some(Ok(bytes))) => {
                self.counter.served.bytes += bytes.len() as u64;
                if let Some(meter) = &mut self.meter {
                    meter.charge(bytes.len());
                }
            }
            Poll::Ready(Some(Err(error))) => {
                tracing::warn!(link_id = self.counter.link.link_id, %error, "media broke off");
            }
            _ => {}
        }
        next
    }
}
