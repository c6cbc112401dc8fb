//! Reads files without blocking the worker: bytes in the page cache at once, bytes on disk in a thread
//! that may wait.

use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::space::Space;

/// A file that is open, and counts as long as it is.
#[derive(Clone)]
pub(in crate::media) struct OpenFile {
    file: Arc<File>,
    _space: Arc<Space>,
}

impl OpenFile {
    pub(super) fn new(file: File, space: Arc<Space>) -> Self {
        Self {
            file: Arc::new(file),
            _space: space,
        }
    }

    pub(super) fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, at)
    }
}

/// Up to `max` bytes from `at` on, at least one.
pub(super) async fn read_at(file: &OpenFile, at: u64, max: usize) -> io::Result<Bytes> {
    let mut buffer = BytesMut::zeroed(max);
    if let Some(read) = read_now(&file.file, at, &mut buffer) {
        buffer.truncate(read);
        return Ok(buffer.freeze());
    }
    let file = file.clone();
    let work = move || {
        let read = file.file.read_at(&mut buffer, at)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.truncate(read);
        Ok(buffer.freeze())
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the read was given up")))
}

/// Reads bytes from the page cache; `None`: they are not there, or the file system cannot tell.
#[cfg(target_os = "linux")]
fn read_now(file: &File, at: u64, buffer: &mut [u8]) -> Option<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};
    let mut buffers = [io::IoSliceMut::new(buffer)];
    preadv2(file, &mut buffers, at, ReadWriteFlags::NOWAIT)
        .ok()
        .filter(|read| *read > 0)
}

#[cfg(not(target_os = "linux"))]
fn read_now(_: &File, _: u64, _: &mut [u8]) -> Option<usize> {
    None
}
