//! Fetches an object once, for all its readers.

use std::{
    future::{Future, pending},
    io,
    sync::Arc,
};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use crate::media::{
    MediaError, head::MediaHead, object_key::ObjectKey, store::Turn, upstream::FetchedMedia,
};

use super::{
    file::tail,
    growing::{Growing, GrowingBytes},
    objects::Objects,
    read::OpenFile,
    read_error::ReadError,
    source::ObjectSource,
    space::Space,
};

/// The longest rest that is fetched although nobody reads it any more, in bytes.
const SMALL_REST_BYTES: u64 = 1 << 20;
/// The longest object that grows in memory and goes to the disk at its end, in bytes.
const SMALL_BYTES: u64 = 256 << 10;

/// How much more is set aside than has arrived, of an object of unknown length, in bytes.
const STEP_BYTES: u64 = 1 << 20;

/// One fetch. Its readers learn its end, however it ends.
pub(super) struct Fill {
    objects: Objects,
    key: ObjectKey,
    object: Arc<Growing>,
    /// The digest that the bytes must have.
    sha256: Option<[u8; 32]>,
    written: u64,
    /// The end of its file, behind the media.
    tail: Vec<u8>,
    is_in_memory: bool,
    file: Option<GrowingFile>,
}

/// A file that grows, without a name of its own yet.
struct GrowingFile {
    named: NamedTempFile,
    open: OpenFile,
    space: Arc<Space>,
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
            tail: Vec::new(),
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
            Ok((head, turn)) => {
                self.object.announce_end(Ok(()));
                self.keep(Arc::clone(&head)).await;
                if let Some(turn) = turn {
                    self.share(turn, head);
                }
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
    ) -> Result<(Arc<MediaHead>, Option<Box<Turn>>), ReadError> {
        let FetchedMedia {
            head,
            mut body,
            turn,
        } = tokio::select! {
            opened = open => opened.map_err(ReadError::Media)?,
            () = self.wait_until_abandoned(None) => return Err(abandoned()),
        };
        let head = Arc::new(head);
        self.tail = tail(&head).map_err(|error| self.objects.disk_failed(&error))?;
        if let Some(length) = head.length.filter(|length| *length > SMALL_BYTES) {
            self.move_to_file(length).await?;
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
        Ok((head, turn))
    }

    /// Has the object stored for all replicas, unless it is purged before it is.
    fn share(&self, turn: Box<Turn>, head: Arc<MediaHead>) {
        let source = match &*self.object.store() {
            GrowingBytes::Memory(_) => return,
            GrowingBytes::Whole(bytes) => ObjectSource::Memory(bytes.clone()),
            GrowingBytes::File(file) => ObjectSource::File(file.clone(), self.written),
        };
        let (objects, key) = (self.objects.clone(), self.key);
        turn.store(head, source, self.written, move || {
            objects.state().holds(&key)
        });
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
            self.move_to_file(length + STEP_BYTES).await?;
        }
        self.write(piece, self.written).await
    }

    /// Begins the file of this object, with space for so many bytes of media.
    async fn begin_file(&mut self, length: u64) -> Result<OpenFile, ReadError> {
        if !self.objects.state().is_disk_usable() {
            return Err(ReadError::Unusable);
        }
        let space = self.objects.state().index.begin();
        self.reserve(&space, length).await?;
        let folder = self.objects.folder().clone();
        let begin = move || {
            let named = folder.begin()?;
            let shared = named.as_file().try_clone()?;
            io::Result::Ok((named, shared))
        };
        let begun = blocking(begin).await;
        let (named, shared) = begun.map_err(|error| self.objects.disk_failed(&error))?;
        let open = OpenFile::new(shared, Arc::clone(&space));
        self.file = Some(GrowingFile {
            named,
            open: open.clone(),
            space,
        });
        Ok(open)
    }

    /// Moves the object from memory into a file, in which it goes on growing.
    async fn move_to_file(&mut self, length: u64) -> Result<(), ReadError> {
        let file = self.begin_file(length).await?;
        let so_far = match &*self.object.store() {
            GrowingBytes::Memory(bytes) => Bytes::copy_from_slice(bytes),
            GrowingBytes::Whole(_) | GrowingBytes::File(_) => Bytes::new(),
        };
        self.write(so_far, 0).await?;
        *self.object.store() = GrowingBytes::File(file);
        Ok(())
    }

    async fn write(&mut self, bytes: Bytes, at: u64) -> Result<(), ReadError> {
        let Some(file) = &self.file else {
            return Err(ReadError::Unusable);
        };
        let (file, space) = (file.open.clone(), Arc::clone(&file.space));
        let end = at + bytes.len() as u64;
        if end + self.tail.len() as u64 > space.bytes() {
            self.reserve(&space, end + STEP_BYTES).await?;
        }
        let written = blocking(move || file.write_all_at(&bytes, at)).await;
        written.map_err(|error| self.objects.disk_failed(&error))
    }

    /// Makes space for so many bytes of media, and the end of the file.
    async fn reserve(&self, space: &Space, length: u64) -> Result<(), ReadError> {
        let needed = length.saturating_add(self.tail.len() as u64);
        let more = needed.saturating_sub(space.bytes());
        if !self.objects.reserve(space, more).await {
            return Err(ReadError::Unusable);
        }
        let folder = self.objects.folder().clone();
        match blocking(move || folder.has_room(more)).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                tracing::warn!("the disk of media.cache.dir is nearly full; media is streamed");
                Err(ReadError::Unusable)
            }
            Err(error) => Err(self.objects.disk_failed(&error)),
        }
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
            let length = bytes.len() as u64;
            if self.begin_file(length).await.is_err() || self.write(bytes, 0).await.is_err() {
                return;
            }
        }
        let Some(GrowingFile { named, space, .. }) = self.file.take() else {
            return;
        };
        let (folder, key, length) = (self.objects.folder().clone(), self.key, self.written);
        let tail = std::mem::take(&mut self.tail);
        // Of an object of unknown length more was set aside than it has.
        space.shrink_to(length + tail.len() as u64);
        match blocking(move || folder.finish(named, &key, &tail, length)).await {
            Ok(()) => self.objects.keep_on_disk(self.key, &self.object, space),
            Err(error) => {
                self.objects.disk_failed(&error);
            }
        }
    }

    /// Ends this fetch, and lets the next request start anew.
    fn leave(&mut self) {
        self.objects.state().end_growing(&self.key, &self.object);
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
