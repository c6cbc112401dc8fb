//! The answer to a link that does not lead to media: the one table from causes to status, error code,
//! page and log.

use std::sync::LazyLock;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
};
use serde::Serialize;

use crate::{
    config::Config,
    languages::{Language, Languages},
    limits::Limited,
    links::Refusal,
    media::MediaError,
    pages::{self, Cause, ErrorPage},
    storage::StorageError,
};
use medialink_link::LinkState;

use super::{public_headers, public_language, public_request::PublicRequest};

/// How long to wait for an upload, in seconds.
const UPLOAD_RETRY_S: u64 = 10;

/// How long to wait for the thumbnails of others, in seconds.
const BUSY_RETRY_S: u64 = 5;

/// How long to wait for a scanner that has failed, in seconds.
const SCAN_RETRY_S: u64 = 10;

/// How long to wait for a database that is away, in seconds.
const AWAY_RETRY_S: u64 = 10;

/// The policy of every such answer that is no page.
static POLICY: LazyLock<HeaderValue> =
    LazyLock::new(|| HeaderValue::from_static(pages::answer_csp()));

/// Why a person does not get the media: as an answer with a status, an error code and a page.
#[derive(Debug, Clone)]
pub(super) struct PublicError {
    status: StatusCode,
    errcode: &'static str,
    cause: Cause,
    retry_after_s: Option<u64>,
    network: Option<String>,
}

impl PublicError {
    fn new(status: StatusCode, errcode: &'static str, cause: Cause) -> Self {
        Self {
            status,
            errcode,
            cause,
            retry_after_s: None,
            network: None,
        }
    }

    /// The same, which may be another answer after so many seconds.
    fn until(self, retry_after_s: impl Into<Option<u64>>) -> Self {
        Self {
            retry_after_s: retry_after_s.into(),
            ..self
        }
    }

