//! The cache as the rest of the service uses it: finds objects, and has missing ones fetched once
//! for all who want them.

use std::{future::Future, io, sync::Arc};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use crate::{
    config::CacheConfig,
    media::{MediaError, head::MediaHead, object_key::ObjectKey, upstream::FetchedMedia},
    traces,
};

use super::{
    file::StoredObject,
    fill::Fill,
    mark::Mark,
    memory,
    objects::Objects,
    read::OpenFile,
    source::{CachedObject, ObjectSource},
    space::Space,
    state::Lookup,
};

/// The cache of one service. Clones share it.
#[derive(Clone)]
pub struct Cache(Objects);

impl Cache {
    /// Opens the cache in its folder, with the objects of earlier runs.
    ///
    /// # Errors
    /// If the folder cannot be made or read.
    pub fn open(config: &CacheConfig) -> io::Result<Self> {
        Objects::open(config).map(Self)
    }

    /// An object, whole or still being fetched.
    pub(in crate::media) async fn find(&self, key: &ObjectKey) -> Option<CachedObject> {
        match self.0.look(key) {
            Lookup::Found(object) => Some(object),
            Lookup::OnDisk(space) => Box::pin(self.load(key, space)).await,
            Lookup::Nothing => None,
        }
    }

    /// An object; if there is none, it is fetched from now on. `true`: it is fetched because of
    /// this call. `sha256`: the digest that the bytes must have.
    pub(in crate::media) async fn find_or_fetch<F>(
        &self,
        key: &ObjectKey,
        sha256: Option<[u8; 32]>,
        open: impl FnOnce() -> F,
    ) -> (CachedObject, bool)
    where
        F: Future<Output = Result<FetchedMedia, MediaError>> + 'static,
    {
        loop {
            if let Some(object) = self.find(key).await {
                return (object, false);
            }
            let Some((object, reader)) = self.0.state().begin(key, sha256.is_some()) else {
                // Another request was quicker.
                continue;
            };
            let fill = Fill::new(self.0.clone(), *key, object, sha256);
            actix_web::rt::spawn(traces::going_on(fill.run(open())));
            return (CachedObject::Growing(reader), true);
        }
    }

    /// Opens an object that the index holds; one that cannot be opened is removed.
    async fn load(&self, key: &ObjectKey, space: Arc<Space>) -> Option<CachedObject> {
        let (folder, name) = (self.0.folder().clone(), *key);
        let stored = spawn_blocking(move || folder.find(&name)).await.ok();
        let Some(StoredObject { file, head, length }) = stored.flatten() else {
            self.forget(key);
            return None;
        };
        let (head, file) = (Arc::new(head), OpenFile::new(file, space));
        if !memory::is_small(length) {
            return Some(CachedObject::Whole(
                head,
                ObjectSource::File(file, length),
                length,
            ));
        }
        let Some(bytes) = self.load_into_memory(key, &head, file, length).await else {
            self.forget(key);
            return None;
        };
        Some(CachedObject::Whole(
            head,
            ObjectSource::Memory(bytes),
            length,
        ))
    }

    async fn load_into_memory(
        &self,
        key: &ObjectKey,
        head: &Arc<MediaHead>,
        file: OpenFile,
        length: u64,
    ) -> Option<Bytes> {
        let mut source = ObjectSource::File(file, length);
        let mut bytes = Vec::with_capacity(usize::try_from(length).ok()?);
        while let Some(piece) = source
            .read(bytes.len() as u64, bytes.capacity())
            .await
            .ok()?
        {
            bytes.extend_from_slice(&piece);
        }
        let bytes = Bytes::from(bytes);
        self.0
            .state()
            .keep_in_memory(*key, Arc::clone(head), bytes.clone());
        Some(bytes)
    }

    /// How many bytes of the disk it takes, and how many objects it has whole.
    #[must_use]
    pub fn taken(&self) -> (u64, usize) {
        self.0.state().index.taken()
    }

    /// Removes an object that cannot be read.
    pub(in crate::media) fn forget(&self, key: &ObjectKey) {
        self.0.forget(key);
    }

    /// What the folder says of its place in the log of purges, if anything.
    pub(in crate::media) fn mark(&self) -> Option<Mark> {
        self.0.folder().mark()
    }

    /// Notes that place in the folder. If that fails, the cache is emptied at the next start.
    pub(in crate::media) async fn set_mark(&self, mark: Mark) {
        let folder = self.0.folder().clone();
        let written = spawn_blocking(move || folder.set_mark(&mark)).await;
        if let Err(error) = written.unwrap_or_else(|error| Err(io::Error::other(error))) {
            tracing::warn!(%error, "the place of the cache in the log of purges cannot be noted");
        }
    }

    /// Removes all objects, those that are being fetched too.
    pub(in crate::media) async fn empty(&self) {
        let keys = self.0.state().keys();
        self.0.purge(keys).await;
    }

    /// Removes objects, those that are being fetched too: their readers get them to the end, and they
    /// are not kept. The files are gone when this returns.
    pub(in crate::media) async fn purge(&self, keys: Vec<ObjectKey>) {
        self.0.purge(keys).await;
    }
}
