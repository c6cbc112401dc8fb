//! Budgets: amounts that survive restarts, and that all services on one database share within seconds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::FutureExt;
use hmac::{Hmac, KeyInit, Mac};
use lru::LruCache;
use sha2::Sha256;

use crate::{
    clock::Clock,
    config::LimitsConfig,
    storage::{
        Database, StorageError,
        budgets::{self, BudgetChange, UsedBudget},
    },
};

use super::{
    allowance::{Allowance, MS},
    limited::{Limit, Limited},
};

/// How many budgets of which something is used are held in memory: of more than these, the one that was used least
/// recently is forgotten. Each takes about 120 bytes.
const MAX_HELD: usize = 1 << 17;
/// The most bytes that an answer takes before it begins.
const MOST_PROVIDED: u64 = 1 << 20;
/// How far back to look for changes of others: longer than a write takes that began earlier and ends later.
const LOOK_BACK: i64 = 10_000 * MS;

/// What a budget is counted by.
type Digest = [u8; 16];

/// A budget of somebody.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    limit: Limit,
    allowance: Allowance,
    digest: Digest,
}

impl Budget {
    /// What an answer takes of it before it begins: of several that begin at the same moment, the next one sees it.
    pub(super) fn provision(&self) -> u64 {
        self.allowance.share_of(16).min(MOST_PROVIDED)
    }
}

/// What is used of a budget.
#[derive(Debug, Clone, Copy)]
struct Use {
    allowance: Allowance,
    /// When nothing is used any more, in nanoseconds since the epoch.
    free_at: i64,
    /// By how much that has become later, and the database does not know.
    unsent: i64,
}

/// All budgets.
pub(super) struct Budgets {
    allowances: ArcSwap<HashMap<Limit, Allowance>>,
    digests: Hmac<Sha256>,
    clock: Clock,
    held: Mutex<Held>,
}

struct Held {
    uses: LruCache<Digest, Use>,
    /// What the database has told of budgets that are not held.
    told: HashMap<Digest, i64>,
}

impl Held {
    /// When nothing of a budget is used any more.
    fn free_at(&self, digest: &Digest) -> i64 {
        let held = self.uses.peek(digest).map(|used| used.free_at);
        held.or_else(|| self.told.get(digest).copied()).unwrap_or(0)
    }

    /// How long to wait until something is left of a budget, in nanoseconds.
    fn wait(&self, budget: &Budget, now: i64) -> i64 {
        budget.allowance.wait(self.free_at(&budget.digest), 1, now)
    }

    /// Uses of a budget, or gives back, what flows back in that time.
    fn change(&mut self, budget: &Budget, later_by: i64, now: i64) {
        let free_at = budget
            .allowance
            .later(self.free_at(&budget.digest), later_by, now);
        let used = self.uses.get_or_insert_mut(budget.digest, || Use {
            allowance: budget.allowance,
            free_at,
            unsent: 0,
        });
        used.allowance = budget.allowance;
        used.free_at = free_at;
        used.unsent = used.unsent.saturating_add(later_by);
        self.told.remove(&budget.digest);
        if self.uses.len() > MAX_HELD {
            self.uses.pop_lru();
        }
    }
}

impl Budgets {
    pub(super) fn new(config: &LimitsConfig, secret: &[u8; 32], clock: &Clock) -> Self {
        Self {
            allowances: ArcSwap::from_pointee(allowances(config)),
            digests: Hmac::new_from_slice(secret).expect("HMAC takes keys of any length"),
            clock: clock.clone(),
            held: Mutex::new(Held {
                uses: LruCache::unbounded(),
                told: HashMap::new(),
            }),
        }
    }

    /// Takes other budgets over.
    pub(super) fn configure(&self, config: &LimitsConfig) {
        self.allowances.store(Arc::new(allowances(config)));
    }

    /// Whether there are none.
    pub(super) fn are_none(&self) -> bool {
        self.allowances.load().is_empty()
    }

