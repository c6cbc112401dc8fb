//! `DELETE /v1/links/{link_id}` and `POST /v1/revocations`.

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    http::{auth::Bridge, error::ApiError, request_log::LogLink, state::AppState},
    links::AnyLinkView,
    storage::links::Criteria,
};
use medialink_link::matrix::{EventId, MxcUri, RoomId, UserId};

use super::body::read_json;

/// The longest body.
const MAX_BODY_BYTES: usize = 16 << 10;

/// Revokes one of the bridge's links. A link that is over already stays as it is.
#[utoipa::path(
    delete, path = "/v1/links/{link_id}", tag = "links", operation_id = "revoke_link",
    params(("link_id" = String, Path, description = "Names the link")),
    responses(
        (status = 200, description = "The link as it is now, or what is left of it after `retention`", body = AnyLinkView),
        (status = 401, description = "No bridge's token", body = ApiError),
        (status = 404, description = "The bridge has no such link", body = ApiError),
    ),
    security(("api_token" = []))
)]
pub(in crate::http) async fn revoke_one(
    bridge: Bridge,
    http: HttpRequest,
    state: web::Data<AppState>,
    link_id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let found = state
        .links
        .revoke_one(&bridge.0.id, &link_id)
        .await?
        .ok_or_else(|| ApiError::not_found("there is no such link of this bridge"))?;
    http.extensions_mut().insert(LogLink(link_id.clone()));
    Ok(HttpResponse::Ok().json(state.links.view_found(&link_id, &found)))
}

/// Which links to revoke: those that match all that is given. At least one is needed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Revocation)]
pub(in crate::http) struct RevocationBody {
    /// Those of this room.
    room_id: Option<String>,
    /// Those of this event.
    event_id: Option<String>,
    /// Those of this media.
    mxc: Option<String>,
    /// Those of media that this user shared. It reaches recorded links only.
    sender: Option<String>,
    /// Those issued before this time, in milliseconds since the epoch.
    issued_before_ts: Option<i64>,
}

/// What a revocation came to.
#[derive(Serialize, ToSchema)]
#[schema(as = RevocationOutcome)]
pub(in crate::http) struct RevocationOutcome {
    /// How many live links were revoked.
    revoked: usize,
    /// `all`: it holds as well for links that the bridge has signed by itself and that nobody has
    /// followed yet. `recorded`: it cannot, because only recorded links tell their sender.
    reaches: &'static str,
}

/// Revokes all links of the bridge that match. Links issued later are not touched.
#[utoipa::path(
    post, path = "/v1/revocations", tag = "links", operation_id = "revoke_links",
    request_body(content = RevocationBody, content_type = "application/json"),
    responses(
        (status = 200, description = "How many links were revoked", body = RevocationOutcome),
        (status = 400, description = "Nothing is given, or a field is not allowed", body = ApiError),
        (status = 401, description = "No bridge's token", body = ApiError),
    ),
    security(("api_token" = []))
)]
pub(in crate::http) async fn revoke(
    bridge: Bridge,
    state: web::Data<AppState>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let body: RevocationBody = read_json(payload, MAX_BODY_BYTES).await?;
    let criteria = body.checked()?;
    let revoked = state.links.revoke(Some(&bridge.0.id), criteria).await?;
    Ok(HttpResponse::Ok().json(RevocationOutcome {
        revoked: revoked.links,
        reaches: if revoked.remembered {
            "all"
        } else {
            "recorded"
        },
    }))
}

impl RevocationBody {
    fn checked(self) -> Result<Criteria, ApiError> {
        fn of<T, E: std::fmt::Display>(
            text: Option<String>,
            field: &str,
            parse: impl Fn(&str) -> Result<T, E>,
        ) -> Result<Option<String>, ApiError> {
            match text {
                None => Ok(None),
                Some(text) => match parse(&text) {
                    Ok(_) => Ok(Some(text)),
                    Err(error) => Err(ApiError::invalid(field, error)),
                },
            }
        }
        let criteria = Criteria {
            room_id: of(self.room_id, "room_id", RoomId::parse)?,
            event_id: of(self.event_id, "event_id", EventId::parse)?,
            mxc: of(self.mxc, "mxc", MxcUri::parse)?,
            sender: of(self.sender, "sender", UserId::parse)?,
            issued_before: self.issued_before_ts,
            ..Criteria::default()
        };
        if criteria.is_empty() {
            return Err(ApiError::missing(
                "nothing is given; at least one of room_id, event_id, mxc, sender and issued_before_ts is needed",
            ));
        }
        Ok(criteria)
    }
}