    /// Not a link. The answer is the same for every reason, so that guessers learn nothing.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", Cause::NotFound)
    }

    /// The parameters of the request are not a thumbnail's size.
    pub(super) fn bad_size(errcode: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, errcode, Cause::BadSize)
    }

    /// What was sent is no report.
    pub(super) fn bad_report() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_INVALID_PARAM", Cause::BadReport)
    }

    /// The database failed.
    pub(super) fn storage(error: &StorageError) -> Self {
        tracing::error!(%error, "the database failed a request");
        if error.is_outage() {
            return Self::away();
        }
        Self::new(
            StatusCode::BAD_GATEWAY,
            "M_UNKNOWN",
            Cause::HomeserverFailed,
        )
    }

    /// There is no thumbnail of the media, or thumbnails are switched off.
    pub(super) fn no_thumbnail() -> Self {
        Self::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", Cause::NoThumbnail)
    }

    /// The homeserver no longer has the media.
    fn media_gone() -> Self {
        Self::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", Cause::MediaGone)
    }

    /// The database that knows the link is away.
    fn away() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "M_UNKNOWN",
            Cause::DatabaseAway,
        )
        .until(AWAY_RETRY_S)
    }

    /// Over a limit.
    pub(super) fn limited(limited: &Limited) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "M_LIMIT_EXCEEDED",
            Cause::Limited,
        )
        .until(limited.retry_after_s())
    }

    /// The operator denies the link, or the client. Which of both is not told.
    pub(super) fn denied() -> Self {
        Self::new(StatusCode::FORBIDDEN, "M_FORBIDDEN", Cause::Denied)
    }

    /// Whether it says that there is no such link.
    pub(super) fn is_of_no_link(&self) -> bool {
        matches!(self.cause, Cause::NotFound)
    }

    /// A link that may not be followed.
    pub(super) fn refusal(refusal: &Refusal) -> Self {
        let gone = |cause| Self::new(StatusCode::GONE, "M_GONE", cause);
        match refusal {
            Refusal::NotALink => Self::not_found(),
            Refusal::KeyRevoked => gone(Cause::KeyRevoked),
            Refusal::Ended(LinkState::Gone) => Self::media_gone(),
            Refusal::Ended(LinkState::Expired) => gone(Cause::Expired),
            Refusal::Ended(LinkState::Redacted) => gone(Cause::Redacted),
            Refusal::Ended(LinkState::Spent) => gone(Cause::Spent),
            Refusal::Ended(LinkState::Revoked | LinkState::Live) => gone(Cause::Revoked),
            Refusal::BridgeGone(bridge) => {
                tracing::error!(bridge, "a link's bridge is not configured any more");
                Self::new(
                    StatusCode::BAD_GATEWAY,
                    "M_UNKNOWN",
                    Cause::HomeserverFailed,
                )
            }
            Refusal::Denied(_) => Self::denied(),
            Refusal::Limited(limited) => Self::limited(limited),
            Refusal::EventLookup(problem) => {
                tracing::warn!(
                    problem,
                    "the event of a followed link could not be looked up"
                );
                Self::new(
                    StatusCode::BAD_GATEWAY,
                    "M_UNKNOWN",
                    Cause::HomeserverFailed,
                )
            }
            Refusal::Storage(error) => Self::storage(error),
        }
    }

    /// Media that the homeserver does not deliver. Faults that the operator can mend are logged here.
    pub(super) fn media(error: &MediaError, link_id: &str) -> Self {
        match error {
            MediaError::Gone => Self::media_gone(),
            MediaError::NotYetUploaded => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "M_NOT_YET_UPLOADED",
                Cause::NotYetUploaded,
            )
            .until(UPLOAD_RETRY_S),
            MediaError::NoThumbnail => Self::no_thumbnail(),
            MediaError::Denied(_) | MediaError::Infected => Self::denied(),
            MediaError::NotScanned => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "M_UNKNOWN",
                Cause::NotScanned,
            )
            .until(SCAN_RETRY_S),
            MediaError::Busy => {
                tracing::warn!(link_id, "more thumbnails are asked for than can be made");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "M_UNKNOWN", Cause::Busy)
                    .until(BUSY_RETRY_S)
            }
            MediaError::TooManyFetches(limited) => Self::limited(limited),
            MediaError::TooLarge | MediaError::TooLargeForRoom => {
                tracing::warn!(link_id, "{error}");
                Self::new(StatusCode::BAD_GATEWAY, "M_TOO_LARGE", Cause::TooLarge)
            }
            MediaError::Limited(wait_ms) => {
                tracing::warn!(link_id, wait_ms, "the homeserver limits our downloads");
                Self::new(
                    StatusCode::BAD_GATEWAY,
                    "M_UNKNOWN",
                    Cause::HomeserverFailed,
                )
                .until(wait_ms.map(|ms| ms.div_ceil(1000).max(1)))
            }
            MediaError::Slow => {
                tracing::warn!(link_id, "the homeserver was too slow with media");
                Self::new(
                    StatusCode::GATEWAY_TIMEOUT,
                    "M_UNKNOWN",
                    Cause::HomeserverSlow,
                )
            }
            MediaError::Failed(problem) => {
                tracing::error!(link_id, problem, "the homeserver did not give media");
                Self::new(
                    StatusCode::BAD_GATEWAY,
                    "M_UNKNOWN",
                    Cause::HomeserverFailed,
                )
            }
        }
    }

    /// Names the network that the link was sent to, once the link has proved to be genuine.
    pub(super) fn on(self, network: &str) -> Self {
        Self {
            network: Some(network.to_owned()),
            ..self
        }
    }

    /// A page where the client asks for one, JSON otherwise.
    pub(super) fn respond(self, request: &PublicRequest, config: &Config) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        public_headers::insert(&mut response);
        response
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::VARY, public_language::VARY))
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY.clone()));
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if accepts_html(request.headers()) {
            let frame = public_language::frame(request, config);
            response
                .insert_header((header::CONTENT_LANGUAGE, frame.texts.language().tag()))
                .insert_header((header::CONTENT_SECURITY_POLICY, pages::page_csp(&frame)));
            let page = ErrorPage {
                status: self.status.as_u16(),
                cause: self.cause,
                retry_after_seconds: self.retry_after_s,
                network: self.network,
                operator: config.operator.clone(),
                frame,
            };
            return response
                .content_type(pages::CONTENT_TYPE)
                .body(page.render());
        }
        response.json(MatrixError {
            errcode: self.errcode,
            error: self
                .cause
                .title(&Languages::built_in().of(Language::English)),
        })
    }
}

/// An error in Matrix's shape.
#[derive(Serialize)]
struct MatrixError {
    errcode: &'static str,
    error: String,
}

/// Whether `Accept` names `text/html`; `*/*` does not.
pub(super) fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_html = parts
                .next()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
            let refused = parts.any(|parameter| {
                parameter
                    .strip_prefix("q=")
                    .and_then(|q| q.parse::<f32>().ok())
                    .is_some_and(|q| q <= 0.0)
            });
            is_html && !refused
        })
}

/// Answers a method that the path does not have.
pub(super) fn method_not_allowed(request: &PublicRequest, config: &Config) -> HttpResponse {
    let error = PublicError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "M_UNRECOGNIZED",
        Cause::NotFound,
    );
    let mut response = error.respond(request, config);
    response.headers_mut().insert(
        header::ALLOW,
        HeaderValue::from_static("GET, HEAD, OPTIONS"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn only_clients_that_ask_for_html_get_pages() {
        let accepts = |accept: &'static str| {
            accepts_html(
                TestRequest::default()
                    .insert_header(("Accept", accept))
                    .to_http_request()
                    .headers(),
            )
        };
        assert!(accepts("text/html"));
        assert!(accepts("application/xml, text/html;q=0.9, */*;q=0.8"));
        assert!(!accepts("*/*") && !accepts("text/*") && !accepts("") && !accepts("text/html;q=0"));
    }
}