    /// The budget of somebody, if there is such a limit.
    pub(super) fn of(&self, limit: Limit, whose: &str) -> Option<Budget> {
        let allowance = *self.allowances.load().get(&limit)?;
        let mut digest = self.digests.clone();
        digest.update(limit.as_str().as_bytes());
        digest.update(b"\n");
        digest.update(whose.as_bytes());
        let digest = digest.finalize().into_bytes();
        Some(Budget {
            limit,
            allowance,
            digest: digest.first_chunk().copied().unwrap_or_default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.clock.now_ms() * MS
    }

    /// How long to wait until something is left of all of these, in nanoseconds.
    pub(super) fn wait(&self, of: impl IntoIterator<Item = Budget>) -> i64 {
        let (now, held) = (self.now(), self.lock());
        let waits = of.into_iter().map(|budget| held.wait(&budget, now));
        waits.max().unwrap_or(0)
    }

    /// Takes amounts of these, if something is left of each; otherwise nothing.
    pub(super) fn take(&self, of: &[(Budget, u64)]) -> Result<(), Limited> {
        let now = self.now();
        let mut held = self.lock();
        let waits = of
            .iter()
            .map(|(budget, _)| (budget.limit, held.wait(budget, now)));
        if let Some((limit, wait)) = waits
            .filter(|(_, wait)| *wait > 0)
            .max_by_key(|(_, wait)| *wait)
        {
            return Err(Limited::new(limit, wait));
        }
        for (budget, amount) in of {
            held.change(budget, budget.allowance.cost(*amount), now);
        }
        Ok(())
    }

    /// Uses amounts of these, whether they are left or not; returns how long to wait then until something is left of
    /// all, in nanoseconds.
    pub(super) fn charge(&self, of: impl IntoIterator<Item = (Budget, u64)>) -> i64 {
        let now = self.now();
        let mut held = self.lock();
        let waits = of.into_iter().map(|(budget, amount)| {
            held.change(&budget, budget.allowance.cost(amount), now);
            held.wait(&budget, now)
        });
        waits.max().unwrap_or(0)
    }

    /// Gives back amounts of these, which were taken and are not used.
    pub(super) fn give_back(&self, of: impl IntoIterator<Item = (Budget, u64)>) {
        let now = self.now();
        let mut held = self.lock();
        for (budget, amount) in of {
            held.change(&budget, -budget.allowance.cost(amount), now);
        }
    }

    /// Tells the database what was used here, and learns what was used elsewhere.
    pub(super) async fn share(&self, database: &Database) -> Result<(), StorageError> {
        let now = self.now();
        let changes = self.unsent(now);
        if !changes.is_empty() {
            let sent = changes.clone();
            let write = database.writer().write(move |connection| {
                async move { budgets::change(connection, &sent, now).await }.boxed()
            });
            match write.await {
                Ok(used) => self.learn(used),
                // Nobody knows whether they were noted; to count them again would be too much.
                Err(error @ StorageError::Unsure(_)) => return Err(error),
                Err(error) => {
                    self.keep(changes);
                    return Err(error);
                }
            }
        }
        if !database.is_ours_alone() {
            self.learn(budgets::changed_since(database.reader(), now - LOOK_BACK).await?);
        }
        Ok(())
    }

    /// Learns what was used before this process has started.
    pub(super) async fn load(&self, database: &Database) -> Result<(), StorageError> {
        if !self.are_none() {
            self.learn(budgets::changed_since(database.reader(), 0).await?);
        }
        Ok(())
    }

    /// Forgets budgets of which nothing is used any more, in the database.
    pub(super) async fn forget(&self, database: &Database) -> Result<(), StorageError> {
        let now = self.now();
        let write = database
            .writer()
            .write(move |connection| budgets::forget(connection, now).boxed());
        write.await
    }

    /// Takes out what the database is to be told. Less than a hundredth of a budget is told later, if it grows.
    fn unsent(&self, now: i64) -> Vec<BudgetChange> {
        let mut held = self.lock();
        held.told.retain(|_, free_at| *free_at > now);
        let mut over = Vec::new();
        let mut changes = Vec::new();
        for (digest, used) in held.uses.iter_mut() {
            if used.free_at <= now {
                over.push(*digest);
            } else if used.unsent != 0 && used.allowance.is_noted(used.free_at, now) {
                // Of what was not told before, some may have flowed back.
                let later_by = std::mem::take(&mut used.unsent).min(used.free_at - now);
                let digest = URL_SAFE_NO_PAD.encode(digest);
                changes.push(BudgetChange { digest, later_by });
            }
        }
        for digest in over {
            held.uses.pop(&digest);
        }
        // In one order everywhere, so that no two services wait for each other.
        changes.sort_by(|a, b| a.digest.cmp(&b.digest));
        changes
    }

    fn keep(&self, changes: Vec<BudgetChange>) {
        let mut held = self.lock();
        for change in changes {
            if let Some(used) = digest(&change.digest).and_then(|digest| held.uses.get_mut(&digest))
            {
                used.unsent += change.later_by;
            }
        }
    }

    fn learn(&self, told: Vec<UsedBudget>) {
        let mut held = self.lock();
        for UsedBudget {
            digest: text,
            free_at,
        } in told
        {
            let Some(digest) = digest(&text) else {
                continue;
            };
            match held.uses.peek_mut(&digest) {
                Some(used) => used.free_at = free_at + used.unsent,
                None => {
                    held.told.insert(digest, free_at);
                }
            }
        }
    }
}

fn digest(text: &str) -> Option<Digest> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

fn allowances(config: &LimitsConfig) -> HashMap<Limit, Allowance> {
    let of_bytes = [
        (Limit::ClientBytes, config.per_client.bytes),
        (Limit::LinkBytes, config.per_link.bytes),
        (Limit::RoomBytes, config.per_room.bytes),
    ];
    let of_things = [
        (Limit::LinkFollows, config.per_link.follows),
        (Limit::RoomLinks, config.per_room.links),
        (Limit::SenderLinks, config.per_sender.links),
        (Limit::BridgeLinks, config.per_bridge.links),
        (Limit::BridgePastes, config.per_bridge.pastes),
    ];
    let of_bytes = of_bytes.map(|(limit, rate)| (limit, rate.map(Allowance::from)));
    let of_things = of_things.map(|(limit, rate)| (limit, rate.map(Allowance::from)));
    let all = of_bytes.into_iter().chain(of_things);
    all.filter_map(|(limit, allowance)| Some((limit, allowance?)))
        .collect()
}
