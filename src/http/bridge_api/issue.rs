//! `POST /v1/links` and `POST /v1/links/batch`.

use std::collections::BTreeMap;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, http::StatusCode, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    http::{
        auth::Bridge,
        error::{ApiError, EntryError},
        request_log::LogLink,
        state::AppState,
    },
    links::LinkView,
};

use super::{body::read_json, issue_body::IssueBody};

/// The longest body of one request: an event is up to 64 KiB long.
const MAX_BODY_BYTES: usize = 128 << 10;
/// The longest body of a batch.
const MAX_BATCH_BYTES: usize = 8 << 20;
/// The most links in a batch.
const MAX_BATCH: usize = 1000;

/// Issues a link.
///
/// Asking again for the same room, event, media and form gives the link that the bridge has
/// already, with 200, so that a bridge may repeat itself.
#[utoipa::path(
    post, path = "/v1/links", tag = "links", operation_id = "issue_link",
    request_body(content = IssueBody, content_type = "application/json"),
    responses(
        (status = 201, description = "The new link", body = LinkView),
        (status = 200, description = "The link that the bridge had already", body = LinkView),
        (status = 400, description = "A field is missing or not allowed", body = ApiError),
        (status = 401, description = "No bridge's token", body = ApiError),
        (status = 403, description = "The room's policy forbids it, or the operator: `M_FORBIDDEN`, or `M_TOO_LARGE` for its size", body = ApiError),
        (status = 410, description = "The event was redacted", body = ApiError),
        (status = 429, description = "The sender, the room or the bridge has had too many links: repeat after `retry_after_ms`", body = ApiError),
        (status = 413, description = "The body is too long", body = ApiError),
        (status = 502, description = "The homeserver could not be asked for the event (`links.provenance`); repeat", body = ApiError),
    ),
    security(("api_token" = []))
)]
pub(in crate::http) async fn issue(
    bridge: Bridge,
    http: HttpRequest,
    state: web::Data<AppState>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let body: IssueBody = read_json(payload, MAX_BODY_BYTES).await?;
    let request = body.checked(state.config().links.max_lifetime)?;
    let mut results = state.links.issue(&bridge.0, vec![request]).await?;
    let issued = results.pop().ok_or_else(|| {
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "M_UNKNOWN",
            "no link came about",
        )
    })??;
    http.extensions_mut()
        .insert(LogLink(issued.link.link_id.clone()));
    let status = if issued.is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(HttpResponse::build(status).json(state.links.view(&issued.link)))
}

/// Several links at once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IssueBatch)]
pub(in crate::http) struct BatchBody {
    /// Up to 1,000 requests, each like one to `/v1/links`.
    #[schema(value_type = Vec<IssueBody>)]
    links: Vec<Value>,
}

/// What came of several links, in the order in which they were asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = IssueBatchOutcome)]
pub(in crate::http) struct BatchOutcome {
    /// A link for each request, or an error.
    results: Vec<BatchResult>,
}

/// A link, or why there is none.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = IssueBatchResult)]
enum BatchResult {
    Link(Box<LinkView>),
    Error(EntryError),
}

/// Issues up to 1,000 links in one transaction.
///
/// The results come in the order of the requests: each is a link, or an error with its status.
#[utoipa::path(
    post, path = "/v1/links/batch", tag = "links", operation_id = "issue_links",
    request_body(content = BatchBody, content_type = "application/json"),
    responses(
        (status = 200, description = "`{\"results\": [link or error, …]}`", body = BatchOutcome),
        (status = 400, description = "The body is not a batch", body = ApiError),
        (status = 401, description = "No bridge's token", body = ApiError),
        (status = 413, description = "The body is too long", body = ApiError),
    ),
    security(("api_token" = []))
)]
pub(in crate::http) async fn issue_batch(
    bridge: Bridge,
    state: web::Data<AppState>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let body: BatchBody = read_json(payload, MAX_BATCH_BYTES).await?;
    if body.links.len() > MAX_BATCH {
        let problem = format!(
            "found {} requests; allowed are up to {MAX_BATCH}",
            body.links.len()
        );
        return Err(ApiError::invalid("links", problem));
    }
    let max_lifetime = state.config().links.max_lifetime;
    let mut results = BTreeMap::new();
    let (mut requests, mut places) = (Vec::new(), Vec::new());
    for (place, value) in body.links.into_iter().enumerate() {
        match IssueBody::from_value(value).and_then(|body| body.checked(max_lifetime)) {
            Ok(request) => {
                requests.push(request);
                places.push(place);
            }
            Err(error) => {
                results.insert(place, BatchResult::Error(error.in_batch()));
            }
        }
    }
    let issued = state.links.issue(&bridge.0, requests).await?;
    for (place, outcome) in places.into_iter().zip(issued) {
        let result = match outcome {
            Ok(issued) => BatchResult::Link(Box::new(state.links.view(&issued.link))),
            Err(error) => BatchResult::Error(ApiError::from(error).in_batch()),
        };
        results.insert(place, result);
    }
    let results = results.into_values().collect();
    Ok(HttpResponse::Ok().json(BatchOutcome { results }))
}
