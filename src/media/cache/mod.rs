//! The cache: one fetch for many readers, who read while it grows; then a file, and memory for
//! what is small and in demand.
//!
//! Its locks are held for moments and never across a wait. Where the disk fails, media is
//! streamed from the homeserver, as if there were no cache.

mod file;
mod fill;
mod growing;
mod index;
mod memory;
mod read;

use std::{
    collections::HashMap,
    future::Future,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::config::CacheConfig;

use self::{
    file::{Folder, Stored},
    growing::Growing,
    index::Index,
    memory::Memory,
    read::read_at,
};
use super::{MediaError, head::Head, identity::ObjectKey};

use self::fill::Fill;
pub(super) use fill::Fetched;
pub(super) use growing::Reader;

/// How often the use of an object is noted on disk at most.
const NOTE_USE_EVERY: Duration = Duration::from_secs(60);
/// How long the disk is left alone after it has failed.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Why bytes cannot be read from the cache.
#[derive(Debug, Clone)]
pub(super) enum ReadError {
    /// The homeserver has not given them.
    Media(MediaError),
    /// The cache has failed, which has been logged: the homeserver is to be asked.
    Unusable,
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the cache cannot be read");
        Self::Unusable
    }
}

/// Bytes of an object, from wherever they are.
pub(super) enum Source {
    /// From memory.
    Memory(Bytes),
    /// From a whole file.
    File(Arc<std::fs::File>, u64),
    /// From an object that is being fetched.
    Growing(Reader),
}

impl Source {
    /// Up to `max` bytes from `at` on, at least one; `None`: the object ends there.
    pub(super) async fn read(&mut self, at: u64, max: usize) -> Result<Option<Bytes>, ReadError> {
        match self {
            Self::Memory(bytes) => {
                let from = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                let to = from.saturating_add(max).min(bytes.len());
                Ok(Some(bytes.slice(from..to)).filter(|piece| !piece.is_empty()))
            }
            Self::File(_, length) if at >= *length => Ok(None),
            Self::File(file, length) => {
                let left = usize::try_from(*length - at).unwrap_or(usize::MAX);
                Ok(Some(read_at(file, at, left.min(max)).await?))
            }
            Self::Growing(reader) => reader.read(at, max).await,
        }
    }
}

/// What the cache has of an object.
pub(super) enum Found {
    /// All of it: what was told of it, its bytes and their number.
    Whole(Arc<Head>, Source, u64),
    /// Somebody is fetching it.
    Growing(Reader),
}

/// The cache of one service. Clones share it.
#[derive(Clone)]
pub struct Cache(Arc<Shared>);

struct Shared {
    folder: Folder,
    state: Mutex<State>,
}

struct State {
    index: Index,
    memory: Memory,
    growing: HashMap<ObjectKey, Arc<Growing>>,
    growing_in_memory: usize,
    /// When the use of an object was last noted.
    noted: lru::LruCache<ObjectKey, Instant>,
    failed_at: Option<Instant>,
}

impl Cache {
    /// Opens the cache in its folder, with what is there from earlier.
    ///
    /// # Errors
    /// If the folder cannot be made or read.
    pub fn open(config: &CacheConfig) -> io::Result<Self> {
        let (folder, found) = Folder::open(&config.dir)?;
        let mut index = Index::new(config.max_size_bytes);
        for object in found {
            for key in index.insert(object.key, object.size) {
                folder.remove(&key);
            }
        }
        Ok(Self(Arc::new(Shared {
            folder,
            state: Mutex::new(State {
                index,
                memory: Memory::default(),
                growing: HashMap::new(),
                growing_in_memory: 0,
                noted: lru::LruCache::new(memory::MAX_NOTES),
                failed_at: None,
            }),
        })))
    }

    /// What there is of an object.
    pub(super) async fn find(&self, key: &ObjectKey) -> Option<Found> {
        let looked = self.look(key);
        match looked {
            Look::Found(found) => Some(found),
            Look::OnDisk => self.load(key).await,
            Look::Nothing => None,
        }
    }

