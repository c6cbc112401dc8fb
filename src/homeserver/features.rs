//! Features of the homeserver beyond the specification (Client-Server API, `/versions`).

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use serde_json::Value;

/// The name of MSC3911 in `unstable_features`.
pub const LINKED_MEDIA: &str = "org.matrix.msc3911";

/// The features of the homeserver, as far as they are known. Clones share them; a look costs nothing.
#[derive(Debug, Clone, Default)]
pub struct Features {
    links_media: Arc<AtomicBool>,
    attaches_one_until: Arc<AtomicI64>,
}

impl Features {
    /// Whether media is linked to events (MSC3911): a user who may not see the event may not download
    /// the media, and media without an event is deleted.
    #[must_use]
    pub fn links_media(&self) -> bool {
        self.links_media.load(Ordering::Relaxed)
    }

    /// Whether several media may be attached to one event, as far as that is known at this time, in
    /// milliseconds since the epoch. The proposal says so.
    #[must_use]
    pub fn attaches_many(&self, now: i64) -> bool {
        now >= self.attaches_one_until.load(Ordering::Relaxed)
    }

    /// Notes that the homeserver has refused to attach several media to one event. It is believed until
    /// a time, in milliseconds since the epoch.
    pub fn note_attaches_one(&self, until: i64) {
        self.attaches_one_until.store(until, Ordering::Relaxed);
    }

    /// Notes whether media is linked to events.
    pub fn set_links_media(&self, value: bool) {
        self.links_media.store(value, Ordering::Relaxed);
    }
}

/// Whether an answer of `/versions` names MSC3911.
#[must_use]
pub fn announces_linked_media(versions: &Value) -> bool {
    versions
        .get("unstable_features")
        .and_then(|features| features.get(LINKED_MEDIA))
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_true_announces_linked_media() {
        let announced =
            |features: Value| announces_linked_media(&json!({"unstable_features": features}));
        assert!(announced(json!({LINKED_MEDIA: true})));
        for no in [
            json!({LINKED_MEDIA: false}),
            json!({LINKED_MEDIA: "true"}),
            json!({LINKED_MEDIA: 1}),
            json!({}),
            json!([LINKED_MEDIA]),
            json!(null),
        ] {
            assert!(!announced(no.clone()), "{no}");
        }
        assert!(!announces_linked_media(&json!({"versions": ["v1.11"]})));
        assert!(!announces_linked_media(&json!("org.matrix.msc3911")));
    }
}
