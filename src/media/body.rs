//! The body on its way: size limit, deadline between two pieces, decryption.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use super::{MediaError, decrypt::Decryption};

/// Pieces of a body as the HTTP client gives them.
pub(super) type Upstream = Pin<Box<dyn Stream<Item = Result<Bytes, MediaError>>>>;

/// Reads pieces one by one; each bound is checked where the bytes flow.
pub(super) struct Body {
    pub(super) upstream: Upstream,
    pub(super) decryption: Option<Decryption>,
    /// How many bytes may still come.
    pub(super) allowed: u64,
    /// Whether that is the length that the homeserver told, and not only the most that is allowed.
    /// The chunks of a part can contradict its range.
    pub(super) is_length_told: bool,
    pub(super) stall: Duration,
}

impl Body {
    /// The body as a stream. After an error nothing more comes.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Bytes, MediaError>> {
        stream::unfold(Some(self), |body| async {
            let mut body = body?;
            match body.next_piece().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(body))),
                Ok(None) => match body.decryption.take().map(Decryption::finish) {
                    None | Some(Some(None)) => None,
                    Some(Some(Some(last))) => Some((Ok(last), None)),
                    Some(None) => Some((Err(wrong_digest()), None)),
                },
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    /// The next piece to hand on; `None` at the end of what comes in.
    async fn next_piece(&mut self) -> Result<Option<Bytes>, MediaError> {
        loop {
            let next = tokio::time::timeout(self.stall, self.upstream.next()).await;
            let Some(piece) = next.map_err(|_| MediaError::Slow)?.transpose()? else {
                return Ok(None);
            };
            self.allowed = self
                .allowed
                .checked_sub(piece.len() as u64)
                .ok_or_else(|| self.too_long())?;
            match &mut self.decryption {
                None if piece.is_empty() => {}
                None => return Ok(Some(piece)),
                Some(decryption) => {
                    if let Some(plaintext) = decryption.push(piece) {
                        return Ok(Some(plaintext));
                    }
                }
            }
        }
    }

    fn too_long(&self) -> MediaError {
        if self.is_length_told {
            MediaError::Failed("the body is longer than was told".to_owned())
        } else {
            MediaError::TooLarge
        }
    }
}

fn wrong_digest() -> MediaError {
    MediaError::Failed(
        "the encrypted media does not have the SHA-256 that its event tells".to_owned(),
    )
}

/// A body to hand on, which can be dropped at any time.
pub struct MediaStream(pub(super) Pin<Box<dyn Stream<Item = Result<Bytes, MediaError>>>>);

impl MediaStream {
    /// Waits for the first piece, so that a body that fails before it can be refused in words.
    pub(super) async fn begun(mut self) -> Result<Self, MediaError> {
        Ok(match self.0.next().await.transpose()? {
            None => Self(Box::pin(stream::empty())),
            Some(first) => Self(Box::pin(stream::iter([Ok(first)]).chain(self.0))),
        })
    }
}

impl Stream for MediaStream {
    type Item = Result<Bytes, MediaError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}
