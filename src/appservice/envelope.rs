//! Events of a transaction, read as far as needed.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// The envelope of an event. Fields that are not needed to pass the event over stay unread.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) room_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) sender: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) event_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) state_key: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) redacts: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) unsigned: Option<&'a RawValue>,
}

impl Envelope<'_> {
    /// Whether it arrives redacted already.
    pub(super) fn is_redacted(&self) -> bool {
        may_hold(self.unsigned, "redacted_because")
            && field(&value(self.unsigned), "redacted_because")
                .is_some_and(|because| !because.is_null())
    }
}

/// Whether a value may hold a text: a quick look that is never wrong in saying no. Escapes may
/// hide anything.
pub(super) fn may_hold(raw: Option<&RawValue>, text: &str) -> bool {
    raw.is_some_and(|raw| raw.get().contains(text) || raw.get().contains("\\u"))
}

/// A field, read whole; null if it is missing.
pub(super) fn value(raw: Option<&RawValue>) -> Value {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or(Value::Null)
}

pub(super) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name)
}
