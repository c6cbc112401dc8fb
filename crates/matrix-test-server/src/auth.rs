//! Access tokens, and the identity assertion of appservices.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;

use crate::errors::MatrixError;
use crate::query::Query;
use crate::requester::Requester;
use crate::server::{Data, Server};
use crate::transaction::TransactionScope;

/// Client-Server API, "Using access tokens"; Application Service API, "Identity assertion".
pub(super) fn authenticate(
    server: &Server,
    req: &HttpRequest,
    query: &Query,
) -> Result<Requester, MatrixError> {
    let token = bearer(req.headers())?;
    let data = server.data();
    if let Some((user, device)) = data.tokens.get(token) {
        let scope = TransactionScope {
            owner: user.clone(),
            device: Some(device.clone()),
        };
        return Ok(Requester {
            user_id: user.clone(),
            device_id: Some(device.clone()),
            appservice: None,
            scope,
        });
    }
    let index = appservice_of(server, token)?;
    assert_identity(server, &data, index, query)
}

pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, MatrixError> {
    let missing = || {
        let message = "Missing access token";
        MatrixError::new(StatusCode::UNAUTHORIZED, "M_MISSING_TOKEN", message)
    };
    let value = headers.get("authorization").ok_or_else(missing)?;
    let value = value.to_str().map_err(|_| unknown_token())?;
    let (scheme, token) = value.split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(missing());
    }
    Ok(token)
}

pub(super) fn appservice_of(server: &Server, token: &str) -> Result<usize, MatrixError> {
    let mut appservices = server.options.appservices.iter();
    appservices
        .position(|one| one.as_token == token)
        .ok_or_else(unknown_token)
}

fn unknown_token() -> MatrixError {
    let message = "Invalid access token passed.";
    MatrixError::new(StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN", message)
}

fn assert_identity(
    server: &Server,
    data: &Data,
    index: usize,
    query: &Query,
) -> Result<Requester, MatrixError> {
    let appservice = server
        .options
        .appservices
        .get(index)
        .ok_or_else(unknown_token)?;
    let user_id = query
        .get("user_id")
        .unwrap_or(&appservice.sender)
        .to_owned();
    if !appservice.covers(&user_id) {
        let message = "Application service cannot masquerade as this user.";
        return Err(MatrixError::forbidden(message));
    }
    if user_id != appservice.sender && !data.users.contains_key(&user_id) {
        let message = "Application service has not registered this user";
        return Err(MatrixError::forbidden(message));
    }
    let device_id = query
        .get("device_id")
        .or_else(|| query.get("org.matrix.msc3202.device_id"))
        .map(str::to_owned);
    if let Some(device) = &device_id
        && !data
            .users
            .get(&user_id)
            .is_some_and(|devices| devices.contains(device))
    {
        // The status is Synapse's.
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let message = "Application service trying to use a device that doesn't exist";
        return Err(MatrixError::new(status, "M_FORBIDDEN", message));
    }
    let scope = TransactionScope {
        owner: format!("appservice {}", appservice.id),
        device: device_id.clone(),
    };
    Ok(Requester {
        user_id,
        device_id,
        appservice: Some(index),
        scope,
    })
}
