//! Transactions to appservices (Application Service API, "Pushing events", "Pinging").

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::auth::Requester;
use super::errors::MatrixError;
use super::state::{Server, now_ms};

const EVENTS_PER_TRANSACTION: usize = 100;
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(10);

/// What waits to be pushed to one appservice.
pub(super) struct PushQueue {
    pub url: Option<String>,
    pub events: VecDeque<Value>,
    next_txn: u64,
}

impl PushQueue {
    pub fn new(url: Option<String>) -> Self {
        Self {
            url,
            events: VecDeque::new(),
            // An appservice remembers transaction IDs longer than this server lives.
            next_txn: now_ms(),
        }
    }
}

/// Pushes to one appservice, in order, each transaction until it is answered with 2xx.
pub(super) async fn run(server: Arc<Server>, index: usize) {
    let mut delay = FIRST_DELAY;
    loop {
        let Some((path, events)) = next_transaction(&server, index) else {
            let Some(pushed) = server.pushed.get(index) else {
                return;
            };
            pushed.notified().await;
            continue;
        };
        if deliver(&server, index, &path, &events).await {
            settle(&server, index, events.len());
            delay = FIRST_DELAY;
        } else {
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(LONGEST_DELAY);
        }
    }
}

fn next_transaction(server: &Server, index: usize) -> Option<(String, Vec<Value>)> {
    let data = server.data();
    let queue = data.queues.get(index)?;
    if queue.events.is_empty() {
        return None;
    }
    let base = queue.url.as_deref()?.trim_end_matches('/');
    let path = format!("{base}/_matrix/app/v1/transactions/{}", queue.next_txn);
    let events = queue.events.iter().take(EVENTS_PER_TRANSACTION).cloned();
    Some((path, events.collect()))
}

async fn deliver(server: &Server, index: usize, path: &str, events: &[Value]) -> bool {
    let Some(appservice) = server.options.appservices.get(index) else {
        return false;
    };
    let sent = server
        .http
        .put(path)
        .bearer_auth(&appservice.hs_token)
        .timeout(DEADLINE)
        .json(&json!({"events": events}))
        .send()
        .await;
    match sent {
        Ok(response) if response.status().is_success() => true,
        Ok(response) => {
            let status = response.status().as_u16();
            tracing::debug!(appservice = %appservice.id, status, "transaction was refused");
            false
        }
        Err(error) => {
            let error = error.without_url();
            tracing::debug!(appservice = %appservice.id, %error, "transaction was not delivered");
            false
        }
    }
}

fn settle(server: &Server, index: usize, delivered: usize) {
    let mut data = server.data();
    if let Some(queue) = data.queues.get_mut(index) {
        let delivered = delivered.min(queue.events.len());
        queue.events.drain(..delivered);
        queue.next_txn += 1;
    }
}

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
