//! An object while it is being fetched: many read it while it grows.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use crate::media::head::MediaHead;

use super::{
    read::{OpenFile, read_at},
    read_error::ReadError,
};

/// The end of encrypted media that is held back until the digest of the whole is known, in bytes.
const HELD_BACK_BYTES: u64 = 64 << 10;

/// How far a fetch has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    head: Option<Arc<MediaHead>>,
    written: u64,
    end: Option<Result<(), ReadError>>,
}

/// The place of the bytes.
pub(super) enum GrowingBytes {
    /// In memory, and growing.
    Memory(Vec<u8>),
    /// In memory, and complete.
    Whole(Bytes),
    /// In a file that grows.
    File(OpenFile),
}

/// An object that is being fetched.
pub(super) struct Growing {
    progress: watch::Sender<Progress>,
    store: Mutex<GrowingBytes>,
    readers: AtomicUsize,
    left_alone: Notify,
    /// Whether its end is held back until the fetch has ended well.
    is_verified_at_end: bool,
}

impl Growing {
    pub(super) fn new(is_verified_at_end: bool) -> Arc<Self> {
        Arc::new(Self {
            progress: watch::Sender::default(),
            store: Mutex::new(GrowingBytes::Memory(Vec::new())),
            readers: AtomicUsize::new(0),
            left_alone: Notify::new(),
            is_verified_at_end,
        })
    }

    /// One more reader.
    pub(super) fn reader(self: &Arc<Self>) -> Reader {
        self.readers.fetch_add(1, Ordering::Relaxed);
        Reader {
            progress: self.progress.subscribe(),
            object: Arc::clone(self),
        }
    }

    pub(super) fn has_readers(&self) -> bool {
        self.readers.load(Ordering::Relaxed) > 0
    }

    /// Waits until the last reader has left.
    pub(super) async fn left_alone(&self) {
        self.left_alone.notified().await;
    }

    pub(super) fn store(&self) -> MutexGuard<'_, GrowingBytes> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn announce_head(&self, head: Arc<MediaHead>) {
        self.progress
            .send_modify(|progress| progress.head = Some(head));
    }

    pub(super) fn announce_written(&self, written: u64) {
        self.progress
            .send_modify(|progress| progress.written = written);
    }

    pub(super) fn announce_end(&self, end: Result<(), ReadError>) {
        self.progress.send_modify(|progress| {
            progress.end.get_or_insert(end);
        });
    }

    async fn read(&self, at: u64, max: usize) -> Result<Bytes, ReadError> {
        let file = match &*self.store() {
            GrowingBytes::Memory(bytes) => {
                return Ok(Bytes::copy_from_slice(piece(bytes, at, max)));
            }
            GrowingBytes::Whole(bytes) => return Ok(bytes.slice_ref(piece(bytes, at, max))),
            GrowingBytes::File(file) => file.clone(),
        };
        Ok(read_at(&file, at, max).await?)
    }
}

fn piece(bytes: &[u8], at: u64, max: usize) -> &[u8] {
    let from = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    let to = from.saturating_add(max).min(bytes.len());
    &bytes[from..to]
}

/// Reads an object while it grows. The fetch goes on as long as there is one.
pub(in crate::media) struct Reader {
    object: Arc<Growing>,
    progress: watch::Receiver<Progress>,
}

impl Reader {
    /// Waits for the head of the media.
    pub(in crate::media) async fn head(&mut self) -> Result<Arc<MediaHead>, ReadError> {
        self.when(|progress| match (&progress.head, &progress.end) {
            (Some(head), _) => Some(Ok(Arc::clone(head))),
            (None, Some(Err(error))) => Some(Err(error.clone())),
            (None, _) => None,
        })
        .await
    }

    /// Waits until the fetch has ended well.
    pub(in crate::media) async fn ended(&mut self) -> Result<(), ReadError> {
        self.when(|progress| progress.end.clone()).await
    }

    /// The length of the object, if its fetch ends within this time.
    pub(in crate::media) async fn length_within(
        &mut self,
        patience: Duration,
    ) -> Result<Option<u64>, ReadError> {
        match tokio::time::timeout(patience, self.ended()).await {
            Ok(ended) => ended.map(|()| Some(self.arrived())),
            Err(_) => Ok(None),
        }
    }

    /// How many of its bytes have arrived.
    pub(in crate::media) fn arrived(&self) -> u64 {
        self.progress.borrow().written
    }

    /// Up to `max` bytes from `at` on, as soon as there is one; `None`: the object has ended.
    pub(in crate::media) async fn read(
        &mut self,
        at: u64,
        max: usize,
    ) -> Result<Option<Bytes>, ReadError> {
        let held_back = if self.object.is_verified_at_end {
            HELD_BACK_BYTES
        } else {
            0
        };
        let available = self
            .when(|progress| {
                let there = match progress.end {
                    Some(Ok(())) => progress.written,
                    _ => progress.written.saturating_sub(held_back),
                };
                match &progress.end {
                    _ if at < there => Some(Ok(there - at)),
                    Some(end) => Some(end.clone().map(|()| 0)),
                    None => None,
                }
            })
            .await?;
        if available == 0 {
            return Ok(None);
        }
        let max = usize::try_from(available).unwrap_or(usize::MAX).min(max);
        self.object.read(at, max).await.map(Some)
    }

    /// Waits until `ask` finds an answer in the progress.
    async fn when<T>(
        &mut self,
        mut ask: impl FnMut(&Progress) -> Option<Result<T, ReadError>>,
    ) -> Result<T, ReadError> {
        loop {
            if let Some(answer) = ask(&self.progress.borrow_and_update()) {
                return answer;
            }
            // The sender is part of the object, which this reader holds.
            if self.progress.changed().await.is_err() {
                return Err(ReadError::Unusable);
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.object.readers.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.object.left_alone.notify_one();
        }
    }
}
