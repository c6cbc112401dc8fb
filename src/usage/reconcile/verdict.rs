//! Differences between the recorded meta events and those of a room, pure.

use std::collections::{BTreeSet, HashMap};

use crate::{
    homeserver::{EventState, HistoryEvent},
    storage::comparison::ComparedEvent,
};

/// How old an unknown event has to be before it is redacted, in milliseconds: until then its row may
/// not be written yet.
const STRAY_AFTER_MS: i64 = 3_600_000;

/// How a recorded meta event differs from the one in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not at all.
    Right,
    /// It is recorded as sent and counts nothing: it was redacted, or is `missing` from the room.
    Lost { missing: bool },
    /// It is recorded as redacted and counts.
    Back,
}

pub(super) fn verdict(is_sent: bool, state: EventState) -> Verdict {
    match (is_sent, state) {
        (true, EventState::Present) | (false, EventState::Redacted | EventState::Missing) => {
            Verdict::Right
        }
        (true, EventState::Redacted) => Verdict::Lost { missing: false },
        (true, EventState::Missing) => Verdict::Lost { missing: true },
        (false, EventState::Present) => Verdict::Back,
    }
}

/// Events of a room that have no row, are not redacted and are not new, each with the time at which
/// it was sent; the oldest first.
pub(super) fn strays<'a>(
    seen: &'a HashMap<String, HistoryEvent>,
    rows: &[ComparedEvent],
    now: i64,
) -> Vec<(&'a HistoryEvent, i64)> {
    let known: BTreeSet<&str> = rows.iter().map(|row| row.event_id.as_str()).collect();
    let mut strays: Vec<_> = seen
        .values()
        .filter(|event| !event.is_redacted && !known.contains(event.event_id.as_str()))
        .filter_map(|event| Some((event, event.sent_at?.max(0))))
        .filter(|(_, sent_at)| *sent_at < now - STRAY_AFTER_MS)
        .collect();
    strays.sort_by_key(|(event, sent_at)| (*sent_at, &event.event_id));
    strays
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_mended() {
        for (is_sent, state, expected) in [
            (true, EventState::Present, Verdict::Right),
            (true, EventState::Redacted, Verdict::Lost { missing: false }),
            (true, EventState::Missing, Verdict::Lost { missing: true }),
            (false, EventState::Present, Verdict::Back),
            (false, EventState::Redacted, Verdict::Right),
            (false, EventState::Missing, Verdict::Right),
        ] {
            assert_eq!(verdict(is_sent, state), expected, "{is_sent} {state:?}");
        }
    }

    #[test]
    fn what_is_new_known_redacted_or_has_no_time_is_no_stray() {
        let now = 10 * STRAY_AFTER_MS;
        let old = now - STRAY_AFTER_MS - 1;
        let event = |id: &str, sent_at: Option<i64>, is_redacted: bool| {
            let event = HistoryEvent {
                event_id: id.to_owned(),
                event_type: "t".to_owned(),
                batch: None,
                sent_at,
                is_redacted,
            };
            (id.to_owned(), event)
        };
        let seen = HashMap::from([
            event("$stray", Some(old), false),
            event("$older", Some(old - 1), false),
            event("$known", Some(old), false),
            event("$redacted", Some(old), true),
            event("$new", Some(now - STRAY_AFTER_MS), false),
            event("$future", Some(i64::MAX), false),
            event("$timeless", None, false),
            event("$ancient", Some(i64::MIN), false),
        ]);
        let known = ComparedEvent {
            id: 1,
            event_type: "t".to_owned(),
            event_id: "$known".to_owned(),
            is_sent: true,
            created_at: 0,
        };
        let found = strays(&seen, &[known], now);
        let found: Vec<(&str, i64)> = found
            .iter()
            .map(|(event, at)| (event.event_id.as_str(), *at))
            .collect();
        let expected = [("$ancient", 0), ("$older", old - 1), ("$stray", old)];
        assert_eq!(found, expected);
    }
}
