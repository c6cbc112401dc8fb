//! The body of a download, with its bounds checked as the bytes come.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream::LocalBoxStream};

use crate::{homeserver::DownloadBody, limits::FetchPlace};

use super::MediaError;

/// The source of a body.
pub(super) enum BodySource {
    /// The homeserver, and the place of the download among others.
    Download {
        body: DownloadBody,
        _place: FetchPlace,
    },
    /// Bytes that were made here.
    Made(Bytes),
    /// The object store that replicas share, or the homeserver where that fails.
    Shared(LocalBoxStream<'static, Result<Bytes, MediaError>>),
}

impl BodySource {
    async fn next(&mut self) -> Result<Option<Bytes>, MediaError> {
        match self {
            Self::Download { body, .. } => {
                let next = body.next().await;
                next.map_err(|error| failed(&format!("the body broke off: {error}")))
            }
            Self::Made(bytes) => Ok(Some(std::mem::take(bytes)).filter(|all| !all.is_empty())),
            Self::Shared(pieces) => pieces.next().await.transpose(),
        }
    }
}

/// Reads pieces one by one; after an error nothing more may be read.
pub(super) struct LimitedBody {
    pub(super) pieces: BodySource,
    /// How many bytes may still come.
    pub(super) allowed: u64,
    /// Whether that is the announced length, and not only the most that is allowed.
    pub(super) is_length_known: bool,
    /// The longest time between two pieces.
    pub(super) stall: Duration,
}

impl LimitedBody {
    /// The next piece, never an empty one; `None` at the end. A body that breaks off, stalls, or is
    /// not as long as announced or allowed is an error.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, MediaError> {
        loop {
            let next = tokio::time::timeout(self.stall, self.pieces.next()).await;
            match next.map_err(|_| MediaError::Slow)? {
                Ok(None) if self.is_length_known && self.allowed > 0 => {
                    return Err(failed("the body is shorter than announced"));
                }
                Ok(None) => return Ok(None),
                Err(error) => return Err(error),
                Ok(Some(piece)) if piece.is_empty() => {}
                Ok(Some(piece)) => {
                    self.allowed = match self.allowed.checked_sub(piece.len() as u64) {
                        Some(left) => left,
                        None if self.is_length_known => {
                            return Err(failed("the body is longer than announced"));
                        }
                        None => return Err(MediaError::TooLarge),
                    };
                    return Ok(Some(piece));
                }
            }
        }
    }
}

fn failed(why: &str) -> MediaError {
    MediaError::Failed(why.to_owned())
}
