//! An object of the store on its way to readers: a few megabytes at a time, each block verified before it is handed
//! on.

use std::{collections::VecDeque, ops::Range};

use bytes::Bytes;

use crate::media::{head::MediaHead, object_key::ObjectKey};

use super::{
    bucket::{Bucket, Failed},
    format::{Blocks, First, piece_end, sealed_length},
};

/// How much of an object the first request asks for, in bytes: small ones come whole.
const FIRST_BYTES: u64 = 1 << 20;
/// How many blocks the later ones ask for.
const BLOCKS_AT_ONCE: u64 = 64;

/// A whole object of the store that is being read.
pub(in crate::media) struct StoredObject {
    pub(in crate::media) head: MediaHead,
    /// How many bytes of media it has.
    pub(in crate::media) length: u64,
    bucket: Bucket,
    key: ObjectKey,
    blocks: Blocks,
    /// Verified blocks.
    ready: VecDeque<Bytes>,
    /// The number of the next block.
    number: u64,
    /// Where it begins.
    next_at: u64,
    /// How many bytes of media are still to be asked for.
    left: u64,
}

impl StoredObject {
    /// Begins to read an object; `None`: there is none, or none that can be used.
    pub(super) async fn open(
        bucket: &Bucket,
        blocks: Blocks,
        key: &ObjectKey,
    ) -> Result<Option<Self>, Failed> {
        let Some((bytes, stored)) = bucket.read(key, 0..FIRST_BYTES).await? else {
            return Ok(None);
        };
        let first = blocks.read_first(&bytes);
        let first = first.filter(|first| first.ends_at + sealed_length(first.length) == stored);
        let Some(First {
            head,
            length,
            ends_at,
        }) = first
        else {
            bucket.note_damage();
            bucket.delete(&[*key]).await;
            return Err(Failed);
        };
        let mut object = Self {
            head,
            length,
            bucket: bucket.clone(),
            key: *key,
            blocks,
            ready: VecDeque::new(),
            number: 1,
            next_at: ends_at,
            left: length,
        };
        let arrived = bytes.len() as u64;
        let rest = bytes.slice(usize::try_from(ends_at).unwrap_or(bytes.len())..);
        // Whole blocks alone; what is behind them is asked for again.
        let whole = if arrived == stored {
            rest
        } else {
            let sealed = piece_end(0, 1, u64::MAX);
            let blocks = rest.len() as u64 / sealed;
            rest.slice(..usize::try_from(blocks * sealed).unwrap_or(0))
        };
        object.take(&whole).await?;
        Ok(Some(object))
    }

    /// Whether all of it has arrived.
    pub(in crate::media) fn is_here(&self) -> bool {
        self.left == 0
    }

    /// The next bytes; `None` at the end. After an error nothing more comes.
    pub(in crate::media) async fn next(&mut self) -> Result<Option<Bytes>, StoreFailed> {
        if self.ready.is_empty() && self.left > 0 {
            let range = self.next_range();
            let expected = range.end - range.start;
            let read = self.bucket.read(&self.key, range).await;
            // It may have been deleted meanwhile.
            let (piece, _) = read.map_err(|Failed| StoreFailed)?.ok_or(StoreFailed)?;
            if piece.len() as u64 != expected {
                return Err(StoreFailed);
            }
            self.take(&piece).await.map_err(|Failed| StoreFailed)?;
        }
        Ok(self.ready.pop_front())
    }

    fn next_range(&self) -> Range<u64> {
        let end = self.next_at + sealed_length(self.left);
        self.next_at..piece_end(self.next_at, BLOCKS_AT_ONCE, end)
    }

    /// Verifies the blocks of a piece.
    async fn take(&mut self, piece: &Bytes) -> Result<(), Failed> {
        let Some(opened) = self.blocks.open_all(piece, self.number, self.left) else {
            self.bucket.note_damage();
            self.bucket.delete(&[self.key]).await;
            return Err(Failed);
        };
        self.number += opened.len() as u64;
        self.next_at += piece.len() as u64;
        self.left -= opened.iter().map(|block| block.len() as u64).sum::<u64>();
        self.ready.extend(opened);
        Ok(())
    }
}

/// The rest of an object cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct StoreFailed;
