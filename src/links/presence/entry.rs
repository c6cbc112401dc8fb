//! The latest answers about one medium, in memory. Each value may be read while another one is
//! written: at worst, one more question is asked.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

use tokio::sync::Notify;

use super::terms::Terms;

/// No time at all: long ago.
const NEVER: i64 = i64::MIN / 2;

/// The latest answers about one medium. Times are milliseconds since the epoch.
#[derive(Debug)]
pub(super) struct Entry {
    /// The name of its media in memory, whoever asks for it.
    pub(super) of: u64,
    /// Until when it is served without asking.
    holds_until: AtomicI64,
    /// When the homeserver was last known to have it.
    there_at: AtomicI64,
    /// When the homeserver was last asked, or an event was found that vouches for it.
    looked_at: AtomicI64,
    /// Whether the homeserver did not have it when it was last asked.
    is_withheld: AtomicBool,
    /// Whether the database was looked into.
    is_recalled: AtomicBool,
    is_asked_for: AtomicBool,
    answered: Notify,
}

impl Entry {
    /// Nothing is known yet of this media.
    pub(super) fn new(of: u64) -> Self {
        Self {
            of,
            holds_until: AtomicI64::new(NEVER),
            there_at: AtomicI64::new(NEVER),
            looked_at: AtomicI64::new(NEVER),
            is_withheld: AtomicBool::new(false),
            is_recalled: AtomicBool::new(false),
            is_asked_for: AtomicBool::new(false),
            answered: Notify::new(),
        }
    }

    /// Whether it may be served; `None`: the homeserver has to be asked.
    pub(super) fn known(&self, now: i64) -> Option<bool> {
        if self.is_withheld() {
            return Some(false);
        }
        if !self.is_recalled() {
            return None;
        }
        (now < self.holds_until.load(Relaxed)).then_some(true)
    }

    /// The same, if anything was learnt within so many milliseconds.
    pub(super) fn known_within(&self, now: i64, age_ms: i64) -> Option<bool> {
        let is_fresh = now - self.looked_at.load(Relaxed) < age_ms;
        (is_fresh && self.is_recalled()).then_some(!self.is_withheld())
    }

    /// Whether the homeserver has not been known to have it for so long that a reader waits.
    pub(super) fn is_old(&self, now: i64, terms: Terms) -> bool {
        now - self.there_at.load(Relaxed) > terms.beside || !self.is_recalled()
    }

    pub(super) fn is_withheld(&self) -> bool {
        self.is_withheld.load(Relaxed)
    }

    pub(super) fn is_recalled(&self) -> bool {
        self.is_recalled.load(Relaxed)
    }

    pub(super) fn recall(&self, is_missing: bool, now: i64) {
        if is_missing {
            self.withhold(now);
        }
        self.is_recalled.store(true, Relaxed);
    }

    /// The homeserver has it.
    pub(super) fn there(&self, now: i64, terms: Terms) {
        self.there_at.store(now, Relaxed);
        self.is_withheld.store(false, Relaxed);
        self.holds_for(now, terms.revalidate);
    }

    /// The homeserver does not have it.
    pub(super) fn withhold(&self, now: i64) {
        self.is_withheld.store(true, Relaxed);
        self.is_recalled.store(true, Relaxed);
        self.looked_at.store(now, Relaxed);
        self.answered.notify_waiters();
    }

    /// The homeserver has not answered, or nothing that says whether it has it.
    pub(super) fn answered_nothing(&self, now: i64, terms: Terms) {
        self.holds_for(now, Some(terms.pause));
    }

    /// Nothing else is known to speak against it.
    pub(super) fn vouch(&self, now: i64) {
        self.looked_at.store(now, Relaxed);
    }

    fn holds_for(&self, now: i64, span: Option<i64>) {
        let until = span.map_or(i64::MAX, |span| now.saturating_add(span));
        self.holds_until.store(until, Relaxed);
        self.looked_at.store(now, Relaxed);
        self.answered.notify_waiters();
    }

    /// Begins a question; `false`: somebody is asking already.
    pub(super) fn begin(&self) -> bool {
        !self.is_asked_for.swap(true, Relaxed)
    }

    pub(super) fn end(&self) {
        self.is_asked_for.store(false, Relaxed);
        self.answered.notify_waiters();
    }

    /// Waits until the question that was begun is answered.
    pub(super) async fn answer(&self) {
        let answered = self.answered.notified();
        tokio::pin!(answered);
        // From here on no answer is missed.
        answered.as_mut().enable();
        if self.is_asked_for.load(Relaxed) {
            answered.await;
        }
    }
}
