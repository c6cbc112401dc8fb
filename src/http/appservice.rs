//! The appservice API (Application Service API), for the homeserver: acted on here, and handed on
//! to the bridge behind us where there is one.

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::{Method, StatusCode},
    web,
};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::SemaphorePermit;

use crate::{
    appservice::{BridgeAnswer, ForwardError, ForwardedRequest, Transaction},
    config::{BridgeConfig, ForwardTo},
    storage::history::TransactionStatus,
};

use super::{
    auth::FromHomeserver, bridge_answer::given_back, bridge_api::read_body, error::ApiError,
    request_log::LogRoute, state::AppState,
};

/// The longest body. Homeservers send about a hundred events of at most 64 KiB at once.
const MAX_BODY_BYTES: usize = 32 << 20;

/// Takes a transaction of events from the homeserver.
///
/// What follows from it is durable before it is answered; a repeat is acted on once. With `forward_to`, it is
/// handed on until the bridge has answered with success, and the bridge's answer is given.
#[utoipa::path(
    put, path = "/_matrix/app/v1/transactions/{txn_id}", tag = "appservice",
    params(("txn_id" = String, Path, description = "Names the transaction")),
    request_body(content = Object, content_type = "application/json"),
    responses(
        (status = 200, description = "Taken", body = Object),
        (status = 400, description = "The body is not a transaction", body = ApiError),
        (status = 401, description = "No token", body = ApiError),
        (status = 403, description = "No bridge's hs_token", body = ApiError),
        (status = 408, description = "The body came too slowly", body = ApiError),
        (status = 413, description = "The body is longer than 32 MiB", body = ApiError),
        (status = 502, description = "The bridge at forward_to does not answer", body = ApiError),
    ),
    security(("hs_token" = []))
)]
pub(super) async fn transaction(
    bridge: FromHomeserver,
    request: HttpRequest,
    state: web::Data<AppState>,
    txn_id: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let (bridge, incoming) = (bridge.0, &state.incoming);
    let (body, _place) = received(&state, &bridge.id, payload).await?;
    let read = if state.config().legacy_links.has(&bridge.id) {
        Transaction::read_with_media(&body)
    } else {
        Transaction::read(&body)
    };
    let transaction = match (read, &bridge.forward_to) {
        (Ok(transaction), _) => transaction,
        (Err(error), None) => return Err(ApiError::bad_json(error)),
        (Err(error), Some(to)) => {
            // The bridge may know what to make of it.
            tracing::warn!(bridge = bridge.id, %error, "handed on without being acted on");
            return handed_on(&state, to, &request, body).await;
        }
    };
    let digest = transaction.digest;
    let new = match incoming.status(&bridge, &txn_id, &transaction).await? {
        TransactionStatus::HandedOn => return Ok(done()),
        TransactionStatus::ActedOn => None,
        TransactionStatus::New => Some(incoming.plan(&bridge, transaction)),
    };
    let Some(to) = &bridge.forward_to else {
        if let Some(plan) = new {
            incoming.act(&bridge, &txn_id, plan).await?;
        }
        return Ok(done());
    };
    // Where nothing follows from it, the bridge alone has to have it.
    if let Some(plan) = new.filter(|plan| !plan.is_empty()) {
        incoming.act(&bridge, &txn_id, plan).await?;
    }
    let answer = forward(&state, to, &request, body).await?;
    if answer.status().is_success() {
        incoming.note_handed_on(&bridge, &txn_id, digest);
    }
    Ok(given_back(answer, false))
}

/// The body of a transaction, and its place among those that are acted on. A connection that dies
/// while its body is read holds none of these.
async fn received<'a>(
    state: &'a AppState,
    bridge: &str,
    payload: web::Payload,
) -> Result<(Bytes, Option<SemaphorePermit<'a>>), ApiError> {
    let Some(places) = state.transactions.get(bridge) else {
        return Err(ApiError::not_found("there is no such bridge"));
    };
    let _reading = places.reading.acquire().await.ok();
    let body = Bytes::from(read_body(payload, MAX_BODY_BYTES).await?);
    Ok((body, places.acting.acquire().await.ok()))
}

/// Answers the homeserver's ping.
///
/// With `forward_to`, the bridge answers; the ping that Medialink itself asks for at its start is
/// answered here.
#[utoipa::path(
    post, path = "/_matrix/app/v1/ping", tag = "appservice",
    responses(
        (status = 200, description = "Here", body = Object),
        (status = 401, description = "No token", body = ApiError),
        (status = 403, description = "No bridge's hs_token", body = ApiError),
    ),
    security(("hs_token" = []))
)]
pub(super) async fn ping(
    bridge: FromHomeserver,
    request: HttpRequest,
    state: web::Data<AppState>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let body = Bytes::from(read_body(payload, MAX_BODY_BYTES).await?);
    let ping: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_own = ping.get("transaction_id").and_then(Value::as_str) == Some(&state.own_ping);
    match &bridge.0.forward_to {
        Some(to) if !is_own => handed_on(&state, to, &request, body).await,
        _ => Ok(done()),
    }
}

