//! Which rooms a reconciliation is for, and its result.

/// Which rooms to compare; all, unless it is restricted.
#[derive(Debug, Clone, Default)]
pub struct ReconcileScope {
    /// Only the rooms of this bridge.
    pub bridge: Option<String>,
    /// Only this room.
    pub room_id: Option<String>,
}

/// The result of a reconciliation.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ReconcileReport {
    /// The number of rooms compared.
    pub rooms: usize,
    /// The number of meta events compared.
    pub events: usize,
    /// The number of usages that wait to be counted anew.
    pub counted_anew: u64,
    /// The number of meta events that were found to have been sent, though their row still waited.
    pub found: usize,
    /// The number of meta events that are redacted again.
    pub redacted_again: usize,
    /// The number of unknown meta events that are redacted.
    pub strays_redacted: usize,
    /// Rooms that could not be read: bridge, room, and why.
    pub unreadable: Vec<(String, String, String)>,
}

impl ReconcileReport {
    /// Both together.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.rooms += other.rooms;
        self.events += other.events;
        self.counted_anew += other.counted_anew;
        self.found += other.found;
        self.redacted_again += other.redacted_again;
        self.strays_redacted += other.strays_redacted;
        self.unreadable.extend(other.unreadable);
        self
    }

    pub(super) fn log(&self) {
        if self.rooms > 0 || !self.unreadable.is_empty() {
            tracing::info!(
                rooms = self.rooms,
                events = self.events,
                counted_anew = self.counted_anew,
                redacted_again = self.redacted_again,
                strays_redacted = self.strays_redacted,
                unreadable = self.unreadable.len(),
                "rooms were compared with the recorded usage"
            );
        }
    }
}
