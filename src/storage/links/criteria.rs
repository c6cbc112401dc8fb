//! Which links are meant.

use sqlx::{QueryBuilder, Sqlite};

use medialink_link::LinkState;

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

/// Adds the conditions to a query on `links AS l`.
pub(super) fn push_criteria(
    query: &mut QueryBuilder<Sqlite>,
    bridge: Option<&str>,
    criteria: &Criteria,
    now: i64,
) {
    let mut equal = |column: &'static str, value: Option<&str>| {
        if let Some(value) = value {
            query
                .push(" AND l.")
                .push(column)
                .push(" = ")
                .push_bind(value.to_owned());
        }
    };
    equal("bridge", bridge);
    equal("room_id", criteria.room_id.as_deref());
    equal("event_id", criteria.event_id.as_deref());
    equal("mxc", criteria.mxc.as_deref());
    equal("sender", criteria.sender.as_deref());
    if let Some(issued_before) = criteria.issued_before {
        // When a link was issued that a bridge has made by itself, nobody knows.
        query
            .push(" AND (l.issued_at < ")
            .push_bind(issued_before)
            .push(" OR l.form = 'legacy')");
    }
    match criteria.state {
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
