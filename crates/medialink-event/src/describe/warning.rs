//! Content warnings and spoilers.

use serde_json::Value;

use crate::Warning;

use super::fields::{Object, object, text};

/// The longest reason of a warning that is kept, in bytes: many media may share it.
const MAX_REASON: usize = 256;

/// A content warning (MSC3725), or a spoiler (MSC4193).
pub(super) fn warning(message: &Object) -> Option<Warning> {
    for name in ["m.content_warning", "town.robin.msc3725.content_warning"] {
        if let Some(warning) = object(message, name) {
            let kind = text(warning, "type").map(|kind| match kind.rsplit_once('.') {
                Some((_, word)) => word.to_owned(),
                None => kind,
            });
            let is_spoiler = kind.as_deref() == Some("spoiler");
            let reason = text(warning, "description").or(kind.filter(|_| !is_spoiler));
            return Some(Warning {
                is_spoiler,
                reason: reason.map(short),
            });
        }
    }
    ["m.spoiler", "page.codeberg.everypizza.msc4193.spoiler"]
        .iter()
        .find(|name| message.get(**name) == Some(&Value::Bool(true)))
        .map(|name| Warning {
            is_spoiler: true,
            reason: text(message, &format!("{name}.reason")).map(short),
        })
}

fn short(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(MAX_REASON));
    reason
}
