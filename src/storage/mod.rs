//! The database: the only place with SQL. One writer, many readers.

pub mod cache_purges;
mod changes;
pub mod comparison;
mod database;
pub mod ending;
mod error;
pub mod far_future;
pub mod features;
pub mod history;
pub mod link_keys;
pub mod links;
pub mod media_references;
pub mod meta_events;
mod readiness;
mod recent;
pub mod room_policies;
pub mod room_successors;
mod schema;
pub mod secrets;
pub mod seen_media;
pub mod touches;
mod usage_state;
pub mod wipe;
mod writer;

pub use database::{Database, Opener};
pub use error::StorageError;
pub use writer::{Writer, WriterEnd};

#[cfg(test)]
mod safety_tests;
#[cfg(test)]
mod tests;
