//! The spaces of the objects on disk, and the order in which they are removed: least recently used
//! first, and none that somebody reads.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use lru::LruCache;

use crate::media::object_key::ObjectKey;

use super::space::Space;

/// Spaces by key, in the order of their use. It does not touch files: it names those to remove.
#[derive(Debug)]
pub(super) struct Index {
    entries: LruCache<ObjectKey, Arc<Space>>,
    /// The sum of all spaces in bytes: of entries, of objects being written, and of files without a
    /// name that somebody still reads.
    used: Arc<AtomicU64>,
    max: u64,
}

/// The answer to a wish for space.
#[derive(Debug)]
pub(super) enum Room {
    /// It has been added.
    Given,
    /// These objects have left the index. Once their files are removed and their spaces dropped, there
    /// may be room.
    After(Vec<Evicted>),
    /// There is no room, even without all that nobody reads.
    None,
}

/// An object that has left the index, and whose file is still there.
#[derive(Debug)]
pub(super) struct Evicted {
    pub(super) key: ObjectKey,
    /// Held until the file is gone.
    pub(super) _space: Arc<Space>,
}

impl Index {
    pub(super) fn new(max: u64) -> Self {
        Self {
            entries: LruCache::unbounded(),
            used: Arc::default(),
            max,
        }
    }

    /// How many bytes of the disk are taken, and how many objects are whole.
    pub(super) fn taken(&self) -> (u64, usize) {
        (self.used.load(Ordering::Relaxed), self.entries.len())
    }

    /// Whether there is such an entry.
    pub(super) fn has(&self, key: &ObjectKey) -> bool {
        self.entries.contains(key)
    }

    /// The keys of all entries.
    pub(super) fn keys(&self) -> impl Iterator<Item = ObjectKey> {
        self.entries.iter().map(|(key, _)| *key)
    }

    /// The space of an entry, which is now the most recently used one.
    pub(super) fn touch(&mut self, key: &ObjectKey) -> Option<&Arc<Space>> {
        self.entries.get(key)
    }

    /// Space for an object that is about to be written; none yet.
    pub(super) fn begin(&self) -> Arc<Space> {
        Space::new(&self.used)
    }

    /// Adds bytes to the space of an object.
    pub(super) fn reserve(&mut self, space: &Space, bytes: u64) -> Room {
        let used = self.used.load(Ordering::Relaxed);
        let Some(wanted) = used.checked_add(bytes) else {
            return Room::None;
        };
        let Some(excess) = wanted.checked_sub(self.max).filter(|excess| *excess > 0) else {
            space.grow(bytes);
            return Room::Given;
        };
        match self.evict(excess) {
            gone if gone.is_empty() => Room::None,
            gone => Room::After(gone),
        }
    }

    /// Takes out objects of this many bytes together; none, if there are not so many that nobody reads.
    fn evict(&mut self, bytes: u64) -> Vec<Evicted> {
        let (mut found, mut keys) = (0, Vec::new());
        for (key, space) in self.entries.iter().rev() {
            if found >= bytes {
                break;
            }
            if Arc::strong_count(space) == 1 {
                found += space.bytes();
                keys.push(*key);
            }
        }
        if found < bytes {
            return Vec::new();
        }
        keys.iter().filter_map(|key| self.remove(key)).collect()
    }

    /// Adds a written object, as the most recently used; one that it replaces is gone.
    pub(super) fn insert(&mut self, key: ObjectKey, space: Arc<Space>) {
        self.entries.put(key, space);
    }

    /// Adds the object of an earlier run.
    pub(super) fn restore(&mut self, key: ObjectKey, bytes: u64) {
        let space = self.begin();
        space.grow(bytes);
        self.entries.put(key, space);
    }

    /// Takes out what is too much, after a start with a smaller bound.
    pub(super) fn trim(&mut self) -> Vec<Evicted> {
        let used = self.used.load(Ordering::Relaxed);
        self.evict(used.saturating_sub(self.max))
    }

