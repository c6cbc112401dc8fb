//! Features of the homeserver beyond the specification (Client-Server API, `/versions`).

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use serde_json::Value;

/// The name of MSC3911 in `unstable_features`: media is linked to events.
pub const LINKED_MEDIA: &str = "org.matrix.msc3911";
/// The name of a homeserver's refusal of all other media (MSC3911).
pub const RESTRICTED_UPLOADS: &str = "org.matrix.msc3911.block_unrestricted_media_upload";
/// The name of MSC4322: users delete what they have uploaded.
pub const MEDIA_DELETION: &str = "uk.timedout.msc4322";
/// All features that are looked for.
pub const FEATURES: [&str; 3] = [LINKED_MEDIA, RESTRICTED_UPLOADS, MEDIA_DELETION];

/// The features of the homeserver, as far as they are known. Clones share them; a look costs nothing.
#[derive(Debug, Clone, Default)]
pub struct Features {
    known: Arc<[AtomicBool; FEATURES.len()]>,
    attaches_one_until: Arc<AtomicI64>,
}

impl Features {
    /// Whether it has the feature of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let place = FEATURES.iter().position(|known| *known == name);
        place.is_some_and(|place| self.known[place].load(Ordering::Relaxed))
    }

    /// Notes whether it has the feature of this name.
    pub fn set(&self, name: &str, value: bool) {
        if let Some(place) = FEATURES.iter().position(|known| *known == name) {
            self.known[place].store(value, Ordering::Relaxed);
        }
    }

    /// Whether media is linked to events (MSC3911): a user who may not see the event may not download
    /// the media, and media without an event is deleted.
    #[must_use]
    pub fn links_media(&self) -> bool {
        self.known[0].load(Ordering::Relaxed)
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
        self.set(LINKED_MEDIA, value);
    }

    /// Whether media is refused that is not to be attached to an event (MSC3911).
    #[must_use]
    pub fn takes_restricted_uploads_only(&self) -> bool {
        self.has(RESTRICTED_UPLOADS)
    }

    /// Whether users delete what they have uploaded (MSC4322).
    #[must_use]
    pub fn deletes_media(&self) -> bool {
        self.has(MEDIA_DELETION)
    }
}

/// Whether an answer of `/versions` names a feature. A homeserver that takes nothing but restricted
/// uploads links media to events.
#[must_use]
pub fn announces(versions: &Value, name: &str) -> bool {
    let is_named = |name: &str| {
        let named = versions
            .get("unstable_features")
            .and_then(|features| features.get(name));
        named.and_then(Value::as_bool).unwrap_or(false)
    };
    is_named(name) || (name == LINKED_MEDIA && is_named(RESTRICTED_UPLOADS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_true_announces_linked_media() {
        let announced =
            |features: Value| announces(&json!({"unstable_features": features}), LINKED_MEDIA);
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
        assert!(!announces(&json!({"versions": ["v1.11"]}), LINKED_MEDIA));
        assert!(!announces(&json!("org.matrix.msc3911"), LINKED_MEDIA));
        assert!(announced(json!({RESTRICTED_UPLOADS: true})));
        let both = json!({"unstable_features": {LINKED_MEDIA: true, MEDIA_DELETION: true}});
        assert!(announces(&both, MEDIA_DELETION) && !announces(&both, RESTRICTED_UPLOADS));
    }

    #[test]
    fn each_feature_is_noted_by_its_name() {
        let features = Features::default();
        for name in FEATURES {
            assert!(!features.has(name));
            features.set(name, true);
            assert!(features.has(name));
        }
        assert!(features.links_media() && features.deletes_media());
        assert!(features.takes_restricted_uploads_only());
        features.set_links_media(false);
        assert!(!features.links_media() && features.deletes_media());
        assert!(!features.has("other"));
    }
}
