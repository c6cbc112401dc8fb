//! Those who follow the changes of the database.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::watch;

use crate::storage::{changes::Changes, recent::RecentLinks};

/// Those who follow the changes of the database. Clones tell the same ones.
#[derive(Debug, Clone)]
pub(super) struct Followers {
    recent: RecentLinks,
    usage: watch::Sender<()>,
    cache: watch::Sender<()>,
    commits: Arc<AtomicU64>,
}

impl Followers {
    pub(super) fn new(recent: RecentLinks) -> Self {
        Self {
            recent,
            usage: watch::Sender::default(),
            cache: watch::Sender::default(),
            commits: Arc::default(),
        }
    }

    /// Changes with every commit that may give the usage worker something to do.
    pub(super) fn usage(&self) -> watch::Receiver<()> {
        self.usage.subscribe()
    }

    /// Changes with every commit that may give the cache something to purge.
    pub(super) fn cache(&self) -> watch::Receiver<()> {
        self.cache.subscribe()
    }

    /// The number of our commits.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// We have committed these changes.
    pub(super) fn notice_own(&self, changes: &Changes) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.notice(changes);
    }

    /// Somebody has committed these changes.
    pub(super) fn notice(&self, changes: &Changes) {
        self.recent.forget(changes);
        if changes.concerns_usage {
            self.usage.send_replace(());
        }
        if changes.concerns_cache {
            self.cache.send_replace(());
        }
    }

    /// A group of writes may have been committed or not.
    pub(super) fn distrust(&self) {
        self.recent.forget_all();
    }

    /// Another process has committed something.
    pub(super) fn notice_anything(&self) {
        self.recent.forget_all();
        self.usage.send_replace(());
        self.cache.send_replace(());
    }
}
