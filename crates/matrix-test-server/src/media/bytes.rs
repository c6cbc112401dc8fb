//! The bytes of media, held open against a clean-up.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, LocalBoxStream};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use crate::errors::MatrixError;

use super::generate::generated_byte;

const CHUNK_BYTES: usize = 64 * 1024;

pub(crate) enum OpenBytes {
    File(File),
    Generated,
}

/// Streams `length` bytes from `start` on.
pub(crate) fn read(
    bytes: OpenBytes,
    start: u64,
    length: u64,
) -> io::Result<LocalBoxStream<'static, io::Result<Bytes>>> {
    match bytes {
        OpenBytes::File(mut file) => {
            file.seek(SeekFrom::Start(start))?;
            let file = tokio::fs::File::from_std(file).take(length);
            Ok(ReaderStream::with_capacity(file, CHUNK_BYTES).boxed_local())
        }
        OpenBytes::Generated => {
            let end = start.saturating_add(length);
            let chunks = stream::unfold(start, move |at| async move {
                let until = end.min(at.saturating_add(CHUNK_BYTES as u64));
                let chunk: Bytes = (at..until).map(generated_byte).collect::<Vec<_>>().into();
                (!chunk.is_empty()).then_some((Ok(chunk), until))
            });
            Ok(chunks.boxed_local())
        }
    }
}

pub(crate) fn storage(error: &io::Error) -> MatrixError {
    tracing::warn!(%error, "media file");
    MatrixError::internal("Media could not be stored or read")
}
