//! What a user may send into a room (Client-Server API, `m.room.power_levels`). Pure.

use serde_json::Value;

/// The type of the state event that tells it.
pub const POWER_LEVELS: &str = "m.room.power_levels";

/// The power that a state event needs where the power levels do not say.
const STATE_DEFAULT: i64 = 50;

/// A power level, which older rooms may write as a text.
fn number(value: &Value) -> Option<i64> {
    let text = || value.as_str()?.trim().parse().ok();
    value.as_i64().or_else(text)
}

/// The power of a user.
#[must_use]
pub fn power_of(levels: &Value, user_id: &str) -> i64 {
    let of_user = levels.get("users").and_then(|users| users.get(user_id));
    let level = of_user.or_else(|| levels.get("users_default"));
    level.and_then(number).unwrap_or(0)
}

/// The power that a message event needs.
#[must_use]
pub fn power_for_event(levels: &Value, kind: &str) -> i64 {
    needed(levels, kind, "events_default").unwrap_or(0)
}

/// The power that a state event needs.
#[must_use]
pub fn power_for_state(levels: &Value, kind: &str) -> i64 {
    needed(levels, kind, "state_default").unwrap_or(STATE_DEFAULT)
}

fn needed(levels: &Value, kind: &str, default: &str) -> Option<i64> {
    let of_kind = levels.get("events").and_then(|events| events.get(kind));
    of_kind.or_else(|| levels.get(default)).and_then(number)
}

/// Whether a user has more power than any number: the creators of rooms from version 12 on, and of rooms without power
/// levels.
#[must_use]
pub fn is_creator(create: &Value, user_id: &str, levels: &Value) -> bool {
    let content = create.get("content").unwrap_or(create);
    let version = content.get("room_version").and_then(Value::as_str);
    let counts_creators = version
        .and_then(|version| version.parse::<u32>().ok())
        .is_some_and(|version| version >= 12);
    let named = content.get("additional_creators").and_then(Value::as_array);
    let mut named = named.into_iter().flatten().chain(create.get("sender"));
    (counts_creators || levels.is_null()) && named.any(|creator| creator.as_str() == Some(user_id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BOT: &str = "@bot:example.org";

    #[test]
    fn power_is_read_as_the_specification_has_it() {
        let levels = json!({"users": {BOT: "10"}, "users_default": 5, "events": {"x": 50},
            "events_default": 20, "state_default": "30"});
        assert_eq!((power_of(&levels, BOT), power_of(&levels, "@a:b")), (10, 5));
        let for_event = |levels, kind| power_for_event(levels, kind);
        assert_eq!((for_event(&levels, "x"), for_event(&levels, "y")), (50, 20));
        assert_eq!(power_for_state(&levels, "x"), 50);
        assert_eq!(power_for_state(&levels, "y"), 30);
        let none = json!({"users": [], "events": 7});
        assert_eq!((power_of(&none, BOT), for_event(&none, "x")), (0, 0));
        assert_eq!(power_for_state(&none, "x"), 50);
    }

    #[test]
    fn creators_of_new_rooms_may_do_everything() {
        let levels = json!({});
        let create = |version: &str| json!({"sender": BOT, "content": {"room_version": version, "additional_creators": ["@c:d"]}});
        assert!(is_creator(&create("12"), BOT, &levels));
        assert!(is_creator(&create("12"), "@c:d", &levels));
        assert!(!is_creator(&create("12"), "@e:f", &levels));
        assert!(!is_creator(&create("11"), BOT, &levels));
        assert!(is_creator(&create("11"), BOT, &Value::Null));
        assert!(!is_creator(&json!([]), BOT, &levels));
    }
}
