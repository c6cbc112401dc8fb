//! `GET /v1/links` and `GET /v1/links/{link_id}`.

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    http::{auth::Bridge, error::ApiError, request_log::LogLink, state::AppState},
    links::{AnyLinkView, LinkView},
    storage::links::Criteria,
};
use medialink_link::LinkState;

/// How many links a page has if the bridge does not say.
const DEFAULT_LIMIT: i64 = 100;
/// The most links on a page.
const MAX_LIMIT: i64 = 1000;

/// Which links to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ListQuery {
    /// Only those of this room.
    room_id: Option<String>,
    /// Only those of this event.
    event_id: Option<String>,
    /// Only those of this media.
    mxc: Option<String>,
    /// Only those in this state: `live`, `expired`, `revoked`, `redacted`, `gone` or `spent`.
    state: Option<String>,
    /// How many at most: 1 to 1,000, or 100 if left out.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// Where the page before ended: its `next`.
    from: Option<String>,
}

/// A page of links, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = LinkPage)]
pub(in crate::http) struct ListPage {
    links: Vec<LinkView>,
    /// Where the next page begins; null at the end.
    #[schema(required = true)]
    next: Option<String>,
}

/// Lists the bridge's links, newest first.
#[utoipa::path(
    get, path = "/v1/links", tag = "links", operation_id = "list_links", params(ListQuery),
    responses(
        (status = 200, description = "A page of links", body = ListPage),
        (status = 400, description = "A parameter is not allowed", body = ApiError),
        (status = 401, description = "No bridge's token", body = ApiError),
    ),
    security(("api_token" = []))
)]
pub(in crate::http) async fn list(
    bridge: Bridge,
    http: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, ApiError> {
    let query = web::Query::<ListQuery>::from_query(http.query_string())
        .map_err(|error| ApiError::invalid("query", error))?
        .into_inner();
    let limit = match query.limit.as_deref() {
        None => DEFAULT_LIMIT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|n| (1..=MAX_LIMIT).contains(n))
            .ok_or_else(|| {
                ApiError::invalid(
                    "limit",
                    format_args!("found {text:?}; allowed are 1 to {MAX_LIMIT}"),
                )
            })?,
    };
    let before =
        match query.from.as_deref() {
            None => None,
            Some(text) => Some(text.parse::<i64>().map_err(|_| {
                ApiError::invalid("from", "allowed is the `next` of the page before")
            })?),
        };
    let of_state = match query.state.as_deref() {
        None => None,
        Some(word) => Some(LinkState::parse(word).ok_or_else(|| {
            let allowed = "allowed are live, expired, revoked, redacted, gone and spent";
            ApiError::invalid("state", format_args!("found {word:?}; {allowed}"))
        })?),
    };
    let criteria = Criteria {
        room_id: query.room_id,
        event_id: query.event_id,
        mxc: query.mxc,
        state: of_state,
        ..Criteria::default()
    };
    // One row more than asked for shows whether there is another page.
    let mut rows = state
        .links
        .list(&bridge.0.id, &criteria, before, limit + 1)
        .await?;
    let is_more = i64::try_from(rows.len()).is_ok_and(|n| n > limit);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(HttpResponse::Ok().json(ListPage {
        next: rows
            .last()
            .filter(|_| is_more)
            .map(|row| row.id.to_string()),
        links: rows.iter().map(|row| state.links.view(row)).collect(),
    }))
}

/// Shows one of the bridge's links.
#[utoipa::path(
    get, path = "/v1/links/{link_id}", tag = "links", operation_id = "get_link",
    params(("link_id" = String, Path, description = "Names the link")),
    responses(
        (status = 200, description = "The link, or what is left of it after `retention`", body = AnyLinkView),
        (status = 401, description = "No bridge's token", body = ApiError),
        (status = 404, description = "The bridge has no such link", body = ApiError),
    ),
    security(("api_token" = []))
)]
pub(in crate::http) async fn get(
    bridge: Bridge,
    http: HttpRequest,
    state: web::Data<AppState>,
    link_id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let found = state
        .links
        .find(&bridge.0.id, &link_id)
        .await?
        .ok_or_else(|| ApiError::not_found("there is no such link of this bridge"))?;
    http.extensions_mut().insert(LogLink(link_id.clone()));
    Ok(HttpResponse::Ok().json(state.links.view_found(&link_id, &found)))
}
