//! Media that has to leave every cache: a log that each cache reads at its own pace, with a cursor for each.
//!
//! Entries come into the log one after the other (`Lock::PurgeLog`), so that nobody who has read one meets an
//! earlier one later. They are deleted once every cursor is behind them. Every function here fails with
//! [`StorageError`](super::StorageError) if the database does.

mod cursors;
mod entries;

pub use cursors::{advance, claim, drop_cursor, join, position, rename, seen_before};
pub use entries::{Entry, after, append, is_trimmable, trim};
