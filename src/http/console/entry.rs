//! Which links are meant, as queries and forms say it.

use url::form_urlencoded;

use crate::{
    pages::{Cell, Field},
    storage::links::Criteria,
};
use medialink_link::LinkState;

use super::{error::ConsoleError, form::Fields};

/// The longest value of a criterion, in bytes: that of Matrix's identifiers and URIs.
const MAX_VALUE: usize = 512;
/// The words of the states, with none before them.
pub(super) const STATES: [&str; 7] = [
    "", "live", "expired", "revoked", "redacted", "gone", "spent",
];

/// Which links are meant.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) bridge: Option<String>,
    pub(super) criteria: Criteria,
}

impl Asked {
    /// Reads it from the fields of a form, or of a query.
    pub(super) fn read(fields: &Fields) -> Result<Self, ConsoleError> {
        let value = |name: &str| match fields.get(name) {
            Some(value) if value.len() > MAX_VALUE => Err(ConsoleError::bad(format!(
                "{name}: found {} bytes; allowed are {MAX_VALUE}.",
                value.len()
            ))),
            value => Ok(value.map(str::to_owned)),
        };
        let state = match fields.get("state") {
            None => None,
            Some(word) => Some(LinkState::parse(word).ok_or_else(|| {
                let allowed = STATES[1..].join(", ");
                ConsoleError::bad(format!(
                    "state: found something else; allowed are {allowed}."
                ))
            })?),
        };
        Ok(Self {
            bridge: value("bridge")?,
            criteria: Criteria {
                room_id: value("room_id")?,
                event_id: value("event_id")?,
                mxc: value("mxc")?,
                sender: value("sender")?,
                state,
                ..Criteria::default()
            },
        })
    }

    /// Names, labels and values of what is given, except for the state.
    fn given(&self) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
        let criteria = &self.criteria;
        [
            ("bridge", "Bridge", &self.bridge),
            ("room_id", "Room", &criteria.room_id),
            ("event_id", "Event", &criteria.event_id),
            ("mxc", "Media", &criteria.mxc),
            ("sender", "Sender", &criteria.sender),
        ]
        .into_iter()
        .filter_map(|(name, label, value)| Some((name, label, value.as_deref()?)))
    }

    /// The same as a query, without the state.
    pub(super) fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.given().map(|(name, _, value)| (name, value)));
        query.finish()
    }

    /// The same as fields that people do not see.
    pub(super) fn hidden(&self) -> Vec<Field> {
        self.given()
            .map(|(name, _, value)| Field::hidden(name, value))
            .collect()
    }

    /// The same for people.
    pub(super) fn facts(&self) -> Vec<(&'static str, Cell)> {
        self.given()
            .map(|(_, label, value)| (label, Cell::text(value)))
            .collect()
    }
}

/// The page of the links that have this value of a criterion.
pub(super) fn links_with(name: &str, value: &str) -> String {
    let mut query = form_urlencoded::Serializer::for_suffix("/console/links?".to_owned(), 15);
    query.append_pair(name, value);
    query.finish()
}

/// The page of a link.
pub(super) fn link_page(link_id: &str) -> String {
    format!("/console/links/{link_id}")
}
