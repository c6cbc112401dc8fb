//! Why bytes cannot be read from the cache.

use std::io;

use crate::media::MediaError;

/// Why bytes cannot be read from the cache.
#[derive(Debug, Clone)]
pub(in crate::media) enum ReadError {
    /// The homeserver did not send them.
    Media(MediaError),
    /// The cache failed, which has been logged: the homeserver has to be asked.
    Unusable,
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the cache cannot be read");
        Self::Unusable
    }
}

impl From<MediaError> for ReadError {
    fn from(error: MediaError) -> Self {
        Self::Media(error)
    }
}
