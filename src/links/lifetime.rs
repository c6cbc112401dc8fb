//! How long links live, pure.

use std::time::Duration;

use crate::{clock::millis, config::Lifetime, storage::room_policies::RoomPolicy};

/// A lifetime as the room's policy allows it.
pub(super) fn bounded(lifetime: Lifetime, policy: &RoomPolicy) -> Lifetime {
    let longest = policy
        .max_lifetime_s()
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map(Duration::from_secs);
    match (lifetime, longest) {
        (_, None) => lifetime,
        (Lifetime::For(span), Some(longest)) if span <= longest => lifetime,
        (_, Some(longest)) => Lifetime::For(longest),
    }
}

/// Links are issued at whole seconds, since tokens carry no fractions.
pub(super) fn whole_second(now: i64) -> i64 {
    now / 1000 * 1000
}

/// A lifetime in seconds, rounded up; 0: for ever.
pub(super) fn lifetime_s(lifetime: Lifetime) -> u32 {
    match lifetime {
        Lifetime::Never => 0,
        Lifetime::For(span) => {
            let seconds = span.as_millis().div_ceil(1000);
            u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
        }
    }
}

/// When a link of this lifetime expires, in milliseconds since the epoch; `None`: never.
pub(super) fn expiry(issued_at: i64, lifetime: Lifetime) -> Option<i64> {
    match lifetime_s(lifetime) {
        0 => None,
        seconds => Some(issued_at + millis(Duration::from_secs(seconds.into()))),
    }
}
