//! The bytes of the disk that the cache takes, counted once each: a file's space belongs to its entry and
//! to everybody who holds the file open, and is free when the last of them lets go.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The space of one file. It only grows while it is the state's lock that is held.
#[derive(Debug)]
pub(super) struct Space {
    bytes: AtomicU64,
    used: Arc<AtomicU64>,
}

impl Space {
    /// Space that holds nothing yet, and counts in this sum.
    pub(super) fn new(used: &Arc<AtomicU64>) -> Arc<Self> {
        Arc::new(Self {
            bytes: AtomicU64::new(0),
            used: Arc::clone(used),
        })
    }

    /// Adds bytes, which the caller knows to be free.
    pub(super) fn grow(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives back what is more than this.
    pub(super) fn shrink_to(&self, bytes: u64) {
        let before = self.bytes.fetch_min(bytes, Ordering::Relaxed);
        self.used
            .fetch_sub(before.saturating_sub(bytes), Ordering::Relaxed);
    }

    /// How many bytes it has.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}
