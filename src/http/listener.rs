//! The listeners of the service.

/// A listener of the service. Nothing of one answers on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listener {
    /// For people.
    Public,
    /// For bridges, the homeserver and the operator.
    Internal,
    /// For whoever watches the service.
    Metrics,
}

impl Listener {
    /// Its name in logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Metrics => "metrics",
        }
    }
}
