//! The sizes of the objects on disk, and the order in which they are removed: least recently used
//! first.

use lru::LruCache;

use crate::media::object_key::ObjectKey;

/// Sizes by key, in the order of their use. It does not touch files: it names those to remove.
#[derive(Debug)]
pub(super) struct Index {
    entries: LruCache<ObjectKey, u64>,
    /// The sum of all entries, in bytes.
    held: u64,
    /// Bytes that are set aside for objects being written.
    reserved: u64,
    max: u64,
}

impl Index {
    pub(super) fn new(max: u64) -> Self {
        Self {
            entries: LruCache::unbounded(),
            held: 0,
            reserved: 0,
            max,
        }
    }

    /// Whether there is such an entry; it is now the most recently used one.
    pub(super) fn touch(&mut self, key: &ObjectKey) -> bool {
        self.entries.get(key).is_some()
    }

    /// Sets bytes aside for an object that is about to be written. Returns the keys to remove for it;
    /// `None`: there is no room, even with all objects removed.
    pub(super) fn reserve(&mut self, bytes: u64) -> Option<Vec<ObjectKey>> {
        if self.reserved.checked_add(bytes)? > self.max {
            return None;
        }
        self.reserved += bytes;
        Some(self.make_room())
    }

    /// Gives back bytes that were set aside.
    pub(super) fn release(&mut self, bytes: u64) {
        self.reserved = self.reserved.saturating_sub(bytes);
    }

    /// Adds a written object, as the most recently used; returns the keys to remove for it.
    pub(super) fn insert(&mut self, key: ObjectKey, bytes: u64) -> Vec<ObjectKey> {
        self.held += bytes;
        if let Some(old) = self.entries.put(key, bytes) {
            self.held -= old;
        }
        self.make_room()
    }

    /// Removes an entry.
    pub(super) fn remove(&mut self, key: &ObjectKey) {
        if let Some(bytes) = self.entries.pop(key) {
            self.held -= bytes;
        }
    }

    fn make_room(&mut self) -> Vec<ObjectKey> {
        let mut gone = Vec::new();
        while self.held + self.reserved > self.max {
            let Some((key, bytes)) = self.entries.pop_lru() else {
                break;
            };
            self.held -= bytes;
            gone.push(key);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(n: u8) -> ObjectKey {
        ObjectKey::from_hex(&format!("{n:02x}").repeat(32)).expect("a key")
    }

    #[test]
    fn the_least_recently_used_object_goes_first() {
        let mut index = Index::new(30);
        for n in 1..=3 {
            assert!(index.insert(key(n), 10).is_empty());
        }
        assert!(index.touch(&key(1)));
        assert_eq!(index.insert(key(4), 10), [key(2)]);
        assert_eq!(index.reserve(15), Some(vec![key(3), key(1)]));
        assert_eq!(index.reserve(16), None);
        index.release(15);
        assert_eq!(index.reserve(30), Some(vec![key(4)]));
        assert!(!index.touch(&key(4)));
    }

    proptest! {
        /// Held and reserved bytes together never exceed the bound.
        #[test]
        fn the_bound_holds(steps in proptest::collection::vec((0u8..4, 0u8..8, 0u64..60), 0..200)) {
            let mut index = Index::new(100);
            let mut reserved: Vec<u64> = Vec::new();
            for (step, n, bytes) in steps {
                match step {
                    0 => { index.insert(key(n), bytes); }
                    1 => if index.reserve(bytes).is_some() { reserved.push(bytes) },
                    2 => if let Some(bytes) = reserved.pop() { index.release(bytes) },
                    _ => index.remove(&key(n)),
                }
                let held: u64 = index.entries.iter().map(|(_, bytes)| bytes).sum();
                prop_assert_eq!(held, index.held);
                prop_assert_eq!(reserved.iter().sum::<u64>(), index.reserved);
                prop_assert!(index.held + index.reserved <= 100);
            }
        }
    }
}
