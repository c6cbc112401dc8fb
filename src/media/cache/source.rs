//! Objects of the cache, and reading their bytes from memory, a file or a running fetch.

use std::sync::Arc;

use bytes::Bytes;

use crate::media::head::MediaHead;

use super::{
    growing::Reader,
    read::{OpenFile, read_at},
    read_error::ReadError,
};

/// The place to read an object's bytes from.
pub(in crate::media) enum ObjectSource {
    /// From memory.
    Memory(Bytes),
    /// From a whole file.
    File(OpenFile, u64),
    /// From an object that is being fetched.
    Growing(Reader),
}

impl ObjectSource {
    /// Up to `max` bytes from `at` on, at least one; `None`: the object ends there.
    pub(in crate::media) async fn read(
        &mut self,
        at: u64,
        max: usize,
    ) -> Result<Option<Bytes>, ReadError> {
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

/// An object of the cache.
pub(in crate::media) enum CachedObject {
    /// A whole object: its head, its bytes and their number.
    Whole(Arc<MediaHead>, ObjectSource, u64),
    /// An object that is being fetched.
    Growing(Reader),
}
