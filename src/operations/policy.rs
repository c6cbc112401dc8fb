//! What a room allows, set by an operator as the user of a bridge.

use serde_json::{Map, Value};

use crate::{
    config::BridgeConfig,
    links::{Links, SetPolicyError, read_policy},
    storage::room_policies::RoomPolicy,
};

use super::audit::Auditor;

/// Why the policy of a room stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Fields that make no sense.
    #[error(
        "{0}: found something else; allowed are yes and no for enabled and pages_only, and for the others a whole number \
         from 0 to 9223372036854775807, or nothing"
    )]
    Fields(String),
    /// Somebody else has set another one.
    #[error("it was set anew since the page was loaded")]
    Changed,
    /// It could not be sent.
    #[error(transparent)]
    Set(#[from] SetPolicyError),
}

/// A policy that a room is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPolicy(RoomPolicy);

impl NewPolicy {
    /// Reads its fields as those of an event are read; null: none.
    ///
    /// # Errors
    /// If one of them would be ignored.
    pub fn read(fields: &Value) -> Result<Self, PolicyError> {
        let (policy, ignored) = read_policy(fields);
        match ignored.is_empty() {
            true => Ok(Self(policy)),
            false => Err(PolicyError::Fields(ignored.join(", "))),
        }
    }

    /// Puts its fields into the content of an event. What else is in there stays.
    fn put_into(&self, content: &mut Map<String, Value>) {
        let Self(policy) = self;
        let numbers = [
            ("max_lifetime_ms", policy.max_lifetime_ms),
            ("max_size", policy.max_size),
        ];
        content.insert("enabled".to_owned(), policy.enabled.into());
        content.insert("pages_only".to_owned(), policy.pages_only.into());
        for (name, number) in numbers {
            match number {
                Some(number) => content.insert(name.to_owned(), number.into()),
                None => content.remove(name),
            };
        }
    }

    /// The same for the audit log.
    fn words(&self) -> String {
        let mut fields = Map::new();
        self.put_into(&mut fields);
        Value::Object(fields).to_string()
    }
}

/// Sets the policy of a room. `seen`: the ID of the event that the operator has seen, empty where there was none; another
/// one is not replaced.
///
/// # Errors
/// If the policy was set anew, the homeserver refuses or fails, or the database does.
pub async fn set(
    links: &Links,
    auditor: &Auditor,
    bridge: &BridgeConfig,
    (room_id, seen): (&str, &str),
    policy: &NewPolicy,
) -> Result<(), PolicyError> {
    let event = links.policy_event(bridge, room_id).await;
    let event = event.map_err(SetPolicyError::from)?;
    if event.event_id.as_deref().unwrap_or_default() != seen {
        return Err(PolicyError::Changed);
    }
    let mut content = event.content;
    policy.put_into(&mut content);
    let subject = format!("room {room_id}: {}", policy.words());
    let work = links.set_policy(bridge, room_id, content);
    auditor.during("policy set", subject, work, |()| 1).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_policy_does_not_say_stays_and_its_own_fields_are_written_anew() {
        let before = json!({"max_size": "big", "max_lifetime_ms": 7, "enabled": 1, "org.example.note": {"a": [1]}});
        let mut content = before.as_object().expect("an object").clone();
        let fields =
            json!({"enabled": true, "pages_only": true, "max_size": 5.0, "max_lifetime_ms": null});
        NewPolicy::read(&fields)
            .expect("valid")
            .put_into(&mut content);
        let after = json!({"max_size": 5, "enabled": true, "pages_only": true, "org.example.note": {"a": [1]}});
        assert_eq!(Value::Object(content), after);
    }

    #[test]
    fn what_the_reader_would_ignore_is_refused() {
        for (field, value) in [
            ("max_size", json!(-1)),
            ("max_lifetime_ms", json!("1h")),
            ("enabled", json!("maybe")),
        ] {
            let told = NewPolicy::read(&json!({ field: value })).expect_err("refused");
            assert!(told.to_string().starts_with(field), "{told}");
        }
    }
}
