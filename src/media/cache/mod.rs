//! The cache: one fetch for many readers, who read while it grows; then a file, and memory for
//! what is small and in demand. Where the disk fails, media is streamed from the homeserver, as if
//! there were no cache.

mod file;
mod fill;
mod growing;
mod handle;
mod index;
mod mark;
mod memory;
mod objects;
mod read;
mod read_error;
mod source;
mod space;
mod state;

pub use handle::Cache;
pub(super) use mark::Mark;
pub(super) use read_error::ReadError;
pub(super) use source::{CachedObject, ObjectSource};
