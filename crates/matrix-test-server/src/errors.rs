//! Errors in Matrix's shape, `{"errcode": …, "error": …}`
//! (Client-Server API, "Standard error response").

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use serde_json::{Map, Value};

/// The refusal of a request.
#[derive(Debug, thiserror::Error)]
#[error("{status} {errcode}: {message}")]
pub(super) struct MatrixError {
    pub status: StatusCode,
    pub errcode: &'static str,
    pub message: String,
    /// Fields beside `errcode` and `error`, for those codes that define some.
    pub details: Map<String, Value>,
}

impl MatrixError {
    pub fn new(status: StatusCode, errcode: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            errcode,
            message: message.into(),
            details: Map::new(),
        }
    }

    pub fn bad_json(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_BAD_JSON", message)
    }

    pub fn invalid_param(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_INVALID_PARAM", message)
    }

    pub fn missing_param(name: &str) -> Self {
        let message = format!("{name} is missing");
        Self::new(StatusCode::BAD_REQUEST, "M_MISSING_PARAM", message)
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "M_FORBIDDEN", message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", message)
    }

    /// Synapse's answer for a room without the user, and for one that does not exist.
    pub fn not_in_room(user: &str, room: &str) -> Self {
        Self::forbidden(format!("User {user} not in room {room}"))
    }

    pub fn unrecognized() -> Self {
        let message = "Unrecognized request";
        Self::new(StatusCode::NOT_FOUND, "M_UNRECOGNIZED", message)
    }

    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE", message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "M_UNKNOWN", message)
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The answer; a `retry_after_ms` among the details is a header too, in whole seconds.
    pub fn response(self) -> HttpResponse {
        let mut body = self.details;
        let wait = body.get("retry_after_ms").and_then(Value::as_u64);
        body.insert("errcode".to_owned(), self.errcode.into());
        body.insert("error".to_owned(), self.message.into());
        let mut response = HttpResponse::build(self.status);
        if let Some(wait) = wait {
            response.insert_header((RETRY_AFTER, wait.div_ceil(1000)));
        }
        response.json(body)
    }
}
