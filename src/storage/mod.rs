//! The database: the only place with SQL. One writer, many readers.

pub mod cache_purges;
mod changes;
pub mod comparison;
mod database;
pub mod ending;
mod error;
pub mod features;
pub mod history;
pub mod links;
pub mod media_references;
pub mod meta_events;
pub mod own_uploads;
mod recent;
pub mod room_policies;
pub mod room_successors;
pub mod secrets;
pub mod seen_media;
pub mod touches;
mod usage_state;
mod writer;

pub use database::{Database, Opener};
pub use error::StorageError;
pub use writer::Writer;

#[cfg(test)]
mod tests;
