//! Media leaves every cache when its last link was revoked, redacted or used up: the wish for it becomes an entry
//! of a log, which the cache of each replica follows.

mod disk;
mod log;
mod names;
mod store;

pub use disk::DiskPurger;
pub use log::PurgeLogger;
pub use names::PurgeNames;
pub use store::StorePurger;

/// How many entries of the log are read at once.
const ENTRIES_AT_ONCE: i64 = 256;
/// How often a cursor is refreshed that does not move, in milliseconds.
const REFRESH_EVERY_MS: i64 = 3_600_000;
/// After how long a cursor that nobody refreshes is dropped, in milliseconds: its cache is gone for good, or is
/// emptied when it comes back.
const GONE_AFTER_MS: i64 = 7 * 86_400_000;
