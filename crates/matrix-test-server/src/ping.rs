//! Pings of appservices (Application Service API, "Pinging").

use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::errors::MatrixError;
use crate::requester::Requester;
use crate::server::Server;

const DEADLINE: Duration = Duration::from_secs(10);

/// `POST /_matrix/client/v1/appservice/{appserviceId}/ping`
pub(super) async fn ping(
    server: &Server,
    requester: &Requester,
    id: &str,
    body: &Map<String, Value>,
) -> Result<HttpResponse, MatrixError> {
    let index = requester.appservice.ok_or_else(|| not_yours(id))?;
    let appservice = server
        .options
        .appservices
        .get(index)
        .filter(|one| one.id == id);
    let appservice = appservice.ok_or_else(|| not_yours(id))?;
    let url = server
        .data()
        .queues
        .get(index)
        .and_then(|queue| queue.url.clone());
    let Some(url) = url else {
        let message = "The application service does not have a URL set";
        return Err(MatrixError::new(
            StatusCode::BAD_REQUEST,
            "M_URL_NOT_SET",
            message,
        ));
    };
    let mut asked = Map::new();
    if let Some(txn) = body.get("transaction_id") {
        asked.insert("transaction_id".to_owned(), txn.clone());
    }
    let started = Instant::now();
    let answer = server
        .http
        .post(format!("{}/_matrix/app/v1/ping", url.trim_end_matches('/')))
        .bearer_auth(&appservice.hs_token)
        .timeout(DEADLINE)
        .json(&asked)
        .send()
        .await
        .map_err(|error| ping_failed(&error))?;
    if !answer.status().is_success() {
        let status = answer.status().as_u16();
        let message = format!("HTTP {status} from the application service");
        return Err(bad_gateway("M_BAD_STATUS", message).with("status", status));
    }
    let duration = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(HttpResponse::Ok().json(json!({"duration_ms": duration})))
}

fn not_yours(id: &str) -> MatrixError {
    let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
    MatrixError::forbidden(format!(
        "The access token is not of the application service {id}"
    ))
}

fn ping_failed(error: &reqwest::Error) -> MatrixError {
    if error.is_timeout() {
        let status = StatusCode::GATEWAY_TIMEOUT;
        return MatrixError::new(status, "M_CONNECTION_TIMEOUT", "Connection timed out");
    }
    bad_gateway("M_CONNECTION_FAILED", "Connection failed")
}

fn bad_gateway(errcode: &'static str, message: impl Into<String>) -> MatrixError {
    MatrixError::new(StatusCode::BAD_GATEWAY, errcode, message)
}
