//! Which media an event references.

use std::collections::BTreeSet;

use serde_json::Value;

/// Every mxc URI in the content of an event.
#[must_use]
pub fn media_of(content: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut left = vec![content];
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) if text.starts_with("mxc://") => {
                found.insert(text.clone());
            }
            Value::Array(list) => left.extend(list),
            Value::Object(object) => left.extend(object.values()),
            _ => {}
        }
    }
    found
}
