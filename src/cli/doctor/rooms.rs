//! The rooms of a bridge's user: whether it may send there what counts media.

use serde_json::Value;

use crate::{
    config::{BridgeConfig, Config, UsageMode},
    homeserver::{
        Homeserver, HomeserverError, POWER_LEVELS, is_creator, power_for_event, power_of,
    },
    telemetry::ForeignText,
};

use super::{
    finding::{Findings, Trial},
    homeserver::hint,
};

/// The most rooms of a bridge that are looked at.
const MOST_ROOMS: usize = 50;
/// The most rooms that a line names.
const MOST_NAMED: usize = 5;

/// Looks at the rooms of a bridge; `counts`: whether the homeserver counts media by events.
pub(super) async fn look(
    homeserver: &Homeserver,
    bridge: &BridgeConfig,
    config: &Config,
    counts: bool,
    findings: &mut Findings,
) {
    let trial = findings.of(
        "rooms",
        format_args!("the rooms of {} (bridge {})", bridge.user_id, bridge.id),
    );
    let rooms = match homeserver.joined_rooms(bridge).await {
        Ok(rooms) => rooms,
        Err(error) => return trial.warning(&error, hint(&error)),
    };
    if rooms.is_empty() {
        return trial.warning(
            "it is in none",
            "invite it where media is to be linked; what nobody but others may see, it cannot fetch",
        );
    }
    let looked = rooms.len().min(MOST_ROOMS);
    let mut refused = Vec::new();
    for room_id in rooms.iter().take(MOST_ROOMS) {
        match lacking(homeserver, bridge, config, room_id).await {
            Ok(None) => {}
            Ok(Some(why)) => refused.push(format!("{} ({why})", ForeignText::new(room_id))),
            Err(error) => refused.push(format!("{} ({error})", ForeignText::new(room_id))),
        }
    }
    let of_all = format!("{looked} of {} rooms looked at", rooms.len());
    if refused.is_empty() {
        return trial.ok(format_args!("{of_all}, and it may send and redact in all"));
    }
    let found = format!("{of_all}; it may not in {}", named(&refused));
    tell_refused(trial, &found, bridge, config, counts);
}

/// The first rooms of a list, and how many there are more.
fn named(rooms: &[String]) -> String {
    let first = &rooms[..rooms.len().min(MOST_NAMED)];
    match rooms.len() - first.len() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// How bad it is that the user may not send in some rooms.
fn tell_refused(
    trial: Trial<'_>,
    found: &str,
    bridge: &BridgeConfig,
    config: &Config,
    counts: bool,
) {
    let usage = &config.usage;
    let todo = format!(
        "give {} that power there, or allow {} to everybody: events: {{{:?}: 0}} in m.room.power_levels",
        bridge.user_id, usage.event_type, usage.event_type
    );
    if usage.mode == UsageMode::Never {
        trial.ok(format_args!(
            "{found}; usage.mode is never, so that nothing is sent"
        ));
    } else if usage.fallback_room.is_some() {
        trial.warning(
            format_args!("{found}; media is counted in usage.fallback_room instead"),
            todo,
        );
    } else if counts || usage.mode == UsageMode::Always {
        trial.fault(format_args!("{found}; media is not counted there"), todo);
    } else {
        trial.warning(
            format_args!("{found}; this homeserver does not count media by events"),
            todo,
        );
    }
}

/// What the user lacks in a room to send a meta event and to redact it; `None`: nothing.
async fn lacking(
    homeserver: &Homeserver,
    bridge: &BridgeConfig,
    config: &Config,
    room_id: &str,
) -> Result<Option<String>, HomeserverError> {
    let levels = homeserver.room_state(bridge, room_id, POWER_LEVELS).await?;
    let levels = levels.unwrap_or(Value::Null);
    let has = power_of(&levels, bridge.user_id.as_str());
    let needs = [config.usage.event_type.as_str(), "m.room.redaction"]
        .into_iter()
        .map(|kind| (kind, power_for_event(&levels, kind)))
        .find(|(_, needed)| *needed > has);
    let Some((kind, needed)) = needs else {
        return Ok(None);
    };
    let create = homeserver.create_event(bridge, room_id).await?;
    if is_creator(&create, bridge.user_id.as_str(), &levels) {
        return Ok(None);
    }
    Ok(Some(format!(
        "{kind} needs power {needed}, and it has {has}"
    )))
}
