//! JSON bodies.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, web};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use serde_json::{Map, Value};

use crate::errors::MatrixError;

/// The longest JSON body that is read at all; events are measured again.
const MAX_JSON_BYTES: usize = 1024 * 1024;

/// The JSON object of a body. No body is an empty object where the method is POST: some clients
/// send none to join.
pub(super) async fn read_object(
    req: &HttpRequest,
    mut payload: web::Payload,
) -> Result<Map<String, Value>, MatrixError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let broken =
            |_| MatrixError::new(StatusCode::BAD_REQUEST, "M_UNKNOWN", "The body broke off");
        let chunk = chunk.map_err(broken)?;
        if body.len().saturating_add(chunk.len()) > MAX_JSON_BYTES {
            return Err(MatrixError::too_large("The body is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    if body.is_empty() && req.method() == Method::POST {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(MatrixError::bad_json("Content must be a JSON object.")),
        Err(_) => {
            let message = "Content not JSON.";
            Err(MatrixError::new(
                StatusCode::BAD_REQUEST,
                "M_NOT_JSON",
                message,
            ))
        }
    }
}
