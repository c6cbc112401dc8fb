//! Bodies of requests, read up to a limit, and not for ever.

use std::time::Duration;

use actix_web::{http::StatusCode, web};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use crate::http::error::ApiError;

/// How long a body may make no progress.
const STALL: Duration = Duration::from_secs(10);
/// How long a body may take as a whole.
const WITHIN: Duration = Duration::from_secs(60);

/// Reads a body of at most `limit` bytes.
pub(in crate::http) async fn read_body(
    payload: web::Payload,
    limit: usize,
) -> Result<Vec<u8>, ApiError> {
    tokio::time::timeout(WITHIN, read_while_it_comes(payload, limit))
        .await
        .unwrap_or_else(|_| Err(too_slow()))
}

fn too_slow() -> ApiError {
    let error = format!(
        "the body came too slowly; allowed are {} seconds without progress, and {} for all of it",
        STALL.as_secs(),
        WITHIN.as_secs()
    );
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "M_UNKNOWN", error)
}

async fn read_while_it_comes(mut payload: web::Payload, limit: usize) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = tokio::time::timeout(STALL, payload.next())
        .await
        .map_err(|_| too_slow())?
    {
        let chunk = chunk.map_err(|_| {
            ApiError::new(StatusCode::BAD_REQUEST, "M_NOT_JSON", "the body broke off")
        })?;
        if body.len() + chunk.len() > limit {
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "M_TOO_LARGE",
                format!("the body is longer than {limit} bytes"),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads a body of JSON of at most `limit` bytes.
pub(in crate::http) async fn read_json<T: DeserializeOwned>(
    payload: web::Payload,
    limit: usize,
) -> Result<T, ApiError> {
    let body = read_body(payload, limit).await?;
    // A list would be read as an object's values without their names.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(not_an_object());
    }
    let mut deserializer = serde_json::Deserializer::from_slice(&body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        use serde_json::error::Category;
        match error.inner().classify() {
            Category::Data => bad_json(&error),
            _ if is_too_deep(error.inner()) => ApiError::bad_json(
                "the body is nested too deeply; allowed are 127 objects and arrays in each other",
            ),
            _ => ApiError::new(
                StatusCode::BAD_REQUEST,
                "M_NOT_JSON",
                format!("the body is not JSON: {}", error.inner()),
            ),
        }
    })?;
    deserializer.end().map_err(|error| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "M_NOT_JSON",
            format!("the body is not JSON: {error}"),
        )
    })?;
    Ok(value)
}

/// Whether a body is JSON, but so deep that reading it would take too much of the stack.
fn is_too_deep(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("recursion limit exceeded")
}

pub(super) fn not_an_object() -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "M_BAD_JSON",
        "allowed is a JSON object",
    )
}

pub(super) fn bad_json(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let path = error.path().to_string();
    let place = if path == "." {
        String::new()
    } else {
        format!("{path}: ")
    };
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "M_BAD_JSON",
        format!("{place}{}", without_found_text(&error.inner().to_string())),
    )
}

/// A value in a wrong place may be a secret, or hold one: the message says only that it is a text.
fn without_found_text(message: &str) -> String {
    match (message.find("string \""), message.rfind("\", expected ")) {
        (Some(start), Some(end)) if start < end => {
            format!("{}string{}", &message[..start], &message[end + 1..])
        }
        _ => message.to_owned(),
    }
}
