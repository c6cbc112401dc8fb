//! Authentication by bearer tokens, compared in constant time.

use std::{
    borrow::Cow,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, dev::Payload, http::StatusCode, http::header, web,
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use crate::config::{BridgeConfig, Secret};

use super::{error::ApiError, request_log::LogBridge, state::AppState};

/// The bridge that makes a request, by its `api_token`.
#[derive(Debug, Clone)]
pub struct Bridge(pub Arc<BridgeConfig>);

/// The bridge for which the homeserver makes a request, by its `hs_token`.
#[derive(Debug, Clone)]
pub struct FromHomeserver(pub Arc<BridgeConfig>);

impl FromRequest for Bridge {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let wrong = ApiError::new(
            StatusCode::UNAUTHORIZED,
            "M_UNKNOWN_TOKEN",
            "the token is no bridge's api_token",
        );
        ready(find(request, bearer(request), |bridge| &bridge.api_token, wrong).map(Self))
    }
}

impl FromRequest for FromHomeserver {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let wrong = ApiError::new(
            StatusCode::FORBIDDEN,
            "M_FORBIDDEN",
            "the token is no bridge's hs_token",
        );
        // Older homeservers send it in the query.
        let token = match bearer(request) {
            Some(token) => Some(Cow::Borrowed(token)),
            None => form_urlencoded::parse(request.query_string().as_bytes())
                .find(|(name, _)| name == "access_token")
                .map(|(_, value)| value),
        };
        ready(find(request, token.as_deref(), |bridge| &bridge.hs_token, wrong).map(Self))
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750).
fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?;
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

fn find(
    request: &HttpRequest,
    token: Option<&str>,
    token_of: impl Fn(&BridgeConfig) -> &Secret,
    wrong: ApiError,
) -> Result<Arc<BridgeConfig>, ApiError> {
    let state = request.app_data::<web::Data<AppState>>().ok_or_else(|| {
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "M_UNKNOWN",
            "the service is not set up",
        )
    })?;
    let token = token.ok_or_else(|| {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "M_MISSING_TOKEN",
            "an Authorization: Bearer header is needed",
        )
    })?;
    // Digests have one length, so that the comparison reveals nothing of the tokens' lengths. All
    // tokens are compared, also after a match.
    let digest = Sha256::digest(token);
    let mut found = None;
    for bridge in &state.config().bridges {
        if bool::from(Sha256::digest(token_of(bridge).expose()).ct_eq(&digest)) {
            found = Some(Arc::clone(bridge));
        }
    }
    let bridge = found.ok_or(wrong)?;
    request
        .extensions_mut()
        .insert(LogBridge(bridge.id.clone()));
    Ok(bridge)
}
