//! Reads the meta events of a room, as slowly as the homeserver wants.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::{
    config::BridgeConfig,
    homeserver::{
        EventState, HistoryEvent, HistoryPage, Homeserver, HomeserverError, MAX_HISTORY_PAGES,
    },
    storage::comparison::ComparedEvent,
    usage::worker::CLOCK_SKEW_MS,
};

/// How often a request is repeated because the homeserver limits the rate.
const MAX_REPEATS: usize = 5;
/// The longest wait that the homeserver can ask for.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// One request, repeated as long as the homeserver limits the rate.
struct LimitedRequest {
    wait: Duration,
    repeats: usize,
}

impl LimitedRequest {
    fn new(pause: Duration) -> Self {
        Self {
            wait: pause,
            repeats: 0,
        }
    }

    /// Waits before the next attempt.
    async fn wait(&self) {
        tokio::time::sleep(self.wait).await;
    }

    /// Whether this outcome of an attempt calls for another one.
    fn is_to_be_repeated<T>(&mut self, outcome: &Result<T, HomeserverError>) -> bool {
        let Err(HomeserverError::Refused {
            status: 429,
            retry_after_ms,
            ..
        }) = outcome
        else {
            return false;
        };
        self.repeats += 1;
        self.wait = Duration::from_millis(retry_after_ms.unwrap_or(1000)).min(MAX_WAIT);
        self.repeats <= MAX_REPEATS
    }
}

/// Reads the rooms of one bridge.
pub(super) struct RoomReader<'a> {
    homeserver: &'a Arc<Homeserver>,
    bridge: &'a BridgeConfig,
    /// The type of the meta events that are sent today.
    event_type: &'a str,
    /// The pause before each request.
    pause: Duration,
}

impl<'a> RoomReader<'a> {
    pub(super) fn new(
        homeserver: &'a Arc<Homeserver>,
        bridge: &'a BridgeConfig,
        event_type: &'a str,
        pause: Duration,
    ) -> Self {
        Self {
            homeserver,
            bridge,
            event_type,
            pause,
        }
    }

    /// Our meta events in a room by their IDs, back to the oldest that matters.
    pub(super) async fn meta_events(
        &self,
        room_id: &str,
        rows: &[ComparedEvent],
        redacted_since: i64,
    ) -> Result<HashMap<String, HistoryEvent>, HomeserverError> {
        let mut types: BTreeSet<&str> = rows.iter().map(|row| row.event_type.as_str()).collect();
        types.insert(self.event_type);
        let types: Vec<&str> = types.into_iter().collect();
        let oldest = rows.iter().map(|row| row.created_at).min();
        let since = oldest.map_or(redacted_since, |at| at.min(redacted_since)) - CLOCK_SKEW_MS;
        let mut seen = HashMap::new();
        let mut from: Option<String> = None;
        for _ in 0..MAX_HISTORY_PAGES {
            let page = self.page(room_id, &types, from.as_deref()).await?;
            for event in page.events {
                seen.insert(event.event_id.clone(), event);
            }
            if page.next.is_none() || page.oldest.is_some_and(|oldest| oldest < since) {
                break;
            }
            from = page.next;
        }
        Ok(seen)
    }

    /// The state of an event that no page has shown.
    pub(super) async fn event_state(
        &self,
        room_id: &str,
        event_id: &str,
    ) -> Result<EventState, HomeserverError> {
        let mut request = LimitedRequest::new(self.pause);
        loop {
            request.wait().await;
            let outcome = self
                .homeserver
                .event_state(self.bridge, room_id, event_id)
                .await;
            if !request.is_to_be_repeated(&outcome) {
                return outcome;
            }
        }
    }

    async fn page(
        &self,
        room_id: &str,
        types: &[&str],
        from: Option<&str>,
    ) -> Result<HistoryPage, HomeserverError> {
        let mut request = LimitedRequest::new(self.pause);
        loop {
            request.wait().await;
            let outcome = self
                .homeserver
                .history(self.bridge, room_id, types, from)
                .await;
            if !request.is_to_be_repeated(&outcome) {
                return outcome;
            }
        }
    }
}