/// Whether there is such a user: the bridge knows, if there is one behind us.
#[utoipa::path(
    get, path = "/_matrix/app/v1/users/{user_id}", tag = "appservice",
    params(("user_id" = String, Path, description = "The user that is asked for")),
    responses(
        (status = 200, description = "The bridge has such a user", body = Object),
        (status = 401, description = "No token", body = ApiError),
        (status = 403, description = "No bridge's hs_token", body = ApiError),
        (status = 404, description = "There is no such user", body = ApiError),
    ),
    security(("hs_token" = []))
)]
pub(super) async fn user(
    bridge: FromHomeserver,
    request: HttpRequest,
    state: web::Data<AppState>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    asked(
        &bridge.0,
        &request,
        &state,
        payload,
        "there is no such user",
    )
    .await
}

/// Whether there is such a room: the bridge knows, if there is one behind us.
#[utoipa::path(
    get, path = "/_matrix/app/v1/rooms/{room_alias}", tag = "appservice",
    params(("room_alias" = String, Path, description = "The room that is asked for")),
    responses(
        (status = 200, description = "The bridge has made such a room", body = Object),
        (status = 401, description = "No token", body = ApiError),
        (status = 403, description = "No bridge's hs_token", body = ApiError),
        (status = 404, description = "There is no such room", body = ApiError),
    ),
    security(("hs_token" = []))
)]
pub(super) async fn room(
    bridge: FromHomeserver,
    request: HttpRequest,
    state: web::Data<AppState>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    asked(
        &bridge.0,
        &request,
        &state,
        payload,
        "there is no such room",
    )
    .await
}

async fn asked(
    bridge: &BridgeConfig,
    request: &HttpRequest,
    state: &AppState,
    payload: web::Payload,
    none: &str,
) -> Result<HttpResponse, ApiError> {
    let Some(to) = &bridge.forward_to else {
        return Err(ApiError::not_found(none));
    };
    let body = read_body(payload, MAX_BODY_BYTES).await?;
    handed_on(state, to, request, Bytes::from(body)).await
}

/// Any other request: endpoints of the appservice API that are not known here go on to the bridge
/// behind us, if the homeserver asks.
pub(super) async fn other(
    bridge: Result<FromHomeserver, ApiError>,
    request: HttpRequest,
    state: web::Data<AppState>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let to = bridge.ok().and_then(|bridge| bridge.0.forward_to.clone());
    let Some(to) = to else {
        // A path of ours with another method.
        let status = match request.match_pattern() {
            Some(_) => StatusCode::METHOD_NOT_ALLOWED,
            None => StatusCode::NOT_FOUND,
        };
        return Err(ApiError::unrecognized(status));
    };
    request.extensions_mut().insert(LogRoute("forward_to"));
    let body = read_body(payload, MAX_BODY_BYTES).await?;
    handed_on(&state, &to, &request, Bytes::from(body)).await
}

fn done() -> HttpResponse {
    HttpResponse::Ok().json(json!({}))
}

async fn handed_on(
    state: &AppState,
    to: &ForwardTo,
    request: &HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let is_head = request.method() == Method::HEAD;
    Ok(given_back(
        forward(state, to, request, body).await?,
        is_head,
    ))
}

async fn forward(
    state: &AppState,
    to: &ForwardTo,
    request: &HttpRequest,
    body: Bytes,
) -> Result<BridgeAnswer, ApiError> {
    let target = request.uri().path_and_query();
    let forwarded = ForwardedRequest {
        method: read_again(request.method().as_str())?,
        target: target.map_or("/", |target| target.as_str()).to_owned(),
        headers: headers(request),
        body,
    };
    Ok(state.forwarder.forward(to, forwarded).await?)
}

/// The web server and the client have types of their own for the same things.
fn read_again<T: std::str::FromStr>(text: &str) -> Result<T, ForwardError> {
    text.parse()
        .map_err(|_| ForwardError::Unwritable("its method is none"))
}

fn headers(request: &HttpRequest) -> hyper::HeaderMap {
    let pairs = request.headers().iter().filter_map(|(name, value)| {
        let name: hyper::header::HeaderName = name.as_str().parse().ok()?;
        Some((
            name,
            hyper::header::HeaderValue::from_bytes(value.as_bytes()).ok()?,
        ))
    });
    let mut headers = hyper::HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, value);
    }
    headers
}

impl From<ForwardError> for ApiError {
    fn from(error: ForwardError) -> Self {
        tracing::error!(%error, "a request of the homeserver could not be handed on");
        let status = match error {
            ForwardError::Slow => StatusCode::GATEWAY_TIMEOUT,
            ForwardError::Unreachable(_) | ForwardError::Unwritable(_) => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, "M_UNKNOWN", error.to_string())
    }
}
