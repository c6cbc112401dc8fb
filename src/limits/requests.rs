//! How many requests clients make, counted by GCRA.

use std::{
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter, clock, middleware::NoOpMiddleware, nanos::Nanos, state::StateStore,
};
use lru::LruCache;

use crate::{clock::Clock, config::Rate};

use super::client::ClientNetwork;

/// How many clients are remembered for one limit: of more than these, the one that was idle for the longest time is
/// forgotten. Each takes about 100 bytes.
pub(super) const MAX_CLIENTS: usize = 1 << 17;

/// Counts the requests of each client.
pub(super) struct Requests {
    limiter: RateLimiter<ClientNetwork, Cells, Ticks, NoOpMiddleware<Nanos>>,
    clock: Clock,
}

impl Requests {
    pub(super) fn new(rate: Rate, clock: &Clock) -> Self {
        let amount = NonZeroU32::new(rate.amount).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(rate.per / amount.get())
            .unwrap_or(Quota::per_second(NonZeroU32::MAX))
            .allow_burst(amount);
        Self {
            limiter: RateLimiter::new(
                quota,
                Cells(Mutex::new(LruCache::unbounded())),
                Ticks(clock.clone()),
            ),
            clock: clock.clone(),
        }
    }

    /// Counts one; the error is how long to wait until it is allowed.
    pub(super) fn count(&self, client: ClientNetwork) -> Result<(), Duration> {
        self.limiter
            .check_key(&client)
            .map_err(|until| until.wait_time_from(now(&self.clock)))
    }
}

/// The service's own clock.
#[derive(Clone)]
struct Ticks(Clock);

impl clock::Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        now(&self.0)
    }
}

fn now(clock: &Clock) -> Nanos {
    Duration::from_millis(clock.now_ms().unsigned_abs()).into()
}

/// What is counted of each client.
struct Cells(Mutex<LruCache<ClientNetwork, Nanos>>);

impl Cells {
    fn lock(&self) -> MutexGuard<'_, LruCache<ClientNetwork, Nanos>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Cells {
    type Key = ClientNetwork;

    fn measure_and_replace<T, F, E>(&self, client: &ClientNetwork, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut cells = self.lock();
        let (outcome, next) = f(cells.get(client).copied())?;
        cells.put(*client, next);
        if cells.len() > MAX_CLIENTS {
            cells.pop_lru();
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn client(n: u32) -> ClientNetwork {
        IpAddr::V4(Ipv4Addr::from_bits(n)).into()
    }

    #[test]
    fn each_client_has_its_own_amount_and_is_told_how_long_to_wait() {
        let clock = Clock::default();
        let per = Duration::from_secs(60);
        let requests = Requests::new(Rate { amount: 3, per }, &clock);
        for _ in 0..3 {
            assert_eq!(requests.count(client(1)), Ok(()));
        }
        let wait = requests.count(client(1)).expect_err("too many");
        assert!(
            wait <= Duration::from_secs(20) && wait > Duration::from_secs(19),
            "{wait:?}"
        );
        assert_eq!(requests.count(client(2)), Ok(()));
        clock.advance(20_000);
        assert_eq!(requests.count(client(1)), Ok(()));
        assert!(requests.count(client(1)).is_err());
    }

    #[test]
    fn a_flood_of_clients_forgets_the_idle_ones() {
        let clock = Clock::default();
        let per = Duration::from_secs(86_400);
        let requests = Requests::new(Rate { amount: 1, per }, &clock);
        let many = u32::try_from(MAX_CLIENTS).expect("fits");
        for n in 0..many + 10 {
            assert_eq!(requests.count(client(n)), Ok(()));
        }
        assert!(requests.count(client(many + 9)).is_err());
        assert_eq!(requests.count(client(0)), Ok(()), "it was forgotten");
    }
}