    /// What there is of an object; if there is nothing, it is fetched from now on. `true`: it is
    /// fetched because of this call. `sha256`: the digest that the bytes must have.
    pub(super) async fn find_or_fetch<F>(
        &self,
        key: &ObjectKey,
        sha256: Option<[u8; 32]>,
        open: impl FnOnce() -> F,
    ) -> (Found, bool)
    where
        F: Future<Output = Result<Fetched, MediaError>> + 'static,
    {
        loop {
            if let Some(found) = self.find(key).await {
                return (found, false);
            }
            let Some((object, reader)) = self.state().begin(key, sha256.is_some()) else {
                // Somebody else was quicker.
                continue;
            };
            let fill = Fill::new(self.clone(), *key, object, sha256);
            actix_web::rt::spawn(fill.run(open()));
            return (Found::Growing(reader), true);
        }
    }

    /// Opens an object that the index holds; one that cannot be opened is taken out.
    async fn load(&self, key: &ObjectKey) -> Option<Found> {
        let (shared, name) = (Arc::clone(&self.0), *key);
        let look = move || shared.folder.find(&name);
        let stored = tokio::task::spawn_blocking(look).await.ok().flatten();
        let Some(Stored { file, head, length }) = stored else {
            self.forget(key);
            return None;
        };
        let (head, file) = (Arc::new(head), Arc::new(file));
        if !memory::is_small(length) {
            return Some(Found::Whole(head, Source::File(file, length), length));
        }
        let Some(bytes) = self.remember(key, &head, &file, length).await else {
            self.forget(key);
            return None;
        };
        Some(Found::Whole(head, Source::Memory(bytes), length))
    }

    /// Takes a small object into memory.
    async fn remember(
        &self,
        key: &ObjectKey,
        head: &Arc<Head>,
        file: &Arc<std::fs::File>,
        length: u64,
    ) -> Option<Bytes> {
        let mut source = Source::File(Arc::clone(file), length);
        let mut bytes = Vec::with_capacity(usize::try_from(length).ok()?);
        while let Some(piece) = source
            .read(bytes.len() as u64, bytes.capacity())
            .await
            .ok()?
        {
            bytes.extend_from_slice(&piece);
        }
        let bytes = Bytes::from(bytes);
        self.state()
            .memory
            .insert(*key, Arc::clone(head), bytes.clone());
        Some(bytes)
    }

    /// Takes an object out that cannot be read.
    pub(super) fn forget(&self, key: &ObjectKey) {
        let mut state = self.state();
        state.index.remove(key);
        state.memory.remove(key);
        drop(state);
        let (shared, key) = (Arc::clone(&self.0), *key);
        tokio::task::spawn_blocking(move || shared.folder.remove(&key));
    }

    /// Takes objects out, those that are being fetched too: their readers get what they came for,
    /// and it is not kept. The files are gone when this returns.
    pub(super) async fn purge(&self, keys: Vec<ObjectKey>) {
        self.state().remove(&keys);
        let shared = Arc::clone(&self.0);
        let remove = move || keys.iter().for_each(|key| shared.folder.remove(key));
        if tokio::task::spawn_blocking(remove).await.is_err() {
            tracing::error!("files of the cache could not be removed");
        }
    }

    /// Keeps what was fetched, unless it was purged meanwhile.
    fn keep_in_memory(&self, key: ObjectKey, object: &Arc<Growing>, head: Arc<Head>, bytes: Bytes) {
        let mut state = self.state();
        if state.is_growing(&key, object) {
            state.memory.insert(key, head, bytes);
        }
    }

    /// The same on disk: the file is there already.
    fn keep_on_disk(&self, key: ObjectKey, object: &Arc<Growing>, size: u64) {
        let mut state = self.state();
        let gone = if state.is_growing(&key, object) {
            state.index.insert(key, size)
        } else {
            vec![key]
        };
        drop(state);
        self.remove_files(gone);
    }

    /// Sets bytes of the cache aside; `false`: there is no room.
    fn reserve(&self, bytes: u64) -> bool {
        let Some(gone) = self.state().index.reserve(bytes) else {
            tracing::warn!("everything that media.cache.max_size allows is being written");
            return false;
        };
        self.remove_files(gone);
        true
    }

