//! A body of the homeserver on its way, with its bounds checked where the bytes flow.

use std::time::Duration;

use bytes::Bytes;

use crate::homeserver::{DownloadBody, HomeserverError};

use super::MediaError;

/// Where a body comes from.
pub(super) enum Pieces {
    /// The homeserver.
    Download(DownloadBody),
    /// Bytes that were made here.
    Made(Bytes),
}

impl Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, HomeserverError> {
        match self {
            Self::Download(body) => body.next().await,
            Self::Made(bytes) => Ok(Some(std::mem::take(bytes)).filter(|all| !all.is_empty())),
        }
    }
}

/// Reads pieces one by one; after an error nothing more is to be read.
pub(super) struct LimitedBody {
    pub(super) pieces: Pieces,
    /// How many bytes may still come.
    pub(super) allowed: u64,
    /// Whether that is the length that was told, and not only the most that is allowed.
    pub(super) is_length_told: bool,
    /// The longest time between two pieces.
    pub(super) stall: Duration,
}

impl LimitedBody {
    /// The next piece, never an empty one; `None` at the end.
    ///
    /// # Errors
    /// If the body breaks off, stalls, or is not as long as was told or allowed.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, MediaError> {
        loop {
            let next = tokio::time::timeout(self.stall, self.pieces.next()).await;
            match next.map_err(|_| MediaError::Slow)? {
                Ok(None) if self.is_length_told && self.allowed > 0 => {
                    return Err(failed("the body is shorter than was told"));
                }
                Ok(None) => return Ok(None),
                Err(error) => {
                    return Err(failed(&format!("the body broke off: {error}")));
                }
                Ok(Some(piece)) if piece.is_empty() => {}
                Ok(Some(piece)) => {
                    self.allowed = match self.allowed.checked_sub(piece.len() as u64) {
                        Some(left) => left,
                        None if self.is_length_told => {
                            return Err(failed("the body is longer than was told"));
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
