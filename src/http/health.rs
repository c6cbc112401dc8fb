//! Liveness, readiness, metrics.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::state::AppState;

/// Whether the process lives.
#[utoipa::path(
    get, path = "/health", tag = "operations",
    responses((status = 200, description = "It lives", body = Object))
)]
pub(super) async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

/// Whether the database takes a write, and the homeserver answers. An object store that fails costs speed alone.
#[utoipa::path(
    get, path = "/ready", tag = "operations",
    responses(
        (status = 200, description = "Both do; `status` is `degraded` while the object store of the cache fails", body = Object),
        (status = 503, description = "One does not; the body says which, and why", body = Object),
    )
)]
pub(super) async fn ready(state: web::Data<AppState>) -> HttpResponse {
    let now = state.clock.now_ms();
    let object_store = async {
        let bucket = state.bucket.as_ref()?;
        Some(bucket.failure().await)
    };
    let (database, homeserver, object_store) = futures_util::join!(
        state.database.prove_writable(now),
        state.homeserver.versions(),
        object_store
    );
    let word = |error: Option<String>| error.map_or_else(|| json!("ok"), |error| json!(error));
    let is_ready = database.is_ok() && homeserver.is_ok();
    let is_degraded = object_store.as_ref().is_some_and(Option::is_some);
    let mut body = json!({
        "status": match (is_ready, is_degraded) {
            (true, false) => "ok",
            (true, true) => "degraded",
            (false, _) => "unavailable",
        },
        "database": word(database.err()),
        "homeserver": word(homeserver.err().map(|error| error.to_string())),
    });
    if let Some(failure) = object_store {
        body["object_store"] = word(failure);
    }
    if is_ready {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().json(body)
    }
}

/// What was counted, in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "Prometheus text", body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(state.metrics.render())
}