    fn release(&self, bytes: u64) {
        self.state().index.release(bytes);
    }

    fn remove_files(&self, keys: Vec<ObjectKey>) {
        if keys.is_empty() {
            return;
        }
        let mut state = self.state();
        for key in &keys {
            state.memory.remove(key);
        }
        drop(state);
        let shared = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            for key in keys {
                shared.folder.remove(&key);
            }
        });
    }

    /// Whether one more object may grow in memory.
    fn begin_in_memory(&self) -> bool {
        let mut state = self.state();
        let may = state.growing_in_memory < fill::MAX_GROWING_IN_MEMORY;
        state.growing_in_memory += usize::from(may);
        may
    }

    fn end_in_memory(&self) {
        self.state().growing_in_memory -= 1;
    }

    /// Ends the growing of an object, so that it can begin anew.
    fn leave(&self, key: &ObjectKey, object: &Arc<Growing>) {
        let mut state = self.state();
        if state.is_growing(key, object) {
            state.growing.remove(key);
        }
    }

    /// The same, if nobody reads it; `true`: it has ended.
    fn leave_if_alone(&self, key: &ObjectKey, object: &Arc<Growing>) -> bool {
        let mut state = self.state();
        let alone = !object.has_readers();
        if alone && state.is_growing(key, object) {
            state.growing.remove(key);
        }
        alone
    }

    /// Notes that the disk has failed, and says so.
    fn failed(&self, error: &io::Error) -> ReadError {
        tracing::error!(%error, "the cache cannot be written; media is streamed from the homeserver");
        self.state().failed_at = Some(Instant::now());
        ReadError::Unusable
    }

    /// Whether the disk may be written to: it has not failed lately.
    fn is_disk_usable(&self) -> bool {
        self.state()
            .failed_at
            .is_none_or(|failed| failed.elapsed() >= REST_AFTER_FAILURE)
    }

    /// Notes now and then on disk that objects are used, for the order after a restart.
    fn note_use(&self, key: ObjectKey) {
        let shared = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            // An object that is not on disk, or no more, has no place in that order.
            drop(shared.folder.note_use(&key));
        });
    }

    /// A look, with the use noted where that is due.
    fn look(&self, key: &ObjectKey) -> Look {
        let mut state = self.state();
        let looked = state.look(key);
        let is_due = !matches!(looked, Look::Nothing) && state.is_use_to_be_noted(key);
        drop(state);
        if is_due {
            self.note_use(*key);
        }
        looked
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a look under the lock has shown.
enum Look {
    Found(Found),
    OnDisk,
    Nothing,
}

impl State {
    fn look(&mut self, key: &ObjectKey) -> Look {
        let on_disk = self.index.touch(key);
        if let Some((head, bytes)) = self.memory.get(key) {
            let length = bytes.len() as u64;
            return Look::Found(Found::Whole(head, Source::Memory(bytes), length));
        }
        if let Some(object) = self.growing.get(key) {
            return Look::Found(Found::Growing(object.reader()));
        }
        if on_disk { Look::OnDisk } else { Look::Nothing }
    }

    /// Begins an object, unless there is something of it.
    fn begin(
        &mut self,
        key: &ObjectKey,
        is_verified_at_end: bool,
    ) -> Option<(Arc<Growing>, Reader)> {
        if !matches!(self.look(key), Look::Nothing) {
            return None;
        }
        let object = Growing::new(is_verified_at_end);
        let reader = object.reader();
        self.growing.insert(*key, Arc::clone(&object));
        Some((object, reader))
    }

    /// Forgets objects, those that are being fetched too.
    fn remove(&mut self, keys: &[ObjectKey]) {
        for key in keys {
            self.index.remove(key);
            self.memory.remove(key);
            self.growing.remove(key);
        }
    }

    /// Whether this fetch of an object is the one that counts.
    fn is_growing(&self, key: &ObjectKey, object: &Arc<Growing>) -> bool {
        let growing = self.growing.get(key);
        growing.is_some_and(|growing| Arc::ptr_eq(growing, object))
    }

    fn is_use_to_be_noted(&mut self, key: &ObjectKey) -> bool {
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
