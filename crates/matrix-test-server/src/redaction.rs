//! The content that a redaction leaves (Room Versions, "Redactions").

use serde_json::{Map, Value};

use crate::room_version::RoomVersion;

/// The content that is left after a redaction.
pub(super) fn redacted_content(
    version: RoomVersion,
    kind: &str,
    content: &Map<String, Value>,
) -> Map<String, Value> {
    let new = version >= RoomVersion::V11;
    let kept: &[&str] = match kind {
        "m.room.create" if new => return content.clone(),
        "m.room.create" => &["creator"],
        "m.room.member" => &["membership", "join_authorised_via_users_server"],
        "m.room.join_rules" => &["join_rule", "allow"],
        "m.room.history_visibility" => &["history_visibility"],
        "m.room.redaction" if new => &["redacts"],
        "m.room.power_levels" => &[
            "ban",
            "events",
            "events_default",
            "kick",
            "redact",
            "state_default",
            "users",
            "users_default",
            "invite",
        ],
        _ => &[],
    };
    let kept = |key: &str| kept.contains(&key) && (new || key != "invite");
    let fields = content.iter().filter(|(key, _)| kept(key));
    fields
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
