//! Settings that the contract names and this version does not act on: known, and refused.

use serde::Deserialize;

use super::problems::Problems;

/// The sentence that refuses a setting of a later version.
pub(super) fn later(what: &str) -> String {
    format!("{what} cannot be used with this version; leave the key out, or set it to null")
}

/// Any value: only its presence matters.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Ignored(serde_json::Value);

impl Ignored {
    /// Whether it asks for something.
    pub(super) fn is_set(&self) -> bool {
        match &self.0 {
            serde_json::Value::Null => false,
            serde_json::Value::Array(list) => !list.is_empty(),
            _ => true,
        }
    }
}

/// `limits`: not enforced by this version.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    trusted_proxies: Option<Ignored>,
    client_header: Option<Ignored>,
    per_client: Option<Ignored>,
    per_link: Option<Ignored>,
    per_room: Option<Ignored>,
    per_sender: Option<Ignored>,
    per_bridge: Option<Ignored>,
    total: Option<Ignored>,
}

impl Limits {
    pub(super) fn refuse(&self, problems: &mut Problems) {
        for (name, value) in [
            ("trusted_proxies", &self.trusted_proxies),
            ("client_header", &self.client_header),
            ("per_client", &self.per_client),
            ("per_link", &self.per_link),
            ("per_room", &self.per_room),
            ("per_sender", &self.per_sender),
            ("per_bridge", &self.per_bridge),
            ("total", &self.total),
        ] {
            if value.as_ref().is_some_and(Ignored::is_set) {
                problems.add(format_args!("limits.{name}"), later("limits"));
            }
        }
    }
}
