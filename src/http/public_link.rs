//! A followed link: verify, decide, open, stream.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder,
    body::{BodyStream, SizedStream},
    http::{Method, StatusCode, header},
    web,
};
use bytes::Bytes;
use futures_util::Stream;

use crate::{
    clock::Clock,
    link_service::{Grant, millis},
    media::{Media, MediaError, MediaStream, Wanted, is_single_range},
    usage::{FollowCounter, Served},
};

use super::{refusal::Told, request_log::LogLink, state::AppState};

/// What every answer with media carries, whatever the media is. The policy is the one that the
/// Matrix specification asks of homeservers.
const SAFETY: &[(&str, &str)] = &[
    ("X-Content-Type-Options", "nosniff"),
    (
        "Content-Security-Policy",
        "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; media-src 'self'; object-src 'self';",
    ),
    ("Referrer-Policy", "no-referrer"),
    ("X-Robots-Tag", "noindex"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("Access-Control-Allow-Origin", "*"),
];

/// `GET` and `HEAD /m/{token}[/{name}]`.
pub(super) async fn follow(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    match answer(&request, &state).await {
        Ok(response) => response,
        Err(told) => told.respond(&request),
    }
}

async fn answer(request: &HttpRequest, state: &AppState) -> Result<HttpResponse, Told> {
    let grant = granted(request, state).await?;
    let link = &grant.link;
    let head_only = request.method() == Method::HEAD;
    let limited = link.max_follows.is_some();
    let wanted = Wanted {
        head_only,
        range: range(request).filter(|_| !limited),
    };
    let mut media = state
        .media
        .open(&grant.bridge, &link.claims, wanted)
        .await
        .map_err(|error| Told::media(&error, &link.link_id).on(&grant.bridge.network))?;
    // A range of it would be answered with the whole.
    media.ranges &= !limited;
    let is_follow = !head_only && media.status == 200;
    if is_follow && limited {
        state
            .links
            .take_follow(link)
            .await
            .map_err(|refusal| Told::refusal(&refusal).on(&grant.bridge.network))?;
    }
    let counter = Counter::start(state, &grant, is_follow);
    Ok(respond(media, &cache_control(state, &grant), counter))
}

/// From the text of the path to a link that may be followed.
pub(super) async fn granted(request: &HttpRequest, state: &AppState) -> Result<Grant, Told> {
    let token = request.match_info().get("token").unwrap_or_default();
    let link = state
        .links
        .keys
        .ring()
        .verify(token)
        .map_err(|_| Told::not_found())?;
    request
        .extensions_mut()
        .insert(LogLink(link.link_id().to_string()));
    state
        .links
        .resolve(&link)
        .await
        .map_err(|refusal| Told::refusal(&refusal))
}

/// A range that is handed on. A condition on it cannot hold, since there is no validator that it
/// could name (RFC 9110, section 13.1.5).
fn range(request: &HttpRequest) -> Option<&str> {
    if request.headers().contains_key(header::IF_RANGE) {
        return None;
    }
    let mut values = request.headers().get_all(header::RANGE);
    let range = values.next()?.to_str().ok()?;
    (values.next().is_none() && is_single_range(range)).then_some(range)
}

/// For how long others may keep the media: not beyond the link's life.
fn cache_control(state: &AppState, grant: &Grant) -> String {
    if grant.link.max_follows.is_some() {
        return "no-store".to_owned();
    }
    let longest = millis(state.config().media.cache_control_max);
    let left = match grant.link.expires_at {
        None => longest,
        Some(end) => longest.min(end - state.links.clock.now_ms()),
    };
    format!("public, max-age={}", left.max(0) / 1000)
}

fn respond(media: Media, cache_control: &str, counter: Counter) -> HttpResponse {
    let status = StatusCode::from_u16(media.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    for header in SAFETY {
        response.insert_header(*header);
    }
    response.insert_header((header::CACHE_CONTROL, cache_control));
    if let Some(content_range) = media.content_range {
        response.insert_header((header::CONTENT_RANGE, content_range));
    }
    if media.ranges {
        response.insert_header((header::ACCEPT_RANGES, "bytes"));
    }
    if status == StatusCode::RANGE_NOT_SATISFIABLE {
        return response.finish();
    }
    response
        .insert_header((header::CONTENT_TYPE, media.headers.content_type))
        .insert_header((
            header::CONTENT_DISPOSITION,
            media.headers.content_disposition,
        ));
    let body = CountedStream {
        stream: media.body,
        counter,
    };
    send(response, body, media.content_length)
}

/// Sends a body, with its length where it is known, so that an end that comes too early shows.
fn send(
    mut response: HttpResponseBuilder,
    body: CountedStream,
    length: Option<u64>,
) -> HttpResponse {
    match length {
        Some(length) => response.body(SizedStream::new(length, body)),
        None => response.body(BodyStream::new(body)),
    }
}

/// Counts what goes out.
struct Counter {
    follows: FollowCounter,
    clock: Clock,
    link_id: String,
    mxc: String,
    bytes: u64,
}

impl Counter {
    fn start(state: &AppState, grant: &Grant, is_follow: bool) -> Self {
        let counter = Self {
            follows: state.follows.clone(),
            clock: state.links.clock.clone(),
            link_id: grant.link.link_id.clone(),
            mxc: grant.link.claims.mxc.to_string(),
            bytes: 0,
        };
        if is_follow {
            counter.add(Served {
                is_follow,
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
        self.follows.add(&self.link_id, &self.mxc, served);
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.add(Served {
                is_follow: false,
                bytes: self.bytes,
                at: self.now(),
            });
        }
    }
}

struct CountedStream {
    stream: MediaStream,
    counter: Counter,
}

impl Stream for CountedStream {
    type Item = Result<Bytes, MediaError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.stream).poll_next(context);
        match &next {
            Poll::Ready(Some(Ok(bytes))) => self.counter.bytes += bytes.len() as u64,
            Poll::Ready(Some(Err(error))) => {
                tracing::warn!(link_id = self.counter.link_id, %error, "media broke off");
            }
            _ => {}
        }
        next
    }
}