    /// Removes an entry, whether it is read or not.
    pub(super) fn remove(&mut self, key: &ObjectKey) -> Option<Evicted> {
        let space = self.entries.pop(key)?;
        Some(Evicted {
            key: *key,
            _space: space,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(n: u8) -> ObjectKey {
        ObjectKey::from_hex(&format!("{n:02x}").repeat(32)).expect("a key")
    }

    /// Reserves as the cache does, with files that are removed at once; the keys that are gone.
    fn reserve(index: &mut Index, space: &Space, bytes: u64) -> Option<Vec<ObjectKey>> {
        let mut gone = Vec::new();
        loop {
            match index.reserve(space, bytes) {
                Room::Given => return Some(gone),
                Room::After(evicted) => gone.extend(evicted.iter().map(|one| one.key)),
                Room::None => return None,
            }
        }
    }

    fn store(index: &mut Index, n: u8, bytes: u64) -> Option<Vec<ObjectKey>> {
        let space = index.begin();
        let gone = reserve(index, &space, bytes)?;
        index.insert(key(n), space);
        Some(gone)
    }

    #[test]
    fn the_least_recently_used_object_goes_first() {
        let mut index = Index::new(30);
        for n in 1..=3 {
            assert_eq!(store(&mut index, n, 10), Some(vec![]));
        }
        assert!(index.touch(&key(1)).is_some());
        assert_eq!(store(&mut index, 4, 10), Some(vec![key(2)]));
        let space = index.begin();
        assert_eq!(reserve(&mut index, &space, 15), Some(vec![key(3), key(1)]));
        assert_eq!(reserve(&mut index, &space, 16), None);
        assert!(index.touch(&key(4)).is_some(), "nothing went for nothing");
        drop(space);
        let space = index.begin();
        assert_eq!(reserve(&mut index, &space, 30), Some(vec![key(4)]));
        assert!(index.touch(&key(4)).is_none());
    }

    #[test]
    fn an_object_of_more_than_half_of_the_bound_is_counted_once() {
        let mut index = Index::new(100);
        assert_eq!(store(&mut index, 1, 30), Some(vec![]));
        assert_eq!(store(&mut index, 2, 60), Some(vec![]));
        assert_eq!(index.used.load(Ordering::Relaxed), 90);
        assert!(index.touch(&key(1)).is_some() && index.touch(&key(2)).is_some());
    }

    #[test]
    fn what_is_read_stays_and_counts() {
        let mut index = Index::new(30);
        store(&mut index, 1, 20);
        let reader = index.touch(&key(1)).cloned();
        assert_eq!(store(&mut index, 2, 20), None, "it is read");
        // A purge does not ask.
        drop(index.remove(&key(1)));
        assert_eq!(store(&mut index, 2, 20), None, "its file is still open");
        drop(reader);
        assert_eq!(store(&mut index, 2, 20), Some(vec![]));
    }

    proptest! {
        /// All spaces together never exceed the bound.
        #[test]
        fn the_bound_holds(steps in proptest::collection::vec((0u8..6, 0u8..8, 0u64..60), 0..200)) {
            let mut index = Index::new(100);
            let (mut written, mut read) = (Vec::new(), Vec::new());
            for (step, n, bytes) in steps {
                match step {
                    0 => { store(&mut index, n, bytes); }
                    1 => {
                        let space = index.begin();
                        if reserve(&mut index, &space, bytes).is_some() { written.push(space) }
                    }
                    2 => if let Some(space) = written.pop() { space.shrink_to(bytes) },
                    3 => read.extend(index.touch(&key(n)).cloned()),
                    4 => { read.pop(); }
                    _ => { index.remove(&key(n)); }
                }
                let mut spaces: Vec<&Arc<Space>> = index.entries.iter().map(|(_, space)| space).collect();
                spaces.extend(written.iter().chain(&read));
                spaces.sort_by_key(|space| Arc::as_ptr(space));
                spaces.dedup_by_key(|space| Arc::as_ptr(space));
                let sum: u64 = spaces.iter().map(|space| space.bytes()).sum();
                prop_assert_eq!(sum, index.used.load(Ordering::Relaxed));
                prop_assert!(sum <= 100);
            }
        }
    }
}
