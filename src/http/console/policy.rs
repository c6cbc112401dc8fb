//! Setting what a room allows: its policy event is shown as the homeserver has it, and sent anew.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use medialink_link::matrix::RoomId;
use serde_json::{Number, Value, json};
use url::form_urlencoded;

use crate::{
    config::BridgeConfig,
    homeserver::HomeserverError,
    links::{POLICY_EVENT_TYPE, PolicyEvent, SetPolicyError},
    operations::{NewPolicy, PolicyError, set_policy},
    pages::{Block, Cell, Field, Form as PageForm, Input},
    storage::room_policies,
};

use super::{
    error::ConsoleError,
    form::{Fields, Form},
    page::{AUDIT, see_other},
    session::Visitor,
};

const SECTION: &str = "/console/rooms";
const PATH: &str = "/console/rooms/policy";
const YES_OR_NO: [&str; 2] = ["yes", "no"];

/// The page where the policy of a room is set.
pub(super) fn policy_page(room_id: &str) -> String {
    let mut query = form_urlencoded::Serializer::for_suffix(format!("{PATH}?"), PATH.len() + 1);
    query.append_pair("room_id", room_id);
    query.finish()
}

/// `GET /console/rooms/policy`: the policy of a room as the homeserver has it now.
pub(super) async fn ask(
    visitor: Visitor,
    request: HttpRequest,
) -> Result<HttpResponse, ConsoleError> {
    let fields = Fields::parse(request.query_string().as_bytes());
    let room_id = room(&fields)?;
    let (bridge, event) = asked(&visitor, &room_id, fields.get("bridge")).await?;
    Ok(drawn(&visitor, &room_id, bridge, &event))
}

/// `POST /console/rooms/policy`: sends it into the room.
pub(super) async fn set(form: Form) -> Result<HttpResponse, ConsoleError> {
    let room_id = room(&form.fields)?;
    let bridge_id = form.fields.get("bridge").unwrap_or_default().to_owned();
    let seen = form.fields.get("event_id").unwrap_or_default().to_owned();
    let policy = NewPolicy::read(&typed(&form.fields))?;
    configured(&form.visitor, &bridge_id)?;
    let setting = form.visitor.does(|state, auditor| async move {
        let bridge = state.config().bridge(&bridge_id);
        let bridge = bridge.ok_or_else(|| not_configured(&bridge_id))?;
        let of_room = (room_id.as_str(), seen.as_str());
        let set = set_policy(&state.links, &auditor, bridge, of_room, &policy).await;
        set.map_err(ConsoleError::from)
    });
    setting.await?;
    Ok(see_other(AUDIT))
}

fn room(fields: &Fields) -> Result<RoomId, ConsoleError> {
    let room_id = fields.get("room_id").unwrap_or_default();
    RoomId::parse(room_id).map_err(|_| {
        ConsoleError::bad("room_id: found something else; allowed is the ID of a room (!…).")
    })
}

fn not_configured(bridge: &str) -> ConsoleError {
    ConsoleError::bad(format!("bridge: {bridge:?} is no configured bridge."))
}

fn configured<'a>(visitor: &'a Visitor, id: &str) -> Result<&'a BridgeConfig, ConsoleError> {
    let bridge = visitor.state.config().bridge(id);
    bridge.map(AsRef::as_ref).ok_or_else(|| not_configured(id))
}

/// What was typed, as the fields of an event.
fn typed(fields: &Fields) -> Value {
    let text = |name| fields.get(name).map(str::to_owned);
    let flag = |name| match fields.get(name) {
        Some("yes") => Value::Bool(true),
        Some("no") => Value::Bool(false),
        other => other.unwrap_or_default().into(),
    };
    let number = |name| match text(name) {
        None => Value::Null,
        Some(text) => match text.parse::<Number>() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::String(text),
        },
    };
    json!({
        "enabled": flag("enabled"),
        "pages_only": flag("pages_only"),
        "max_lifetime_ms": number("max_lifetime_ms"),
        "max_size": number("max_size"),
    })
}

