//! Links that were looked up lately, so that media which many people open does not cost a look
//! into the database each time.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;

use super::links::LinkRow;

/// How many links are remembered.
const MAX_LINKS: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// Rows as they were after a number of commits. The next commit makes all of them old, whatever
/// it changed: so nothing that is acknowledged is ever contradicted by what is remembered.
#[derive(Debug)]
pub(super) struct RecentLinks(Mutex<LruCache<String, (u64, Arc<LinkRow>)>>);

impl Default for RecentLinks {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_LINKS)))
    }
}

impl RecentLinks {
    /// The row, if nothing was committed since it was read.
    pub(super) fn get(&self, link_id: &str, commits: u64) -> Option<Arc<LinkRow>> {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, row) = rows.get(link_id)?;
        (*read_at == commits).then(|| Arc::clone(row))
    }

    /// Remembers a row that was read when there had been that many commits, or more.
    pub(super) fn put(&self, commits: u64, row: &Arc<LinkRow>) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rows.put(row.link_id.clone(), (commits, Arc::clone(row)));
    }
}
