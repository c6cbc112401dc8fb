//! The limits by their names, and what those are told who reach one.

use std::{fmt, time::Duration};

/// A limit, as it is named in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// `limits.per_client.requests`.
    ClientRequests,
    /// `limits.per_client.bytes`.
    ClientBytes,
    /// `limits.per_client.bad_links`.
    ClientBadLinks,
    /// `limits.per_client.streams`.
    ClientStreams,
    /// `limits.per_link.follows`.
    LinkFollows,
    /// `limits.per_link.bytes`.
    LinkBytes,
    /// `limits.per_room.links`.
    RoomLinks,
    /// `limits.per_room.bytes`.
    RoomBytes,
    /// `limits.per_sender.links`.
    SenderLinks,
    /// `limits.per_bridge.links`.
    BridgeLinks,
    /// `limits.per_bridge.pastes`.
    BridgePastes,
    /// Reports of a client, which are limited always.
    Reports,
    /// `limits.total.streams`.
    TotalStreams,
    /// `limits.total.upstream_fetches`.
    TotalFetches,
}

impl Limit {
    /// Its name below `limits`, in metrics and errors.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientRequests => "per_client.requests",
            Self::ClientBytes => "per_client.bytes",
            Self::ClientBadLinks => "per_client.bad_links",
            Self::ClientStreams => "per_client.streams",
            Self::LinkFollows => "per_link.follows",
            Self::LinkBytes => "per_link.bytes",
            Self::RoomLinks => "per_room.links",
            Self::RoomBytes => "per_room.bytes",
            Self::SenderLinks => "per_sender.links",
            Self::BridgeLinks => "per_bridge.links",
            Self::BridgePastes => "per_bridge.pastes",
            Self::Reports => "reports",
            Self::TotalStreams => "total.streams",
            Self::TotalFetches => "total.upstream_fetches",
        }
    }
}

/// A limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// The limit.
    pub limit: Limit,
    /// How long to wait: after that, the same is allowed unless others come first.
    pub retry_after: Duration,
}

impl Limited {
    /// A limit that was reached now, which is counted; `wait`: how long to wait, in nanoseconds.
    pub(super) fn new(limit: Limit, wait: i64) -> Self {
        metrics::counter!("medialink_limited_total", "limit" => limit.as_str()).increment(1);
        Self {
            limit,
            retry_after: Duration::from_nanos(wait.unsigned_abs()),
        }
    }

    /// How long to wait, in whole seconds as `Retry-After` has them (RFC 9110, section 10.2.3).
    #[must_use]
    pub fn retry_after_s(&self) -> u64 {
        let wait = self.retry_after;
        wait.as_secs() + u64::from(wait.subsec_nanos() > 0).max(u64::from(wait.is_zero()))
    }

    /// How long to wait, in milliseconds.
    #[must_use]
    pub fn retry_after_ms(&self) -> u64 {
        u64::try_from(self.retry_after.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limits.{} is reached", self.limit.as_str())
    }
}

impl std::error::Error for Limited {}
