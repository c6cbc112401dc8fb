//! Bytes of an object, from wherever they are.

use std::{fs::File, sync::Arc};

use bytes::Bytes;

use crate::media::head::Head;

use super::{growing::Reader, read::read_at, read_error::ReadError};

/// Bytes of an object, from wherever they are.
pub(in crate::media) enum Source {
    /// From memory.
    Memory(Bytes),
    /// From a whole file.
    File(Arc<File>, u64),
    /// From an object that is being fetched.
    Growing(Reader),
}

impl Source {
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
    /// All of it: what was told of it, its bytes and their number.
    Whole(Arc<Head>, Source, u64),
    /// Somebody is fetching it.
    Growing(Reader),
}
