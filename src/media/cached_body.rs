//! Bodies that are read from the cache, and from the homeserver if the cache fails on the way.

use bytes::Bytes;
use futures_util::{StreamExt, stream::unfold};

use medialink_link::matrix::FileKeys;

use super::{
    MediaBody, MediaError,
    body::PIECE_BYTES,
    cache::{ObjectSource, ReadError},
    decrypt::Keystream,
    object_key::ObjectKey,
    order::Order,
    reopen::Reopen,
};

/// The source of the rest when the cache fails on the way.
pub(super) struct Fallback<R> {
    pub(super) reopen: R,
    pub(super) key: ObjectKey,
    pub(super) order: Order,
    /// The length of the whole, where it is known.
    pub(super) length: Option<u64>,
}

/// Consecutive bytes of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByteSpan {
    from: u64,
    /// How many bytes at most.
    count: u64,
}

impl ByteSpan {
    /// The whole object.
    pub(super) const ALL: Self = Self {
        from: 0,
        count: u64::MAX,
    };

    /// The bytes from the first to the last one, both included.
    pub(super) fn of(first: u64, last: u64) -> Self {
        Self {
            from: first,
            count: last - first + 1,
        }
    }
}

/// The first bytes, decrypted: `count` if there are that many.
pub(super) async fn first_bytes(
    source: &mut ObjectSource,
    count: usize,
    file: Option<&FileKeys>,
) -> Result<Bytes, ReadError> {
    let mut first = Bytes::new();
    while first.len() < count {
        let (at, left) = (first.len() as u64, count - first.len());
        let Some(piece) = source.read(at, left).await? else {
            break;
        };
        first = if first.is_empty() {
            piece
        } else {
            [first, piece].concat().into()
        };
    }
    Ok(match file {
        None => first,
        Some(keys) => Keystream::at(keys, 0).decrypt(first),
    })
}

/// Streams bytes of an object, decrypted where they are encrypted. `fallback` is asked for where the
/// cache may fail on the way.
pub(super) fn stream<R: Reopen + 'static>(
    source: ObjectSource,
    span: ByteSpan,
    file: Option<&FileKeys>,
    fallback: impl FnOnce() -> Fallback<R>,
) -> MediaBody {
    let ByteSpan { from, count } = span;
    if let (ObjectSource::Memory(bytes), None) = (&source, file) {
        return MediaBody::Whole(bytes.clone()).part(from, count);
    }
    let state = CachedStream {
        source,
        at: from,
        left: count,
        keystream: file.map(|keys| Keystream::at(keys, from)),
        fallback: fallback(),
        rest: None,
    };
    MediaBody::stream(unfold(Some(state), |state| async {
        let mut state = state?;
        match state.next().await.transpose()? {
            Ok(piece) => Some((Ok(piece), Some(state))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

/// A body on its way out of the cache.
struct CachedStream<R> {
    source: ObjectSource,
    /// The position of the next byte.
    at: u64,
    /// How many bytes are still to come.
    left: u64,
    keystream: Option<Keystream>,
    fallback: Fallback<R>,
    /// The rest, from the homeserver.
    rest: Option<MediaBody>,
}

impl<R: Reopen> CachedStream<R> {
    async fn next(&mut self) -> Result<Option<Bytes>, MediaError> {
        if self.left == 0 {
            return Ok(None);
        }
        if let Some(rest) = &mut self.rest {
            return rest.next().await.transpose();
        }
        let max = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(PIECE_BYTES);
        let piece = match self.source.read(self.at, max).await {
            Ok(Some(piece)) => piece,
            Ok(None) => return Ok(None),
            Err(ReadError::Media(error)) => return Err(error),
            Err(ReadError::Unusable) => {
                let Fallback {
                    reopen,
                    key,
                    order,
                    length,
                } = &self.fallback;
                let rest = reopen.rest(key, order, *length, self.at).await?;
                let rest = rest.part(0, self.left);
                return self.rest.insert(rest).next().await.transpose();
            }
        };
        self.at += piece.len() as u64;
        self.left -= piece.len() as u64;
        Ok(Some(match &mut self.keystream {
            None => piece,
            Some(keystream) => keystream.decrypt(piece),
        }))
    }
}
