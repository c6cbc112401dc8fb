//! The turn to download a medium for all replicas: whoever has it stores what it has downloaded, and the others wait
//! for that.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};

use crate::{
    media::{cache::ObjectSource, head::MediaHead, object_key::ObjectKey},
    storage::leases::Lease,
};

use super::{
    bucket::{Bucket, Failed},
    format::{BLOCK_BYTES, Blocks},
    health::Way,
};

/// How long the parts of an object are, in bytes: stores take none of less than 5 MiB but the last one, and some ask
/// for parts of one length.
const PART_BYTES: usize = 8 << 20;

/// The turn of this replica. It ends when the object is stored, or this is dropped.
pub(in crate::media) struct Turn {
    bucket: Bucket,
    key: ObjectKey,
    blocks: Blocks,
    runtime: Handle,
    /// Places for objects that are being stored, each of which takes a part in memory.
    places: Arc<Semaphore>,
    /// The lease is held for as long as this is there.
    held: oneshot::Sender<()>,
}

impl Turn {
    /// A turn that holds a lease, which is ours by now.
    pub(super) fn new(
        bucket: Bucket,
        key: ObjectKey,
        blocks: Blocks,
        runtime: Handle,
        places: Arc<Semaphore>,
        lease: Lease,
    ) -> Self {
        let (held, end) = oneshot::channel();
        runtime.spawn(async move {
            let until_dropped = async { drop(end.await) };
            if let Err(error) = lease.during(until_dropped).await {
                tracing::warn!(%error, "the turn to download a medium could not be given back; it runs out");
            }
        });
        Self {
            bucket,
            key,
            blocks,
            runtime,
            places,
            held,
        }
    }

    /// Stores what was downloaded, in a task of its own. `is_kept`: whether it is still to be kept then, and was not
    /// purged meanwhile.
    pub(in crate::media) fn store(
        self,
        head: Arc<MediaHead>,
        source: ObjectSource,
        length: u64,
        is_kept: impl Fn() -> bool + Send + 'static,
    ) {
        let runtime = self.runtime.clone();
        runtime.spawn(async move {
            // A failure has been noted; the others download by themselves.
            if is_kept() && self.store_all(&head, source, length).await.is_ok() && !is_kept() {
                self.bucket.delete(&[self.key]).await;
            }
            drop(self.held);
        });
    }

    async fn store_all(
        &self,
        head: &MediaHead,
        source: ObjectSource,
        length: u64,
    ) -> Result<(), Failed> {
        let _place = self.places.acquire().await.map_err(|_| Failed)?;
        if !self.bucket.is_usable(Way::Write) {
            return Err(Failed);
        }
        let first = self.blocks.first(head, length).map_err(|_| Failed)?;
        let mut sealed = Sealed {
            blocks: self.blocks.clone(),
            source,
            at: 0,
            length,
            number: 1,
            pending: BytesMut::from(&*first),
        };
        let part = sealed.part().await?;
        if sealed.is_at_end() {
            return self.bucket.put(&self.key, part).await;
        }
        if self.bucket.has(&self.key).await? {
            return Ok(());
        }
        let mut upload = self.bucket.begin(&self.key).await?;
        let uploaded = async {
            upload.put(part).await?;
            while !sealed.is_at_end() {
                let part = sealed.part().await?;
                upload.put(part).await?;
            }
            upload.complete().await
        };
        let uploaded = uploaded.await;
        if uploaded.is_err() {
            upload.abort().await;
        }
        uploaded
    }
}

/// An object as it is stored, part by part.
struct Sealed {
    blocks: Blocks,
    source: ObjectSource,
    /// How many bytes of media were read.
    at: u64,
    length: u64,
    /// The number of the next block.
    number: u64,
    pending: BytesMut,
}

impl Sealed {
    fn is_at_end(&self) -> bool {
        self.at == self.length && self.pending.is_empty()
    }

    /// The next part: of the length that all have, but for the last one.
    async fn part(&mut self) -> Result<Bytes, Failed> {
        while self.pending.len() < PART_BYTES && self.at < self.length {
            let mut block = BytesMut::with_capacity(BLOCK_BYTES);
            while block.len() < BLOCK_BYTES && self.at < self.length {
                let left = BLOCK_BYTES - block.len();
                let piece = self.source.read(self.at, left).await;
                // It is shorter than it was, or the disk fails.
                let piece = piece.ok().flatten().ok_or(Failed)?;
                self.at += piece.len() as u64;
                block.extend_from_slice(&piece);
            }
            let digest = self.blocks.digest(self.number, &block);
            self.number += 1;
            self.pending.extend_from_slice(&block);
            self.pending.extend_from_slice(&digest);
        }
        let length = self.pending.len().min(PART_BYTES);
        Ok(self.pending.split_to(length).freeze())
    }
}