/// The policy of a room, as the user of this bridge sees it, or else of the first one that may.
async fn asked<'a>(
    visitor: &'a Visitor,
    room_id: &RoomId,
    bridge: Option<&str>,
) -> Result<(&'a BridgeConfig, PolicyEvent), ConsoleError> {
    let state = &visitor.state;
    let room_id = room_id.as_str();
    if let Some(id) = bridge {
        let bridge = configured(visitor, id)?;
        return match state.links.policy_event(bridge, room_id).await {
            Ok(event) => Ok((bridge, event)),
            Err(error) => Err(refused(&error)),
        };
    }
    let known = room_policies::find(state.database.reader(), room_id).await?;
    let known = known.map(|known| known.bridge).unwrap_or_default();
    let (first, others): (Vec<_>, Vec<_>) = state
        .config()
        .bridges
        .iter()
        .partition(|bridge| bridge.id == known);
    let mut failed = None;
    for bridge in first.into_iter().chain(others) {
        match state.links.policy_event(bridge, room_id).await {
            Ok(event) => return Ok((bridge, event)),
            // Nobody else is answered either.
            Err(error) if error.status() == 0 => return Err(refused(&error)),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let told = "No bridge is configured as whose user the room could be asked.";
    let none = || ConsoleError::refused(StatusCode::CONFLICT, told);
    Err(failed.map_or_else(none, |error| refused(&error)))
}

fn refused(error: &HomeserverError) -> ConsoleError {
    let told = format!("The room could not be asked for its policy: {error}.");
    ConsoleError::refused(StatusCode::BAD_GATEWAY, told)
}

impl From<PolicyError> for ConsoleError {
    fn from(error: PolicyError) -> Self {
        let status = match &error {
            PolicyError::Set(SetPolicyError::Storage(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            PolicyError::Set(_) => StatusCode::BAD_GATEWAY,
            PolicyError::Fields(_) => StatusCode::BAD_REQUEST,
            PolicyError::Changed => StatusCode::CONFLICT,
        };
        match error {
            PolicyError::Set(SetPolicyError::Storage(error)) => error.into(),
            PolicyError::Set(SetPolicyError::Homeserver(error)) if error.outcome_is_unknown() => {
                let told = format!("Whether the policy is set is not known: {error}.");
                Self::refused(status, told)
            }
            error => Self::refused(status, format!("The policy stays as it is: {error}.")),
        }
    }
}

fn drawn(
    visitor: &Visitor,
    room_id: &RoomId,
    bridge: &BridgeConfig,
    event: &PolicyEvent,
) -> HttpResponse {
    let seen = event.event_id.as_deref().unwrap_or_default();
    let blocks = vec![
        Block::Facts(vec![
            ("Room", Cell::text(room_id.as_str())),
            ("Set by", Cell::text(seen)),
            ("Sent as", Cell::text(bridge.user_id.as_str())),
        ]),
        Block::Text(format!(
            "The room gets a state event of the type {POLICY_EVENT_TYPE}, for which the user needs the power there. Links end \
             at once that it does not allow, of every bridge, and nothing brings them back."
        )),
        Block::Form(form(room_id, bridge, event)),
    ];
    visitor.page(SECTION, "What a room allows", blocks)
}

fn form(room_id: &RoomId, bridge: &BridgeConfig, event: &PolicyEvent) -> PageForm {
    let content = &event.content;
    let chosen = |name: &'static str, label, default: bool| {
        let is_so = content.get(name).and_then(Value::as_bool);
        Field {
            name,
            label,
            value: if is_so.unwrap_or(default) {
                "yes"
            } else {
                "no"
            }
            .to_owned(),
            input: Input::Choice(YES_OR_NO.to_vec()),
        }
    };
    let number = |name: &'static str, label| {
        let value = content.get(name).filter(|value| value.is_number());
        let value = value.map(ToString::to_string).unwrap_or_default();
        Field::typed(name, label, &value)
    };
    let lifetime = "Longest lifetime, in milliseconds; empty: no bound";
    let size = "Largest media, in bytes; empty: no bound";
    PageForm {
        action: PATH.to_owned(),
        asks: false,
        fields: vec![
            Field::hidden("room_id", room_id.as_str()),
            Field::hidden("bridge", &bridge.id),
            Field::hidden("event_id", event.event_id.as_deref().unwrap_or_default()),
            chosen("enabled", "Links are allowed", true),
            number("max_lifetime_ms", lifetime),
            number("max_size", size),
            chosen("pages_only", "Only pages", false),
        ],
        button: "Set the policy",
        is_grave: true,
    }
}
