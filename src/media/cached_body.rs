//! Bodies that are read from the cache, and from the homeserver if the cache fails on the way.

use bytes::Bytes;
use futures_util::{StreamExt, stream::unfold};

use medialink_link::matrix::FileKeys;

use super::{
    MediaBody, MediaError,
    body::PIECE_BYTES,
    cache::{ReadError, Source},
    decrypt::Keystream,
    object_key::ObjectKey,
    order::Order,
    reopen::Reopen,
};

/// Where the rest comes from when the cache fails on the way.
pub(super) struct Rescue<R> {
    pub(super) reopen: R,
    pub(super) key: ObjectKey,
    pub(super) order: Order,
    /// The length of the whole, where it is known.
    pub(super) length: Option<u64>,
}

/// A stretch of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    from: u64,
    /// How many bytes at most.
    count: u64,
}

impl Span {
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
    source: &mut Source,
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

/// The bytes of a stretch, decrypted where they are encrypted.
pub(super) fn stream<R: Reopen + 'static>(
    source: Source,
    span: Span,
    file: Option<&FileKeys>,
    rescue: Rescue<R>,
) -> MediaBody {
    let Span { from, count } = span;
    if let (Source::Memory(bytes), None) = (&source, file) {
        return MediaBody::Whole(bytes.clone()).part(from, count);
    }
    let serving = Serving {
        source,
        at: from,
        left: count,
        keystream: file.map(|keys| Keystream::at(keys, from)),
        rescue,
        rescued: None,
    };
    MediaBody::stream(unfold(Some(serving), |serving| async {
        let mut serving = serving?;
        match serving.next().await.transpose()? {
            Ok(piece) => Some((Ok(piece), Some(serving))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

struct Serving<R> {
    source: Source,
    /// The place of the next byte.
    at: u64,
    /// How many bytes are still wanted.
    left: u64,
    keystream: Option<Keystream>,
    rescue: Rescue<R>,
    /// The rest, from the homeserver.
    rescued: Option<MediaBody>,
}

impl<R: Reopen> Serving<R> {
    async fn next(&mut self) -> Result<Option<Bytes>, MediaError> {
        if self.left == 0 {
            return Ok(None);
        }
        if let Some(rest) = &mut self.rescued {
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
                let Rescue {
                    reopen,
                    key,
                    order,
                    length,
                } = &self.rescue;
                let rest = reopen.rest(key, order, *length, self.at).await?;
                let rest = rest.part(0, self.left);
                return self.rescued.insert(rest).next().await.transpose();
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
