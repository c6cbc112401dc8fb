//! The body of an answer: bytes that are at hand, or a stream of them.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use super::{MediaError, decrypt::Decryption, limited::LimitedBody};

/// The most bytes that one reader gets at once: more would only wait in a buffer.
pub(super) const PIECE_BYTES: usize = 64 << 10;

type PieceStream = Pin<Box<dyn Stream<Item = Result<Bytes, MediaError>>>>;

/// A body, which can be dropped at any time. After an error nothing more comes.
pub enum MediaBody {
    /// Bytes that are at hand.
    Whole(Bytes),
    /// Bytes that are still coming.
    Stream(PieceStream),
}

impl MediaBody {
    /// No bytes at all.
    pub(super) fn empty() -> Self {
        Self::Whole(Bytes::new())
    }

    /// PieceStream as they come.
    pub(super) fn stream(pieces: impl Stream<Item = Result<Bytes, MediaError>> + 'static) -> Self {
        Self::Stream(Box::pin(pieces))
    }

    /// A download, decrypted where it is encrypted.
    pub(super) fn of_homeserver(body: LimitedBody, decryption: Option<Decryption>) -> Self {
        Self::stream(stream::unfold(
            Some((body, decryption)),
            |state| async move {
                let (mut body, mut decryption) = state?;
                loop {
                    let piece = match body.next().await {
                        Ok(Some(piece)) => piece,
                        Ok(None) => return Some((last(decryption)?, None)),
                        Err(error) => return Some((Err(error), None)),
                    };
                    let piece = match &mut decryption {
                        None => Some(piece),
                        Some(decryption) => decryption.push(piece),
                    };
                    if let Some(piece) = piece {
                        return Some((Ok(piece), Some((body, decryption))));
                    }
                }
            },
        ))
    }

    /// Waits for the first bytes, at least `count` if there are that many: they show the type of the
    /// media, and a body that fails before them can still be answered with an error.
    pub(super) async fn begun(self, count: usize) -> Result<(Bytes, Self), MediaError> {
        let mut pieces = match self {
            Self::Whole(bytes) => return Ok((bytes.clone(), Self::Whole(bytes))),
            Self::Stream(pieces) => pieces,
        };
        let mut first: Vec<Bytes> = Vec::new();
        let mut held = 0;
        while held < count {
            let Some(piece) = pieces.next().await.transpose()? else {
                let whole = joined(&first);
                return Ok((whole.clone(), Self::Whole(whole)));
            };
            held += piece.len();
            first.push(piece);
        }
        let start = joined(&first);
        let again = stream::iter([Ok(start.clone())]).chain(pieces);
        Ok((start, Self::stream(again)))
    }

    /// The bytes from `first` on, `count` of them at most.
    pub(super) fn part(self, first: u64, count: u64) -> Self {
        let mut pieces = match self {
            Self::Whole(bytes) => return Self::Whole(slice(&bytes, first, count)),
            Self::Stream(pieces) => pieces,
        };
        let (mut skip, mut left) = (first, count);
        Self::stream(stream::poll_fn(move |context| {
            while left > 0 {
                let Some(piece) = std::task::ready!(pieces.as_mut().poll_next(context)) else {
                    return Poll::Ready(None);
                };
                let piece = match piece {
                    Ok(piece) => piece,
                    Err(error) => return Poll::Ready(Some(Err(error))),
                };
                let part = slice(&piece, skip, left);
                skip = skip.saturating_sub(piece.len() as u64);
                left -= part.len() as u64;
                if !part.is_empty() {
                    return Poll::Ready(Some(Ok(part)));
                }
            }
            Poll::Ready(None)
        }))
    }
}

/// The end of the body: the piece that was held back, if the digest is right.
fn last(decryption: Option<Decryption>) -> Option<Result<Bytes, MediaError>> {
    match decryption?.finish() {
        Some(last) => last.map(Ok),
        None => Some(Err(MediaError::wrong_digest())),
    }
}

fn joined(pieces: &[Bytes]) -> Bytes {
    match pieces {
        [piece] => piece.clone(),
        pieces => Bytes::from(pieces.concat()),
    }
}

fn slice(bytes: &Bytes, first: u64, count: u64) -> Bytes {
    let from = usize::try_from(first)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    let to = from
        .saturating_add(usize::try_from(count).unwrap_or(usize::MAX))
        .min(bytes.len());
    bytes.slice(from..to)
}

impl Stream for MediaBody {
    type Item = Result<Bytes, MediaError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => {
                let count = bytes.len().min(PIECE_BYTES);
                Poll::Ready(Some(Ok(bytes.split_to(count))))
            }
            Self::Stream(pieces) => pieces.as_mut().poll_next(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(of: &[&'static str]) -> MediaBody {
        let pieces: Vec<_> = of
            .iter()
            .map(|piece| Ok(Bytes::from_static(piece.as_bytes())))
            .collect();
        MediaBody::stream(stream::iter(pieces))
    }

    async fn text(mut body: MediaBody) -> String {
        let mut all = Vec::new();
        while let Some(piece) = body.next().await {
            all.extend_from_slice(&piece.expect("no error"));
        }
        String::from_utf8(all).expect("text")
    }

    #[tokio::test]
    async fn a_part_is_cut_out_wherever_the_pieces_end() {
        let whole = "abcdefghij";
        for cut in [
            &["abcdefghij"][..],
            &["a", "bcd", "efghi", "j"],
            &["abcde", "fghij"],
        ] {
            for (first, count) in [(0, 10), (0, 1), (3, 4), (9, 1), (4, 0), (2, 99)] {
                let end = whole.len().min(first + count);
                let part = pieces(cut).part(first as u64, count as u64);
                assert_eq!(text(part).await, whole[first..end], "{first} {count}");
            }
        }
        let part = MediaBody::Whole(Bytes::from_static(b"abcdef")).part(2, 3);
        assert_eq!(text(part).await, "cde");
    }

    #[tokio::test]
    async fn the_first_bytes_are_seen_and_still_come() {
        for count in [0, 1, 2, 4, 5, 9] {
            let (first, body) = pieces(&["ab", "c", "de"])
                .begun(count)
                .await
                .expect("begins");
            assert!(first.len() >= count.min(5));
            assert_eq!(text(body).await, "abcde");
        }
        let failing = stream::iter([Ok(Bytes::from_static(b"ab")), Err(MediaError::Slow)]);
        let begun = MediaBody::stream(failing).begun(3).await;
        assert!(matches!(begun, Err(MediaError::Slow)));
    }
}
