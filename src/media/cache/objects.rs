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
    index::{Evicted, Index, Room},
    read_error::ReadError,
    space::Space,
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
            index.restore(object.key, object.size);
        }
        for evicted in index.trim() {
            folder.remove(&evicted.key);
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
        let forgotten = self.state().forget(key);
        let (shared, key) = (Arc::clone(&self.0), *key);
        spawn_blocking(move || {
            shared.folder.remove(&key);
            drop(forgotten);
        });
    }

    /// Removes objects, those that are being fetched too: their readers get them to the end, and they
    /// are not kept. The files are gone when this returns.
    pub(super) async fn purge(&self, keys: Vec<ObjectKey>) {
        let purged = self.state().purge(&keys);
        let shared = Arc::clone(&self.0);
        let remove = move || {
            keys.iter().for_each(|key| shared.folder.remove(key));
            drop(purged);
        };
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

    /// The same on disk: the file is there already. Its space becomes that of the entry.
    pub(super) fn keep_on_disk(&self, key: ObjectKey, object: &Arc<Growing>, space: Arc<Space>) {
        let mut state = self.state();
        if state.is_growing(&key, object) {
            state.index.insert(key, space);
            return;
        }
        drop(state);
        let shared = Arc::clone(&self.0);
        spawn_blocking(move || {
            shared.folder.remove(&key);
            drop(space);
        });
    }

    /// Adds bytes to the space of an object, and removes others for it; `false`: there is no room.
    pub(super) async fn reserve(&self, space: &Space, bytes: u64) -> bool {
        loop {
            let room = self.state().reserve(space, bytes);
            match room {
                Room::Given => return true,
                Room::After(gone) => self.remove_files(gone).await,
                Room::None => {
                    tracing::warn!(
                        "everything that media.cache.max_size allows is being written or read"
                    );
                    return false;
                }
            }
        }
    }

    /// Removes files, whose space is free then.
    async fn remove_files(&self, gone: Vec<Evicted>) {
        let shared = Arc::clone(&self.0);
        let remove = move || {
            for evicted in gone {
                shared.folder.remove(&evicted.key);
            }
        };
        if spawn_blocking(remove).await.is_err() {
            tracing::error!("files of the cache could not be removed");
        }
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
