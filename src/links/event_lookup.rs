//! Events as the homeserver shows them, looked up once for all requests that wait for them.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
    time::Duration,
};

use moka::future::Cache;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::{
    config::BridgeConfig,
    homeserver::{Homeserver, HomeserverError},
};
use medialink_event::media_of;
use medialink_link::matrix::{EventId, MxcUri, RoomId};

/// How long an event is believed to be as it was fetched.
const CACHED_FOR: Duration = Duration::from_secs(5);
/// How long a lookup may take, with its wait for a turn.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(10);
/// How many lookups there are at once.
const AT_ONCE: usize = 64;
/// How many bytes of events are cached.
const MAX_BYTES: u64 = 16 << 20;

/// Why an event is not known. Failures are not cached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LookupError {
    /// The homeserver shows the bridge's user no such event.
    #[error("{0}")]
    Unreadable(String),
    /// The homeserver does not answer, or not with an event.
    #[error("{0}")]
    Failed(String),
}

impl From<HomeserverError> for LookupError {
    fn from(error: HomeserverError) -> Self {
        match error.status() {
            403 | 404 => Self::Unreadable(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// An event as the homeserver shows it.
pub(super) struct FetchedEvent {
    event: Value,
    bytes: u32,
    media: OnceLock<BTreeSet<MxcUri>>,
    edited_media: OnceLock<BTreeSet<MxcUri>>,
}

impl FetchedEvent {
    pub(super) fn new(event: Value) -> Self {
        let bytes = serde_json::to_vec(&event).map_or(usize::MAX, |text| text.len());
        Self {
            event,
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            media: OnceLock::new(),
            edited_media: OnceLock::new(),
        }
    }

    /// The media that the content of its edit names.
    pub(super) fn edited_media(&self, edited: &Value) -> &BTreeSet<MxcUri> {
        self.edited_media.get_or_init(|| media_of(edited))
    }

    /// The media that its content names.
    pub(super) fn media(&self) -> &BTreeSet<MxcUri> {
        self.media.get_or_init(|| media_of(self.content()))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.event.get(name).and_then(Value::as_str)
    }

    /// The event.
    pub(super) fn event(&self) -> &Value {
        &self.event
    }

    /// Its content.
    pub(super) fn content(&self) -> &Value {
        &self.event["content"]
    }

    /// Its sender.
    pub(super) fn sender(&self) -> Option<&str> {
        self.text("sender")
    }

    /// Whether only its recipients can read it.
    pub(super) fn is_encrypted(&self) -> bool {
        self.text("type") == Some("m.room.encrypted")
    }

    /// Whether it was redacted: it says so, or a message has no content left
    /// (Client-Server API, "Redactions").
    pub(super) fn is_redacted(&self) -> bool {
        let because = self.event.pointer("/unsigned/redacted_because");
        let is_emptied = self
            .content()
            .as_object()
            .is_some_and(serde_json::Map::is_empty);
        because.is_some_and(|because| !because.is_null())
            || is_emptied && self.event.get("state_key").is_none()
    }
}

/// The bridge as whose user an event is looked up, and the event: not every user sees every event.
type Key = (String, RoomId, EventId);

/// Looks events up.
#[derive(Clone)]
pub(super) struct EventLookup {
    homeserver: Arc<Homeserver>,
    fetched: Cache<Key, Arc<FetchedEvent>>,
    turns: Arc<Semaphore>,
}

impl EventLookup {
    pub(super) fn new(homeserver: Arc<Homeserver>) -> Self {
        Self {
            homeserver,
            fetched: Cache::builder()
                .weigher(|_, event: &Arc<FetchedEvent>| event.bytes)
                .max_capacity(MAX_BYTES)
                .time_to_live(CACHED_FOR)
                .build(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The event, as it was at most five seconds ago. Requests that come while it is looked up get
    /// the same answer, also if it is a failure.
    pub(super) async fn get(
        &self,
        bridge: &Arc<BridgeConfig>,
        room_id: &RoomId,
        event_id: &EventId,
    ) -> Result<Arc<FetchedEvent>, LookupError> {
        let key = (bridge.id.clone(), room_id.clone(), event_id.clone());
        if let Some(event) = self.fetched.get(&key).await {
            return Ok(event);
        }
        let (events, bridge) = (self.clone(), Arc::clone(bridge));
        // In a task of its own: one who stops waiting must not end it for the others.
        let lookup = tokio::spawn(async move {
            let (_, room_id, event_id) = key.clone();
            let look = events.look_up(&bridge, &room_id, &event_id);
            events.fetched.try_get_with(key, look).await
        });
        match lookup.await {
            Ok(outcome) => outcome.map_err(|error| LookupError::clone(&error)),
            Err(_) => Err(LookupError::Failed("the lookup broke off".to_owned())),
        }
    }

    async fn look_up(
        &self,
        bridge: &BridgeConfig,
        room_id: &RoomId,
        event_id: &EventId,
    ) -> Result<Arc<FetchedEvent>, LookupError> {
        let work = async {
            let _turn = self.turns.acquire().await;
            let event = self
                .homeserver
                .event(bridge, room_id.as_str(), event_id.as_str());
            Ok(Arc::new(FetchedEvent::new(event.await?)))
        };
        tokio::time::timeout(LOOK_UP_WITHIN, work)
            .await
            .unwrap_or_else(|_| Err(HomeserverError::Slow.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_redaction_makes_an_event_redacted() {
        let is_redacted = |event: Value| FetchedEvent::new(event).is_redacted();
        let content = json!({"body": "x"});
        for event in [
            json!({"content": {}}),
            json!({"content": {}, "type": "m.room.encrypted"}),
            json!({"content": content, "unsigned": {"redacted_because": {}}}),
            json!({"content": {"membership": "join"}, "state_key": "@a:b", "unsigned": {"redacted_because": {"type": "m.room.redaction"}}}),
        ] {
            assert!(is_redacted(event.clone()), "{event}");
        }
        for event in [
            json!({"content": content}),
            json!({"content": {}, "state_key": ""}),
            json!({"content": content, "unsigned": {"redacted_because": null}}),
            json!({"content": content, "unsigned": [], "redacted_because": {}}),
            json!({"content": {"ciphertext": "x"}, "type": "m.room.encrypted"}),
        ] {
            assert!(!is_redacted(event.clone()), "{event}");
        }
    }
}
