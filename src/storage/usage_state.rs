//! How usages of media are counted.

/// How a usage is counted, as the API shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageState {
    /// It is not counted by events.
    Disabled,
    /// It will be counted.
    Pending,
    /// A meta event counts it.
    Counted,
    /// No meta event could be sent.
    Failed,
    /// It is not counted any more.
    Released,
}

impl UsageState {
    /// The word used in the API and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Pending => "pending",
            Self::Counted => "counted",
            Self::Failed => "failed",
            Self::Released => "released",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Disabled,
            Self::Pending,
            Self::Counted,
            Self::Failed,
            Self::Released,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
    }
}

/// A usage that has a new link.
#[derive(Debug, Clone)]
pub struct NotedUsage {
    /// The usage.
    pub id: i64,
    /// How it is counted.
    pub state: UsageState,
    /// The meta event that counts it.
    pub event_id: Option<String>,
    /// The copy of its media that is attached to that event, as an mxc URI.
    pub copy: Option<String>,
}
