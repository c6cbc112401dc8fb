//! What the homeserver tells an appservice (Application Service API): redactions end links, an
//! invite is accepted.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use crate::{
    config::{BridgeConfig, CheckEvent},
    matrix::{EventId, RoomId, glob},
};

use super::{auth::FromHomeserver, bridge_api, error::ApiError, state::AppState};

/// The longest transaction. Homeservers send about a hundred events of at most 64 KiB at once.
const MAX_BODY_BYTES: usize = 32 << 20;
/// How long a join may take before the homeserver is answered.
const JOIN_WITHIN: Duration = Duration::from_secs(10);

/// Takes a transaction of events from the homeserver.
///
/// It is durable before it is answered; a repeat is acted on once.
#[utoipa::path(
    put, path = "/_matrix/app/v1/transactions/{txn_id}", tag = "appservice",
    params(("txn_id" = String, Path, description = "Names the transaction")),
    request_body(content = Object, content_type = "application/json"),
    responses(
        (status = 200, description = "Taken", body = Object),
        (status = 400, description = "The body is not a transaction", body = ApiError),
        (status = 401, description = "No token", body = ApiError),
        (status = 403, description = "No bridge's hs_token", body = ApiError),
    ),
    security(("hs_token" = []))
)]
pub(super) async fn transaction(
    bridge: FromHomeserver,
    state: web::Data<AppState>,
    txn_id: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let body: Value = bridge_api::read_json(payload, MAX_BODY_BYTES).await?;
    let events = body
        .get("events")
        .and_then(Value::as_array)
        .ok_or_else(|| ApiError::missing("events is missing: a list of events"))?;
    let bridge = bridge.0;
    for room_id in events.iter().filter_map(|event| invited_to(&bridge, event)) {
        accept(&state, &bridge, room_id).await;
    }
    let mut redactions = Vec::new();
    if state.config().links.check_event == CheckEvent::Push {
        for event in events {
            redactions.extend(redacted_by(&state, &bridge, event).await);
        }
    }
    state
        .links
        .take_transaction(&bridge.id, &txn_id, redactions)
        .await?;
    Ok(HttpResponse::Ok().json(json!({})))
}

/// Answers the homeserver's ping.
#[utoipa::path(
    post, path = "/_matrix/app/v1/ping", tag = "appservice",
    responses(
        (status = 200, description = "Here", body = Object),
        (status = 403, description = "No bridge's hs_token", body = ApiError),
    ),
    security(("hs_token" = []))
)]
pub(super) async fn ping(_: FromHomeserver) -> HttpResponse {
    HttpResponse::Ok().json(json!({}))
}

fn text<'a>(event: &'a Value, pointer: &str) -> Option<&'a str> {
    event.pointer(pointer).and_then(Value::as_str)
}

/// The room that this event invites the bridge's user to, if the invite is to be accepted.
fn invited_to<'a>(bridge: &BridgeConfig, event: &'a Value) -> Option<&'a str> {
    let sender = text(event, "/sender")?;
    let is_invite = text(event, "/type") == Some("m.room.member")
        && text(event, "/content/membership") == Some("invite")
        && text(event, "/state_key") == Some(bridge.user_id.as_str());
    let is_accepted = bridge
        .accept_invites
        .iter()
        .any(|pattern| glob::matches(pattern, sender));
    text(event, "/room_id").filter(|_| is_invite && is_accepted)
}

async fn accept(state: &AppState, bridge: &BridgeConfig, room_id: &str) {
    let join = state.homeserver.join(bridge, room_id);
    match tokio::time::timeout(JOIN_WITHIN, join).await {
        Ok(Ok(())) => tracing::info!(bridge = bridge.id, room_id, "invite accepted"),
        Ok(Err(error)) => {
            tracing::warn!(bridge = bridge.id, room_id, %error, "an invite could not be accepted");
        }
        Err(_) => tracing::warn!(
            bridge = bridge.id,
            room_id,
            "an invite could not be accepted in time"
        ),
    }
}

/// Room and event that this event tells to be redacted: by a redaction, or by arriving redacted.
async fn redacted_by(
    state: &AppState,
    bridge: &BridgeConfig,
    event: &Value,
) -> Option<(String, String)> {
    let room_id = text(event, "/room_id")?;
    RoomId::parse(room_id).ok()?;
    let redacted = if event.pointer("/unsigned/redacted_because").is_some() {
        text(event, "/event_id")?
    } else if text(event, "/type") == Some("m.room.redaction") {
        match (text(event, "/redacts"), text(event, "/content/redacts")) {
            (Some(outside), Some(inside)) if outside != inside => {
                if redacts_in_content(state, bridge, room_id).await {
                    inside
                } else {
                    outside
                }
            }
            (outside, inside) => outside.or(inside)?,
        }
    } else {
        return None;
    };
    EventId::parse(redacted).ok()?;
    Some((room_id.to_owned(), redacted.to_owned()))
}

/// Whether redactions of a room tell their target in the content: since room version 11.
async fn redacts_in_content(state: &AppState, bridge: &BridgeConfig, room_id: &str) -> bool {
    // Since room version 12, room IDs have no server name.
    if !room_id.contains(':') {
        return true;
    }
    let create = state
        .homeserver
        .room_state(bridge, room_id, "m.room.create")
        .await;
    let version = match &create {
        Ok(Some(content)) => text(content, "/room_version").unwrap_or("1"),
        _ => return true,
    };
    version.parse::<u32>().map_or(true, |version| version >= 11)
}
