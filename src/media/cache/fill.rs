//! Fetches an object once, for all its readers.

use std::{
    fs::File,
    future::{Future, pending},
    io,
    os::unix::fs::FileExt,
    sync::Arc,
};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use crate::media::{MediaError, head::MediaHead, object_key::ObjectKey, upstream::FetchedMedia};

use super::{
    growing::{Growing, GrowingBytes},
    objects::Objects,
    read_error::ReadError,
};

/// The longest rest that is fetched although nobody reads it any more, in bytes.
const SMALL_REST_BYTES: u64 = 1 << 20;
/// The longest object that grows in memory and goes to the disk at its end, in bytes.
const SMALL_BYTES: u64 = 256 << 10;

/// One fetch. Its readers learn its end, however it ends.
pub(super) struct Fill {
    objects: Objects,
    key: ObjectKey,
    object: Arc<Growing>,
    /// The digest that the bytes must have.
    sha256: Option<[u8; 32]>,
    written: u64,
    /// Bytes of the cache that are set aside for this object.
    reserved: u64,
    is_in_memory: bool,
    file: Option<(NamedTempFile, Arc<File>)>,
}

impl Fill {
    pub(super) fn new(
        objects: Objects,
        key: ObjectKey,
        object: Arc<Growing>,
        sha256: Option<[u8; 32]>,
    ) -> Self {
        let is_in_memory = objects.state().begin_in_memory();
        Self {
            objects,
            key,
            object,
            sha256,
            written: 0,
            reserved: 0,
            is_in_memory,
            file: None,
        }
    }

    /// Fetches to the end, or until nobody reads any more.
    pub(super) async fn run(
        mut self,
        open: impl Future<Output = Result<FetchedMedia, MediaError>>,
    ) {
        match self.fetch(open).await {
            Ok(head) => {
                self.object.announce_end(Ok(()));
                self.keep(head).await;
            }
            Err(error) => {
                // The next request starts a new fetch.
                self.leave();
                self.object.announce_end(Err(error));
            }
        }
    }

    async fn fetch(
        &mut self,
        open: impl Future<Output = Result<FetchedMedia, MediaError>>,
    ) -> Result<Arc<MediaHead>, ReadError> {
        let FetchedMedia { head, mut body } = tokio::select! {
            opened = open => opened.map_err(ReadError::Media)?,
            () = self.wait_until_abandoned(None) => return Err(abandoned()),
        };
        let head = Arc::new(head);
        if let Some(length) = head.length.filter(|length| *length > SMALL_BYTES) {
            self.reserve(length)?;
            self.move_to_file().await?;
        }
        self.object.announce_head(Arc::clone(&head));
        let mut digest = self.sha256.map(|_| Sha256::new());
        loop {
            let rest = head.length.map(|length| length - self.written);
            let piece = tokio::select! {
                piece = body.next() => piece.map_err(ReadError::Media)?,
                () = self.wait_until_abandoned(rest) => return Err(abandoned()),
            };
            let Some(piece) = piece else { break };
            if let Some(digest) = &mut digest {
                digest.update(&piece);
            }
            let length = piece.len() as u64;
            self.append(piece).await?;
            self.written += length;
            self.object.announce_written(self.written);
        }
        if let (Some(expected), Some(digest)) = (self.sha256, digest)
            && !bool::from(digest.finalize().ct_eq(&expected))
        {
            return Err(ReadError::Media(MediaError::wrong_digest()));
        }
        Ok(head)
    }

    /// Waits until nobody reads any more and the rest is too long to be fetched for later.
    async fn wait_until_abandoned(&self, rest: Option<u64>) {
        loop {
            self.object.left_alone().await;
            if rest.is_some_and(|rest| rest <= SMALL_REST_BYTES) {
                pending::<()>().await;
            }
            if self.objects.end_growing_if_alone(&self.key, &self.object) {
                return;
            }
        }
    }

