//! Which links are meant.

use medialink_link::{KeyId, LinkState};

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
    /// The edit that has brought their media.
    pub shown_by: Option<String>,
    /// The key that has signed them.
    pub key_id: Option<KeyId>,
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
            && self.shown_by.is_none()
            && self.key_id.is_none()
            && self.issued_before.is_none()
    }
}

/// What finds the links that match: the best of the criteria.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finder {
    /// Their medium, their event, the edit that has brought their medium, or their key. Live links and ended
    /// ones are found apart.
    Apart,
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
        let is_apart = self.mxc.is_some()
            || self.event_id.is_some()
            || self.shown_by.is_some()
            || self.key_id.is_some();
        if is_apart {
            Finder::Apart
        } else if self.room_id.is_some() || has_sender {
            Finder::RoomOrSender
        } else {
            Finder::Time
        }
    }
}

/// A comparison with the number of a Matrix ID, which follows.
macro_rules! is_numbered {
    ($start:literal) => {
        concat!($start, "(SELECT id FROM matrix_ids WHERE matrix_id = ")
    };
}

/// Adds a comparison with a value, if there is one.
fn push_equal(
    query: &mut QueryBuilder,
    start: &'static str,
    value: Option<&str>,
    end: &'static str,
) {
    if let Some(value) = value {
        query.push(start).push_bind(value.to_owned()).push(end);
    }
}

/// Adds the conditions to a query on `links AS l`, except for time and state.
pub(super) fn push_criteria(query: &mut QueryBuilder, bridge: Option<&str>, criteria: &Criteria) {
    let finder = criteria.finder();
    // Where something else finds them, not by the bridge, which has most links, nor by the room.
    push_equal(
        query,
        match finder {
            Finder::Time => " AND l.bridge = ",
            Finder::Apart | Finder::RoomOrSender => " AND l.bridge || '' = ",
        },
        bridge,
        "",
    );
    push_equal(
        query,
        match finder {
            Finder::Apart => is_numbered!(" AND + l.room = "),
            Finder::Time | Finder::RoomOrSender => is_numbered!(" AND l.room = "),
        },
        criteria.room_id.as_deref(),
        ")",
    );
    let event_id = criteria.event_id.as_deref();
    push_equal(
        query,
        " AND l.event_id <> '' AND l.event_id = ",
        event_id,
        "",
    );
    if let Some(mxc) = criteria.mxc.as_deref() {
        query
            .push(match event_id {
                Some(_) => " AND + l.media_reference_id IN (SELECT id FROM media_references WHERE ",
                None => " AND l.media_reference_id IN (SELECT id FROM media_references WHERE ",
            })
            .push_is_mxc("mxc", mxc.to_owned())
            .push(")");
    }
    let sender = criteria.sender.as_deref();
    push_equal(
        query,
        is_numbered!(" AND l.sender IS NOT NULL AND l.sender = "),
        sender.filter(|sender| !sender.is_empty()),
        ")",
    );
    if sender == Some("") {
        query.push(" AND l.sender IS NULL");
    }
    if let Some(edit) = &criteria.shown_by {
        query
            .push(" AND l.shown_by <> '' AND l.shown_by = ")
            .push_bind(edit);
    }
    if let Some(key_id) = criteria.key_id {
        query.push(" AND l.key_id = ").push_bind(i64::from(key_id));
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
                .push(concat!(") AND NOT EXISTS (", decided_end!(), ")"));
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
