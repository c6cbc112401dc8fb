//! Small objects that were read recently, in memory.

use std::{num::NonZeroUsize, sync::Arc};

use bytes::Bytes;
use lru::LruCache;

use crate::media::{head::MediaHead, object_key::ObjectKey};

/// The largest object that is kept, in bytes.
const MAX_OBJECT_BYTES: u64 = 1 << 20;
/// The most bytes that all objects have together.
const MAX_BYTES: u64 = 32 << 20;
/// The approximate cost of an object beside its bytes.
const OVERHEAD_BYTES: u64 = 512;
/// For how many objects the time of their last note is cached.
pub(super) const MAX_NOTES: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

/// Whether an object of this length is kept in memory.
pub(super) fn is_small(length: u64) -> bool {
    length <= MAX_OBJECT_BYTES
}

/// Small objects, least recently used first.
pub(super) struct Memory {
    objects: LruCache<ObjectKey, (Arc<MediaHead>, Bytes)>,
    held: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            objects: LruCache::unbounded(),
            held: 0,
        }
    }
}

impl Memory {
    pub(super) fn get(&mut self, key: &ObjectKey) -> Option<(Arc<MediaHead>, Bytes)> {
        self.objects
            .get(key)
            .map(|(head, bytes)| (Arc::clone(head), bytes.clone()))
    }

    pub(super) fn insert(&mut self, key: ObjectKey, head: Arc<MediaHead>, bytes: Bytes) {
        self.held += cost(&bytes);
        if let Some((_, old)) = self.objects.put(key, (head, bytes)) {
            self.held -= cost(&old);
        }
        while self.held > MAX_BYTES
            && let Some((_, (_, old))) = self.objects.pop_lru()
        {
            self.held -= cost(&old);
        }
    }

    pub(super) fn has(&self, key: &ObjectKey) -> bool {
        self.objects.contains(key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = ObjectKey> {
        self.objects.iter().map(|(key, _)| *key)
    }

    pub(super) fn remove(&mut self, key: &ObjectKey) {
        if let Some((_, old)) = self.objects.pop(key) {
            self.held -= cost(&old);
        }
    }
}

fn cost(bytes: &Bytes) -> u64 {
    bytes.len() as u64 + OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_the_least_recently_used_object_goes_first() {
        let key = |n: u8| ObjectKey::from_hex(&format!("{n:02x}").repeat(32)).expect("a key");
        let mut memory = Memory::default();
        let object = Bytes::from(vec![0; 1 << 20]);
        for n in 0..40 {
            memory.insert(key(n), Arc::default(), object.clone());
            assert!(memory.get(&key(0)).is_some() || n == 0);
        }
        assert!(memory.held <= MAX_BYTES);
        assert!(memory.get(&key(1)).is_none() && memory.get(&key(39)).is_some());
        memory.insert(key(0), Arc::default(), Bytes::new());
        for n in 0..40 {
            memory.remove(&key(n));
        }
        assert_eq!(memory.held, 0);
    }
}