    async fn append(&mut self, piece: Bytes) -> Result<(), ReadError> {
        if self.file.is_none() {
            let length = self.written + piece.len() as u64;
            if self.is_in_memory && length <= SMALL_BYTES {
                if let GrowingBytes::Memory(bytes) = &mut *self.object.store() {
                    bytes.extend_from_slice(&piece);
                }
                return Ok(());
            }
            self.move_to_file().await?;
        }
        self.write(piece, self.written).await
    }

    /// Begins the file of this object.
    async fn begin_file(&mut self) -> Result<Arc<File>, ReadError> {
        if !self.objects.state().is_disk_usable() {
            return Err(ReadError::Unusable);
        }
        let folder = self.objects.folder().clone();
        let begin = move || {
            let file = folder.begin()?;
            let shared = Arc::new(file.as_file().try_clone()?);
            io::Result::Ok((file, shared))
        };
        let begun = blocking(begin).await;
        let (file, shared) = begun.map_err(|error| self.objects.disk_failed(&error))?;
        self.file = Some((file, Arc::clone(&shared)));
        Ok(shared)
    }

    /// Moves the object from memory into a file, in which it goes on growing.
    async fn move_to_file(&mut self) -> Result<(), ReadError> {
        let file = self.begin_file().await?;
        let so_far = match &*self.object.store() {
            GrowingBytes::Memory(bytes) => Bytes::copy_from_slice(bytes),
            GrowingBytes::Whole(_) | GrowingBytes::File(_) => Bytes::new(),
        };
        self.write(so_far, 0).await?;
        *self.object.store() = GrowingBytes::File(file);
        Ok(())
    }

    async fn write(&mut self, bytes: Bytes, at: u64) -> Result<(), ReadError> {
        let end = at + bytes.len() as u64;
        if end > self.reserved {
            self.reserve(end - self.reserved)?;
        }
        let Some((_, file)) = &self.file else {
            return Err(ReadError::Unusable);
        };
        let file = Arc::clone(file);
        let written = blocking(move || file.write_all_at(&bytes, at)).await;
        written.map_err(|error| self.objects.disk_failed(&error))
    }

    fn reserve(&mut self, bytes: u64) -> Result<(), ReadError> {
        if !self.objects.reserve(bytes) {
            return Err(ReadError::Unusable);
        }
        self.reserved += bytes;
        Ok(())
    }

    /// Keeps the fetched object. Its readers have it already; a failure costs the next one a fetch.
    async fn keep(&mut self, head: Arc<MediaHead>) {
        let whole = match &mut *self.object.store() {
            GrowingBytes::Memory(bytes) => Some(Bytes::from(std::mem::take(bytes))),
            GrowingBytes::Whole(_) | GrowingBytes::File(_) => None,
        };
        if let Some(bytes) = whole {
            *self.object.store() = GrowingBytes::Whole(bytes.clone());
            self.objects
                .keep_in_memory(self.key, &self.object, Arc::clone(&head), bytes.clone());
            if self.begin_file().await.is_err() || self.write(bytes, 0).await.is_err() {
                return;
            }
        }
        let Some((file, _)) = self.file.take() else {
            return;
        };
        let (folder, key, length) = (self.objects.folder().clone(), self.key, self.written);
        match blocking(move || folder.finish(file, &key, &head, length)).await {
            Ok(size) => self.objects.keep_on_disk(self.key, &self.object, size),
            Err(error) => {
                self.objects.disk_failed(&error);
            }
        }
    }

    /// Ends this fetch: gives back the bytes that were set aside, and lets the next request start anew.
    fn leave(&mut self) {
        self.objects.state().end_growing(&self.key, &self.object);
        self.objects.release(std::mem::take(&mut self.reserved));
        if std::mem::take(&mut self.is_in_memory) {
            self.objects.state().end_in_memory();
        }
    }
}

impl Drop for Fill {
    /// The fetch has ended, or is given up because its worker stops.
    fn drop(&mut self) {
        self.leave();
        self.object.announce_end(Err(abandoned()));
    }
}

fn abandoned() -> ReadError {
    ReadError::Media(MediaError::Failed("the fetch was given up".to_owned()))
}

/// Runs work that may wait for the disk in a thread for blocking work.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the work was given up")))
}
