//! A cache of links, so that media which many people open does not cost a lookup in the database each
//! time.

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;

use super::{changes::Changes, links::LinkRow};

/// How many links are cached.
const MAX_LINKS: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// Rows by link ID, each as of the last commit that changed it. Clones share the rows.
#[derive(Debug, Clone)]
pub(super) struct RecentLinks(Arc<Mutex<Rows>>);

#[derive(Debug)]
struct Rows {
    /// Grows whenever something is forgotten.
    generation: u64,
    by_link_id: LruCache<String, Arc<LinkRow>>,
    /// Link IDs by the IDs of their rows.
    link_ids: HashMap<i64, String>,
    /// IDs of the cached rows of each usage.
    of_usage: HashMap<i64, HashSet<i64>>,
}

impl Default for RecentLinks {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Rows {
            generation: 0,
            by_link_id: LruCache::new(MAX_LINKS),
            link_ids: HashMap::new(),
            of_usage: HashMap::new(),
        })))
    }
}

impl RecentLinks {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The row, if it is cached; otherwise the generation to hand to [`put`](Self::put) with the
    /// row that is then read.
    pub(super) fn get(&self, link_id: &str) -> Result<Arc<LinkRow>, u64> {
        let mut rows = self.rows();
        let found = rows.by_link_id.get(link_id).map(Arc::clone);
        found.ok_or(rows.generation)
    }

    /// Caches a row that was read after [`get`](Self::get) returned this generation. If anything was
    /// forgotten since, the row may be out of date, and is not cached.
    pub(super) fn put(&self, generation: u64, row: &Arc<LinkRow>) {
        let mut rows = self.rows();
        if rows.generation == generation {
            rows.insert(row);
        }
    }

    /// Forgets the rows that a commit has changed.
    pub(super) fn forget(&self, changed: &Changes) {
        if changed.is_all {
            self.forget_all();
            return;
        }
        if changed.links.is_empty() && changed.usages.is_empty() {
            return;
        }
        let mut rows = self.rows();
        rows.generation += 1;
        for id in &changed.links {
            rows.remove(*id);
        }
        for usage in &changed.usages {
            for id in rows.of_usage.remove(usage).unwrap_or_default() {
                rows.remove(id);
            }
        }
    }

    /// Forgets everything, since it is not known what has changed.
    pub(super) fn forget_all(&self) {
        let mut rows = self.rows();
        rows.generation += 1;
        rows.by_link_id.clear();
        rows.link_ids.clear();
        rows.of_usage.clear();
    }
}

impl Rows {
    fn insert(&mut self, row: &Arc<LinkRow>) {
        let replaced = self.by_link_id.push(row.link_id.clone(), Arc::clone(row));
        if let Some((_, old)) = replaced {
            self.unlist(&old);
        }
        self.link_ids.insert(row.id, row.link_id.clone());
        let of_usage = self.of_usage.entry(row.media_reference_id).or_default();
        of_usage.insert(row.id);
    }

    fn remove(&mut self, id: i64) {
        let link_id = self.link_ids.get(&id);
        let row = link_id.and_then(|link_id| self.by_link_id.pop(link_id));
        if let Some(row) = row {
            self.unlist(&row);
        }
    }

    fn unlist(&mut self, row: &LinkRow) {
        self.link_ids.remove(&row.id);
        if let Some(ids) = self.of_usage.get_mut(&row.media_reference_id) {
            ids.remove(&row.id);
            if ids.is_empty() {
                self.of_usage.remove(&row.media_reference_id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
