//! Power levels (Client-Server API, `m.room.power_levels`).

use serde_json::{Map, Value};

use crate::errors::MatrixError;
use crate::room::Room;

impl Room {
    /// The user's power (Client-Server API, `m.room.power_levels`; room version 12 for creators).
    pub fn power_of(&self, user: &str) -> i64 {
        let creates = self.creators.iter().any(|creator| creator == user);
        if creates && self.version.has_creators() {
            return i64::MAX;
        }
        let Some(levels) = self.state_content("m.room.power_levels", "") else {
            return if creates { 100 } else { 0 };
        };
        let own = levels
            .get("users")
            .and_then(|users| users.get(user)?.as_i64());
        own.unwrap_or_else(|| level(levels, "users_default", 0))
    }

    /// The power that the action `name` (`redact`, `kick`, `ban`, `invite`) takes.
    pub fn power_for(&self, name: &str) -> i64 {
        let default = if name == "invite" { 0 } else { 50 };
        self.state_content("m.room.power_levels", "")
            .map_or(default, |levels| level(levels, name, default))
    }

    pub fn require_power(&self, user: &str, needed: i64, to: &str) -> Result<(), MatrixError> {
        if self.power_of(user) >= needed {
            return Ok(());
        }
        let message = format!("You don't have permission to {to} (power level {needed} is needed)");
        Err(MatrixError::forbidden(message))
    }

    /// Whether `user` may send such an event: in the room, and with the power it takes.
    pub fn require_sender(&self, user: &str, kind: &str, state: bool) -> Result<(), MatrixError> {
        self.require_joined(user)?;
        let (name, default) = if state {
            ("state_default", 50)
        } else {
            ("events_default", 0)
        };
        let needed = match self.state_content("m.room.power_levels", "") {
            Some(levels) => levels
                .get("events")
                .and_then(|events| events.get(kind)?.as_i64())
                .unwrap_or_else(|| level(levels, name, default)),
            None => 0,
        };
        self.require_power(user, needed, &format!("send {kind}"))
    }
}

fn level(levels: &Map<String, Value>, name: &str, default: i64) -> i64 {
    levels.get(name).and_then(Value::as_i64).unwrap_or(default)
}
