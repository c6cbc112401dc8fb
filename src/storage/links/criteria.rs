//! Which links are meant.

use medialink_link::LinkState;

use crate::storage::engine::QueryBuilder;

/// Which links are meant: all that match every given criterion.
#[derive(Debug, Clone, Default)]
pub struct Criteria {
    /// Their room.
    pub room_id: Option<String>,
    /// Their event.
    pub event_id: Option<String>,
    /// Their media.
    pub mxc: Option<String>,
    /// The user who shared the media.
    pub sender: Option<String>,
    /// Issued before this time, in milliseconds since the epoch.
    pub issued_before: Option<i64>,
    /// Their state at the time of asking.
    pub state: Option<LinkState>,
}

impl Criteria {
    /// Whether no criterion is given, so that every link would be meant.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.room_id.is_none()
            && self.event_id.is_none()
            && self.mxc.is_none()
            && self.sender.is_none()
            && self.issued_before.is_none()
    }
}

/// What finds the links that match: the best of the criteria.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finder {
    /// Their medium or their event. Live links and ended ones are found apart.
    MediumOrEvent,
    /// Their room or their sender.
    RoomOrSender,
    /// Bridge, state and time.
    Time,
}

impl Criteria {
    pub(super) fn finder(&self) -> Finder {
        let has_sender = self
            .sender
            .as_deref()
            .is_some_and(|sender| !sender.is_empty());
        if self.mxc.is_some() || self.event_id.is_some() {
            Finder::MediumOrEvent
        } else if self.room_id.is_some() || has_sender {
            Finder::RoomOrSender
        } else {
            Finder::Time
        }
    }
}

/// Adds the conditions to a query on `links AS l`, except for time and state.
pub(super) fn push_criteria(query: &mut QueryBuilder, bridge: Option<&str>, criteria: &Criteria) {
    let mut equal = |column: &'static str, value: Option<&str>| {
        if let Some(value) = value {
            query
                .push(" AND l.")
                .push(column)
                .push(" = ")
                .push_bind(value.to_owned());
        }
    };
    // Where something else finds them, not by the bridge, which has most links.
    equal(
        match criteria.finder() {
            Finder::Time => "bridge",
            Finder::MediumOrEvent | Finder::RoomOrSender => "bridge || ''",
        },
        bridge,
    );
    equal("room_id", criteria.room_id.as_deref());
    equal("event_id", criteria.event_id.as_deref());
    equal("mxc", criteria.mxc.as_deref());
    equal("sender", criteria.sender.as_deref());
    if criteria
        .sender
        .as_deref()
        .is_some_and(|sender| !sender.is_empty())
    {
        query.push(" AND l.sender <> ''");
    }
}

/// Adds the condition of time, if there is one.
pub(super) fn push_time(query: &mut QueryBuilder, criteria: &Criteria) {
    if let Some(issued_before) = criteria.issued_before {
        // When a link was issued that a bridge has made by itself, nobody knows.
        query
            .push(" AND (l.issued_at < ")
            .push_bind(issued_before)
            .push(" OR l.form = 'legacy')");
    }
}

/// Adds the same condition in two parts, of which each is found by an index: the links whose time is known,
/// and those that a bridge has made by itself.
pub(super) fn push_part_of_time(query: &mut QueryBuilder, criteria: &Criteria, is_known: bool) {
    if let Some(issued_before) = criteria.issued_before {
        query
            .push(if is_known {
                " AND l.issued_at < "
            } else {
                " AND l.form = 'legacy' AND l.issued_at >= "
            })
            .push_bind(issued_before);
    }
}

/// Adds the condition of state, if there is one.
pub(super) fn push_state(query: &mut QueryBuilder, state: Option<LinkState>, now: i64) {
    match state {
        None => {}
        Some(LinkState::Live) => {
            query
                .push(" AND l.state = 'live' AND l.is_doubted = 0 AND (l.expires_at IS NULL OR l.expires_at > ")
                .push_bind(now)
                .push(")");
        }
        Some(LinkState::Expired) => {
            query
                .push(" AND (l.state = 'expired' OR (l.state = 'live' AND l.expires_at <= ")
                .push_bind(now)
                .push("))");
        }
        Some(LinkState::Redacted) => {
            query
                .push(" AND (l.state = 'redacted' OR (l.state = 'live' AND l.is_doubted = 1 AND (l.expires_at IS NULL OR l.expires_at > ")
                .push_bind(now)
                .push(")))");
        }
        Some(state) => {
            query.push(" AND l.state = ").push_bind(state.as_str());
        }
    }
}
