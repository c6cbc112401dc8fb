//! A link that a bridge asks for by its ID.

use medialink_link::LinkState;

use crate::storage::{links::LinkRow, tombstones::Tombstone};

/// A link that a bridge asks for by its ID.
#[derive(Debug, Clone)]
pub enum FoundLink {
    /// As it is recorded.
    Recorded(Box<LinkRow>),
    /// It ended long ago: what is left of it.
    Buried(Tombstone),
}

impl FoundLink {
    /// How it has ended, or that it is live, at a time.
    #[must_use]
    pub fn state_at(&self, now: i64) -> LinkState {
        match self {
            Self::Recorded(row) => row.state_at(now),
            Self::Buried(tombstone) => tombstone.state,
        }
    }
}
