//! The objects of the cache: the folder on disk and its index in memory, changed together. The lock is
//! held for moments and never across a wait.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use crate::{
    config::CacheConfig,
    media::{head::MediaHead, object_key::ObjectKey},
};

use super::{
    file::Folder,
    growing::Growing,
    index::Index,
    read_error::ReadError,
    state::{Lookup, State},
};

/// The objects of one cache. Clones share them.
#[derive(Clone)]
pub(super) struct Objects(Arc<Shared>);

struct Shared {
    folder: Folder,
    state: Mutex<State>,
}

impl Objects {
    /// Takes over a folder, with the objects of earlier runs.
    pub(super) fn open(config: &CacheConfig) -> io::Result<Self> {
        let (folder, stored) = Folder::open(&config.dir)?;
        let mut index = Index::new(config.max_size_bytes);
        for object in stored {
            for key in index.insert(object.key, object.size) {
                folder.remove(&key);
            }
        }
        Ok(Self(Arc::new(Shared {
            folder,
            state: Mutex::new(State::new(index)),
        })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.0.folder
    }

    /// A look, with the use noted where that is due.
    pub(super) fn look(&self, key: &ObjectKey) -> Lookup {
        let mut state = self.state();
        let looked = state.look(key);
        let is_due = !matches!(looked, Lookup::Nothing) && state.take_use_note(key);
        drop(state);
        if is_due {
            self.note_use(*key);
        }
        looked
    }

    /// Notes on disk that an object is used, for the order after a restart.
    fn note_use(&self, key: ObjectKey) {
        let shared = Arc::clone(&self.0);
        spawn_blocking(move || {
            // An object that is not on disk, or no more, has no place in that order.
            drop(shared.folder.note_use(&key));
        });
    }

    /// Removes an object that cannot be read.
    pub(super) fn forget(&self, key: &ObjectKey) {
        self.state().forget(key);
        let (shared, key) = (Arc::clone(&self.0), *key);
        spawn_blocking(move || shared.folder.remove(&key));
    }

    /// Removes objects, those that are being fetched too: their readers get them to the end, and they
    /// are not kept. The files are gone when this returns.
    pub(super) async fn purge(&self, keys: Vec<ObjectKey>) {
        self.state().purge(&keys);
        let shared = Arc::clone(&self.0);
        let remove = move || keys.iter().for_each(|key| shared.folder.remove(key));
        if spawn_blocking(remove).await.is_err() {
            tracing::error!("files of the cache could not be removed");
        }
    }

    /// Keeps a fetched object in memory, unless it was purged meanwhile.
    pub(super) fn keep_in_memory(
        &self,
        key: ObjectKey,
        object: &Arc<Growing>,
        head: Arc<MediaHead>,
        bytes: Bytes,
    ) {
        let mut state = self.state();
        if state.is_growing(&key, object) {
            state.keep_in_memory(key, head, bytes);
        }
    }

    /// The same on disk: the file is there already.
    pub(super) fn keep_on_disk(&self, key: ObjectKey, object: &Arc<Growing>, size: u64) {
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
    pub(super) fn reserve(&self, bytes: u64) -> bool {
        let Some(gone) = self.state().index.reserve(bytes) else {
            tracing::warn!("everything that media.cache.max_size allows is being written");
            return false;
        };
        self.remove_files(gone);
        true
    }

    pub(super) fn release(&self, bytes: u64) {
        self.state().index.release(bytes);
    }

    fn remove_files(&self, keys: Vec<ObjectKey>) {
        if keys.is_empty() {
            return;
        }
        self.state().drop_from_memory(&keys);
        let shared = Arc::clone(&self.0);
        spawn_blocking(move || {
            for key in keys {
                shared.folder.remove(&key);
            }
        });
    }

    /// Ends the growing of an object if nobody reads it; `true`: it has ended.
    pub(super) fn end_growing_if_alone(&self, key: &ObjectKey, object: &Arc<Growing>) -> bool {
        let mut state = self.state();
        let alone = !object.has_readers();
        if alone {
            state.end_growing(key, object);
        }
        alone
    }

    /// Notes that the disk has failed, and says so in the log.
    pub(super) fn disk_failed(&self, error: &io::Error) -> ReadError {
        tracing::error!(%error, "the cache cannot be written; media is streamed from the homeserver");
        self.state().note_disk_failure();
        ReadError::Unusable
    }
}
