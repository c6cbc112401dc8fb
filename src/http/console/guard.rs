//! Tokens that are tried: whoever tries wrong ones waits longer each time.
//!
//! A token of 32 random bytes is not guessed. What waits for is that of an operator who has chosen a shorter one, and
//! the load of trying. What is remembered has a bound, and is forgotten with the process.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;

use crate::limits::ClientNetwork;

/// How many wrong tokens a client tries without waiting.
const FREE: u32 = 3;
/// The longest wait of a client, in milliseconds: whoever shares an address with it waits as long.
const LONGEST_MS: i64 = 32_000;
/// After how long without a wrong token a client's are forgotten, in milliseconds.
const FORGET_MS: i64 = 15 * 60_000;
/// How many wrong tokens all clients together try at once, and how often one more is free, in milliseconds.
const TOTAL: i64 = 60;
const TOTAL_EVERY_MS: i64 = 1000;
/// How many clients are remembered that have tried wrong tokens, and that have known the right one.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");
const KNOWN: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");

/// Guards the login. Clones share what they remember.
#[derive(Debug, Clone)]
pub struct LoginGuard(Arc<Mutex<Tries>>);

#[derive(Debug)]
struct Tries {
    wrong: LruCache<ClientNetwork, Wrong>,
    /// Those who have logged in: a flood of others does not keep them out.
    known: LruCache<ClientNetwork, ()>,
    /// When all wrong tokens so far have flowed back, in milliseconds since the epoch.
    total_free_at: i64,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    last: i64,
    until: i64,
}

/// What comes of a token that is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Try {
    /// It is the right one.
    Right,
    /// It is another one.
    Wrong,
    /// It is not looked at; how long to wait, in milliseconds.
    Wait(i64),
}

impl Default for LoginGuard {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Tries {
            wrong: LruCache::new(REMEMBERED),
            known: LruCache::new(KNOWN),
            total_free_at: i64::MIN,
        })))
    }
}

impl LoginGuard {
    /// Takes a token that a client tries at a time, in milliseconds since the epoch.
    pub(super) fn take(&self, client: ClientNetwork, is_right: bool, now: i64) -> Try {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = tries.wrong.get(&client).copied();
        let wrong = wrong.filter(|wrong| now - wrong.last < FORGET_MS);
        let waits = wrong.map_or(0, |wrong| wrong.until - now);
        if waits > 0 {
            return Try::Wait(waits);
        }
        let full = TOTAL * TOTAL_EVERY_MS;
        let taken = tries.total_free_at.max(now);
        let over = taken + TOTAL_EVERY_MS - now - full;
        if over > 0 && tries.known.get(&client).is_none() {
            return Try::Wait(over);
        }
        if is_right {
            tries.wrong.pop(&client);
            tries.known.put(client, ());
            return Try::Right;
        }
        tries.total_free_at = (taken + TOTAL_EVERY_MS).min(now + full);
        let count = wrong.map_or(0, |wrong| wrong.count).saturating_add(1);
        let wrong = Wrong {
            count,
            last: now,
            until: now + wait_ms(count),
        };
        tries.wrong.put(client, wrong);
        Try::Wrong
    }
}

/// How long a client waits after so many wrong tokens.
fn wait_ms(count: u32) -> i64 {
    match count.checked_sub(FREE) {
        None => 0,
        Some(more) => 1000_i64
            .checked_shl(more.min(10))
            .unwrap_or(LONGEST_MS)
            .min(LONGEST_MS),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn client(n: u32) -> ClientNetwork {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n)).into()
    }

    #[test]
    fn whoever_tries_wrong_tokens_waits_longer_each_time() {
        let guard = LoginGuard::default();
        let mut now = 0;
        for expected in [0, 0, 1000, 2000, 4000, 8000, 16_000, 32_000, 32_000] {
            assert_eq!(guard.take(client(1), false, now), Try::Wrong);
            if expected > 0 {
                assert_eq!(guard.take(client(1), true, now), Try::Wait(expected));
            }
            now += expected;
        }
        assert_eq!(guard.take(client(1), true, now), Try::Right);
        assert_eq!(guard.take(client(1), false, now), Try::Wrong);
        assert_eq!(guard.take(client(1), true, now), Try::Right);
    }

    #[test]
    fn others_do_not_wait_for_them_and_all_is_forgotten() {
        let guard = LoginGuard::default();
        for _ in 0..3 {
            assert_eq!(guard.take(client(1), false, 0), Try::Wrong);
        }
        assert_eq!(guard.take(client(1), true, 0), Try::Wait(1000));
        assert_eq!(guard.take(client(2), true, 0), Try::Right);
        assert_eq!(guard.take(client(1), false, FORGET_MS), Try::Wrong);
        assert_eq!(guard.take(client(1), true, FORGET_MS), Try::Right);
    }

    #[test]
    fn a_flood_of_clients_waits_together_and_keeps_out_nobody_who_is_known() {
        let guard = LoginGuard::default();
        assert_eq!(guard.take(client(0), true, 0), Try::Right);
        for n in 1..=60 {
            assert_eq!(guard.take(client(n), false, 0), Try::Wrong, "{n}");
        }
        assert_eq!(guard.take(client(61), false, 0), Try::Wait(1000));
        assert_eq!(guard.take(client(0), true, 0), Try::Right);
        assert_eq!(guard.take(client(61), false, 1000), Try::Wrong);
        assert_eq!(guard.take(client(62), false, 1000), Try::Wait(1000));
        assert_eq!(guard.take(client(62), true, 60_000), Try::Right);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let guard = LoginGuard::default();
        for n in 0..5000 {
            guard.take(client(n), false, i64::from(n) * 1000);
        }
        let tries = guard.0.lock().expect("a lock");
        assert!(tries.wrong.len() <= REMEMBERED.get());
    }
}
