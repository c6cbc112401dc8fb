//! The state of the cache that its lock protects.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use lru::LruCache;

use crate::media::{head::MediaHead, object_key::ObjectKey};

use super::{
    growing::{Growing, Reader},
    index::{Evicted, Index, Room},
    memory::{MAX_NOTES, Memory},
    source::{CachedObject, ObjectSource},
    space::Space,
};

/// How often the use of an object is noted on disk at most.
const NOTE_USE_EVERY: Duration = Duration::from_secs(60);
/// How long the disk is left alone after it has failed.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(10);
/// How many objects grow in memory at the same time.
const MAX_GROWING_IN_MEMORY: usize = 64;

/// The known objects, and where each is.
pub(super) struct State {
    pub(super) index: Index,
    memory: Memory,
    growing: HashMap<ObjectKey, Arc<Growing>>,
    growing_in_memory: usize,
    /// When the use of an object was last noted.
    noted: LruCache<ObjectKey, Instant>,
    failed_at: Option<Instant>,
}

/// The result of a look under the lock.
pub(super) enum Lookup {
    Found(CachedObject),
    /// On disk, and kept there as long as this is held.
    OnDisk(Arc<Space>),
    Nothing,
}

impl State {
    pub(super) fn new(index: Index) -> Self {
        Self {
            index,
            memory: Memory::default(),
            growing: HashMap::new(),
            growing_in_memory: 0,
            noted: LruCache::new(MAX_NOTES),
            failed_at: None,
        }
    }

    pub(super) fn look(&mut self, key: &ObjectKey) -> Lookup {
        let on_disk = self.index.touch(key).map(Arc::clone);
        if let Some((head, bytes)) = self.memory.get(key) {
            let length = bytes.len() as u64;
            return Lookup::Found(CachedObject::Whole(
                head,
                ObjectSource::Memory(bytes),
                length,
            ));
        }
        if let Some(object) = self.growing.get(key) {
            return Lookup::Found(CachedObject::Growing(object.reader()));
        }
        on_disk.map_or(Lookup::Nothing, Lookup::OnDisk)
    }

    /// Begins an object, unless there is something of it.
    pub(super) fn begin(
        &mut self,
        key: &ObjectKey,
        is_verified_at_end: bool,
    ) -> Option<(Arc<Growing>, Reader)> {
        if !matches!(self.look(key), Lookup::Nothing) {
            return None;
        }
        let object = Growing::new(is_verified_at_end);
        let reader = object.reader();
        self.growing.insert(*key, Arc::clone(&object));
        Some((object, reader))
    }

    /// Takes a whole object into memory.
    pub(super) fn keep_in_memory(&mut self, key: ObjectKey, head: Arc<MediaHead>, bytes: Bytes) {
        self.memory.insert(key, head, bytes);
    }

    /// Adds bytes to the space of an object, if there is room.
    pub(super) fn reserve(&mut self, space: &Space, bytes: u64) -> Room {
        let room = self.index.reserve(space, bytes);
        if let Room::After(gone) = &room {
            for evicted in gone {
                self.memory.remove(&evicted.key);
            }
        }
        room
    }

    /// Forgets a whole object.
    pub(super) fn forget(&mut self, key: &ObjectKey) -> Option<Evicted> {
        self.memory.remove(key);
        self.index.remove(key)
    }

    /// Whether there is a whole object of this key.
    pub(super) fn holds(&self, key: &ObjectKey) -> bool {
        self.index.has(key) || self.memory.has(key)
    }

    /// The keys of all objects, those that are being fetched too. What is in memory is on disk as well, or is in
    /// memory alone because the disk has failed.
    pub(super) fn keys(&self) -> Vec<ObjectKey> {
        let growing = self.growing.keys().copied();
        growing
            .chain(self.index.keys())
            .chain(self.memory.keys())
            .collect()
    }

    /// Forgets objects, those that are being fetched too.
    pub(super) fn purge(&mut self, keys: &[ObjectKey]) -> Vec<Evicted> {
        for key in keys {
            self.growing.remove(key);
        }
        keys.iter().filter_map(|key| self.forget(key)).collect()
    }

    /// Whether this fetch of an object is the one that counts: a purge starts the next one anew.
    pub(super) fn is_growing(&self, key: &ObjectKey, object: &Arc<Growing>) -> bool {
        let growing = self.growing.get(key);
        growing.is_some_and(|growing| Arc::ptr_eq(growing, object))
    }

    /// Ends the growing of an object, so that it can begin anew.
    pub(super) fn end_growing(&mut self, key: &ObjectKey, object: &Arc<Growing>) {
        if self.is_growing(key, object) {
            self.growing.remove(key);
        }
    }

    /// Takes one of the places for objects that grow in memory; `false`: none is free.
    pub(super) fn begin_in_memory(&mut self) -> bool {
        let may = self.growing_in_memory < MAX_GROWING_IN_MEMORY;
        self.growing_in_memory += usize::from(may);
        may
    }

    /// Gives that place back.
    pub(super) fn end_in_memory(&mut self) {
        self.growing_in_memory -= 1;
    }

    pub(super) fn note_disk_failure(&mut self) {
        self.failed_at = Some(Instant::now());
    }

    /// Whether the disk may be written to: it has not failed lately.
    pub(super) fn is_disk_usable(&self) -> bool {
        self.failed_at
            .is_none_or(|failed| failed.elapsed() >= REST_AFTER_FAILURE)
    }

    /// Whether the use of an object is to be noted on disk now; the next time is later.
    pub(super) fn take_use_note(&mut self, key: &ObjectKey) -> bool {
        let now = Instant::now();
        let is_due = self
            .noted
            .get(key)
            .is_none_or(|noted| now.duration_since(*noted) >= NOTE_USE_EVERY);
        if is_due {
            self.noted.put(*key, now);
        }
        is_due
    }
}
