//! Our meta events in a room, page by page and one by one (Client-Server API, `/messages`,
//! `/event`).

use reqwest::Method;
use serde_json::{Value, json};

use crate::config::BridgeConfig;

use super::{Homeserver, HomeserverError};

/// The most pages of one room that are read.
pub(crate) const MAX_HISTORY_PAGES: usize = 1000;

/// One of our events, as its room shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEvent {
    /// Its event ID.
    pub event_id: String,
    /// Its Matrix event type.
    pub event_type: String,
    /// The `batch` of its content, if it is a text.
    pub batch: Option<String>,
    /// When it was sent by its sender's server, in milliseconds since the epoch.
    pub sent_at: Option<i64>,
    /// Whether it was redacted.
    pub is_redacted: bool,
}

/// One page of a room's history, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// The events of the page that are ours.
    pub events: Vec<HistoryEvent>,
    /// When the last event of the page was sent, ours or not.
    pub oldest: Option<i64>,
    /// The token of the next page; `None`: this was the last one.
    pub next: Option<String>,
}

/// The state of an event in its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventState {
    /// It is as it was sent.
    Present,
    /// It was redacted.
    Redacted,
    /// The homeserver does not have it.
    Missing,
}

impl Homeserver {
    /// A page of the events of these types that the bridge's user has sent, newest first. `from` is
    /// the [`next`](HistoryPage::next) of the page before.
    ///
    /// # Errors
    /// If the homeserver refuses or fails.
    pub async fn history(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        event_types: &[&str],
        from: Option<&str>,
    ) -> Result<HistoryPage, HomeserverError> {
        let filter = json!({"types": event_types, "senders": [bridge.user_id]}).to_string();
        let segments = ["_matrix", "client", "v3", "rooms", room_id, "messages"];
        let mut request = self.request_as(bridge, Method::GET, &segments).query(&[
            ("dir", "b"),
            ("limit", "100"),
            ("filter", &filter),
        ]);
        if let Some(from) = from {
            request = request.query(&[("from", from)]);
        }
        let page = self.answer(request).await?;
        let chunk = page
            .get("chunk")
            .and_then(Value::as_array)
            .ok_or(HomeserverError::InvalidResponse("chunk is not an array"))?;
        // A homeserver may ignore the filter.
        let is_ours = |event: &HistoryEvent, sender: Option<&str>| {
            sender == Some(bridge.user_id.as_str())
                && event_types.contains(&event.event_type.as_str())
        };
        Ok(HistoryPage {
            events: chunk
                .iter()
                .filter_map(|event| {
                    let sender = event.get("sender").and_then(Value::as_str);
                    parse(event).filter(|event| is_ours(event, sender))
                })
                .collect(),
            oldest: chunk.last().and_then(sent_at),
            next: page
                .get("end")
                .and_then(Value::as_str)
                .filter(|next| Some(*next) != from)
                .map(str::to_owned),
        })
    }

    /// The state of an event in a room that the bridge's user may read.
    ///
    /// # Errors
    /// If the homeserver refuses or fails.
    pub async fn event_state(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        event_id: &str,
    ) -> Result<EventState, HomeserverError> {
        match self.event(bridge, room_id, event_id).await {
            Ok(event) if is_redacted(&event) => Ok(EventState::Redacted),
            Ok(_) => Ok(EventState::Present),
            Err(error) if error.is_not_found() => Ok(EventState::Missing),
            Err(error) => Err(error),
        }
    }

    /// Looks in a room for the meta event with this `batch`, back to a time in milliseconds since
    /// the epoch; returns its ID.
    ///
    /// # Errors
    /// If the homeserver refuses or fails.
    pub async fn find_meta_event(
        &self,
        bridge: &BridgeConfig,
        room_id: &str,
        event_type: &str,
        batch: &str,
        since: i64,
    ) -> Result<Option<String>, HomeserverError> {
        let mut from: Option<String> = None;
        for _ in 0..MAX_HISTORY_PAGES {
            let page = self
                .history(bridge, room_id, &[event_type], from.as_deref())
                .await?;
            let mut events = page.events.into_iter();
            if let Some(event) = events.find(|event| event.batch.as_deref() == Some(batch)) {
                return Ok(Some(event.event_id));
            }
            if page.next.is_none() || page.oldest.is_some_and(|oldest| oldest < since) {
                return Ok(None);
            }
            from = page.next;
        }
        Err(HomeserverError::InvalidResponse(
            "history has more than 1000 pages",
        ))
    }
}

fn sent_at(event: &Value) -> Option<i64> {
    event.get("origin_server_ts").and_then(Value::as_i64)
}

fn parse(event: &Value) -> Option<HistoryEvent> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let event_id = text("event_id").filter(|id| id.starts_with('$') && id.len() <= 255)?;
    Some(HistoryEvent {
        event_id: event_id.to_owned(),
        event_type: text("type")?.to_owned(),
        batch: event
            .pointer("/content/batch")
            .and_then(Value::as_str)
            .map(str::to_owned),
        sent_at: sent_at(event),
        is_redacted: is_redacted(event),
    })
}

/// Whether an event of ours was redacted. Their content is never empty.
fn is_redacted(event: &Value) -> bool {
    event
        .pointer("/unsigned/redacted_because")
        .is_some_and(|because| !because.is_null())
        || event
            .get("content")
            .and_then(Value::as_object)
            .is_none_or(serde_json::Map::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redacted_event_is_known_by_its_cause_or_by_its_emptiness() {
        for (event, redacted) in [
            (json!({"content": {"batch": "b"}}), false),
            (
                json!({"content": {"batch": "b"}, "unsigned": {"age": 1}}),
                false,
            ),
            (
                json!({"content": {"batch": "b"}, "unsigned": {"redacted_because": null}}),
                false,
            ),
            (json!({"content": {}}), true),
            (
                json!({"content": {"batch": "b"}, "unsigned": {"redacted_because": {"type": "m.room.redaction"}}}),
                true,
            ),
        ] {
            assert_eq!(is_redacted(&event), redacted, "{event}");
        }
    }

    #[test]
    fn malformed_events_are_skipped() {
        for event in [
            json!(null),
            json!([]),
            json!({"event_id": 1, "type": "t"}),
            json!({"event_id": "no-dollar", "type": "t"}),
            json!({"event_id": format!("${}", "x".repeat(255)), "type": "t"}),
            json!({"event_id": "$e", "type": {}}),
        ] {
            assert_eq!(parse(&event), None, "{event}");
        }
        let odd = json!({"event_id": "$e", "type": "t", "content": {"batch": 7}, "origin_server_ts": "late"});
        let odd = parse(&odd).expect("an event");
        assert_eq!(
            (odd.batch, odd.sent_at, odd.is_redacted),
            (None, None, false)
        );
    }
}
