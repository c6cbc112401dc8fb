//! Amounts that flow back: all of it may be used at once, then it comes back evenly.

use crate::config::{ByteRate, Rate};

/// The nanoseconds of a millisecond.
pub(super) const MS: i64 = 1_000_000;

/// An amount, and the time in which all of it flows back.
///
/// What is used of it is kept as the time at which nothing is used any more, in nanoseconds since the epoch: such a
/// time needs no upkeep, and those of several replicas can be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    amount: u64,
    per_ns: i64,
}

impl From<Rate> for Allowance {
    fn from(rate: Rate) -> Self {
        Self::new(rate.amount.into(), rate.per)
    }
}

impl From<ByteRate> for Allowance {
    fn from(rate: ByteRate) -> Self {
        Self::new(rate.bytes, rate.per)
    }
}

impl Allowance {
    fn new(amount: u64, per: std::time::Duration) -> Self {
        Self {
            amount: amount.max(1),
            per_ns: i64::try_from(per.as_nanos()).unwrap_or(i64::MAX / 4),
        }
    }

    /// How long it takes until an amount has flowed back, in nanoseconds.
    pub(super) fn cost(self, amount: u64) -> i64 {
        let cost = i128::from(amount) * i128::from(self.per_ns) / i128::from(self.amount);
        i64::try_from(cost).unwrap_or(i64::MAX / 4)
    }

    /// How long to wait until an amount is there, in nanoseconds; 0: it is. More than there ever is counts as all.
    pub(super) fn wait(self, free_at: i64, amount: u64, now: i64) -> i64 {
        let needed = self.cost(amount.min(self.amount));
        (self.bounded(free_at, now) - now + needed - self.per_ns).max(0)
    }

    /// When nothing is used any more, after what flows back in that time was used now, or was given back.
    pub(super) fn later(self, free_at: i64, by: i64, now: i64) -> i64 {
        self.bounded(free_at, now).saturating_add(by)
    }

    /// What was used long ago is not used any more. Nobody waits for more than twice the time: then a clock was
    /// ahead.
    fn bounded(self, free_at: i64, now: i64) -> i64 {
        free_at.clamp(now, now.saturating_add(self.per_ns.saturating_mul(2)))
    }

    /// One of so many equal shares of the amount, at least 1.
    pub(super) fn share_of(self, shares: u64) -> u64 {
        (self.amount / shares).max(1)
    }

    /// Whether a hundredth or more of the amount is used.
    pub(super) fn is_noted(self, free_at: i64, now: i64) -> bool {
        free_at - now >= self.per_ns / 100
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn all_of_it_comes_at_once_and_then_evenly() {
        for (amount, seconds) in [(1, 1), (7, 60), (1000, 3600), (100_000, 86_400)] {
            let allowance = Allowance::new(amount, Duration::from_secs(seconds));
            let now = 1_790_000_000_000 * MS;
            let mut free_at = 0;
            for n in 0..amount {
                assert_eq!(allowance.wait(free_at, 1, now), 0, "{n} of {amount}");
                free_at = allowance.later(free_at, allowance.cost(1), now);
            }
            let wait = allowance.wait(free_at, 1, now);
            assert!(wait > 0 && wait <= allowance.cost(1), "{wait}");
            assert_eq!(allowance.wait(free_at, 1, now + wait), 0);
            // More than there ever is waits until all is there.
            let all = allowance.wait(free_at, amount * 2, now);
            assert_eq!(allowance.wait(free_at, amount, now), all);
        }
    }

    #[test]
    fn huge_amounts_do_not_overflow() {
        let allowance = Allowance::new(u64::MAX, Duration::from_secs(86_400));
        assert_eq!(allowance.cost(1), 0);
        let tiny = Allowance::new(1, Duration::from_secs(86_400));
        let now = 1_790_000_000_000 * MS;
        let free_at = tiny.later(0, tiny.cost(u64::MAX), now);
        assert!(tiny.wait(free_at, u64::MAX, now) > 0);
    }
}
