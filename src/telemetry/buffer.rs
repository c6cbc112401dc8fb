//! Standard error, written in batches: a line per request would otherwise cost more than the
//! request. Warnings and errors are written at once, with all that came before them.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// The most bytes that are gathered.
const MAX_BYTES: usize = 32 << 10;
/// How long a line waits at most.
const FLUSH_EVERY: Duration = Duration::from_millis(100);

/// Lines that wait to be written. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    /// Writes the waiting lines every now and then, as long as the process runs.
    pub(super) fn start(&self) {
        let buffer = self.clone();
        let flush = move || {
            loop {
                #[expect(clippy::disallowed_methods, reason = "a thread of its own")]
                std::thread::sleep(FLUSH_EVERY);
                buffer.flush();
            }
        };
        let started = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(flush);
        // Without it, lines wait until there are many.
        drop(started);
    }

    /// Writes the waiting lines.
    pub(super) fn flush(&self) {
        write_out(&mut self.lines());
    }

    fn lines(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_out(lines: &mut Vec<u8>) {
    if !lines.is_empty() {
        // There is nowhere to report that standard error is gone.
        drop(io::stderr().write_all(lines));
        lines.clear();
    }
}

/// Takes one line into the buffer; an urgent one is written at once.
pub(super) struct LineWriter<'a> {
    buffer: &'a Buffer,
    is_urgent: bool,
}

impl Write for LineWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.buffer.lines();
        lines.extend_from_slice(bytes);
        if self.is_urgent || lines.len() >= MAX_BYTES {
            write_out(&mut lines);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Buffer {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter {
            buffer: self,
            is_urgent: false,
        }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> LineWriter<'a> {
        LineWriter {
            buffer: self,
            is_urgent: *metadata.level() <= Level::WARN,
        }
    }
}
