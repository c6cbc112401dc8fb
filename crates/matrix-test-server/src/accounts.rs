//! Accounts and devices.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use crate::auth::{appservice_of, bearer};
use crate::errors::MatrixError;
use crate::random::{random_id, random_letters};
use crate::requester::Requester;
use crate::server::Server;

/// `GET /_matrix/client/v3/account/whoami`
pub(super) fn whoami(requester: &Requester) -> HttpResponse {
    let mut body = json!({"user_id": requester.user_id, "is_guest": false});
    if let Some(device) = &requester.device_id {
        body["device_id"] = device.as_str().into();
    }
    HttpResponse::Ok().json(body)
}

/// `POST /_matrix/client/v3/register` with `m.login.dummy`, or `m.login.application_service`.
pub(super) fn register(
    server: &Server,
    req: &HttpRequest,
    body: &Map<String, Value>,
) -> Result<HttpResponse, MatrixError> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let by_appservice = text("type") == Some("m.login.application_service");
    let appservice = if by_appservice {
        Some(appservice_of(server, bearer(req.headers())?)?)
    } else if body.get("auth").and_then(|auth| auth.get("type")?.as_str()) == Some("m.login.dummy")
    {
        None
    } else {
        return Ok(HttpResponse::Unauthorized().json(json!({
            "session": random_letters(24),
            "flows": [{"stages": ["m.login.dummy"]}],
            "params": {},
        })));
    };

    let localpart = text("username").map_or_else(|| random_letters(12), str::to_owned);
    let user_id = format!("@{localpart}:{}", server.options.server_name);
    require_user_name(&localpart, &user_id)?;
    require_namespace(server, appservice, &user_id)?;
    let mut data = server.data();
    if data.users.contains_key(&user_id) {
        let message = "User ID already taken.";
        return Err(MatrixError::new(
            StatusCode::BAD_REQUEST,
            "M_USER_IN_USE",
            message,
        ));
    }
    let mut answer = json!({"user_id": user_id, "home_server": server.options.server_name});
    let devices = data.users.entry(user_id.clone()).or_default();
    if body.get("inhibit_login") != Some(&Value::Bool(true)) {
        let device = text("device_id").map_or_else(|| random_letters(10), str::to_owned);
        let token = random_id(24);
        devices.insert(device.clone());
        answer["device_id"] = device.as_str().into();
        answer["access_token"] = token.as_str().into();
        data.tokens.insert(token, (user_id, device));
    }
    Ok(HttpResponse::Ok().json(answer))
}

fn require_user_name(localpart: &str, user_id: &str) -> Result<(), MatrixError> {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._=-/+".contains(&byte);
    if localpart.is_empty() || user_id.len() > 255 || !localpart.bytes().all(allowed) {
        let message = "User ID can only contain characters a-z, 0-9, or '=_-./+'";
        return Err(MatrixError::new(
            StatusCode::BAD_REQUEST,
            "M_INVALID_USERNAME",
            message,
        ));
    }
    Ok(())
}

/// An appservice registers inside of its namespace, everybody else outside of all of them.
fn require_namespace(
    server: &Server,
    appservice: Option<usize>,
    user_id: &str,
) -> Result<(), MatrixError> {
    let mut appservices = server.options.appservices.iter().enumerate();
    let allowed = match appservice {
        Some(index) => appservices.any(|(at, one)| at == index && one.covers(user_id)),
        None => !appservices.any(|(_, one)| one.covers(user_id)),
    };
    if allowed {
        return Ok(());
    }
    let message = "This user ID is reserved by an application service, or outside of its namespace";
    Err(MatrixError::new(
        StatusCode::BAD_REQUEST,
        "M_EXCLUSIVE",
        message,
    ))
}

/// `PUT /_matrix/client/v3/devices/{deviceId}`; an appservice creates devices so (MSC4190).
pub(super) fn put_device(
    server: &Server,
    requester: &Requester,
    device: String,
) -> Result<HttpResponse, MatrixError> {
    if device.is_empty() || device.len() > 512 {
        return Err(MatrixError::invalid_param("device_id has a bad length"));
    }
    let mut data = server.data();
    let by_appservice = requester.appservice.is_some();
    let known = data
        .users
        .get(&requester.user_id)
        .is_some_and(|devices| devices.contains(&device));
    if known {
        return Ok(HttpResponse::Ok().json(json!({})));
    }
    if !by_appservice {
        return Err(MatrixError::not_found("Device not found"));
    }
    data.users
        .entry(requester.user_id.clone())
        .or_default()
        .insert(device);
    Ok(HttpResponse::Created().json(json!({})))
}
