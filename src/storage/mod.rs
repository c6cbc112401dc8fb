//! The database: the only place with SQL. One writer, many readers.

pub mod cache_purges;
mod changes;
pub mod comparison;
mod database;
pub mod ending;
pub mod engine;
mod error;
pub mod far_future;
pub mod features;
mod held_usages;
pub mod history;
pub mod leases;
pub mod link_keys;
pub mod links;
pub mod media_references;
pub mod meta_events;
pub mod missing_media;
pub mod moving;
pub mod open_questions;
pub mod own_uploads;
mod place;
mod readiness;
mod recent;
pub mod room_policies;
pub mod room_successors;
mod schema;
pub mod secrets;
pub mod seen_media;
pub mod statistics;
pub mod touches;
mod usage_state;
pub mod wipe;
mod writer;

pub use database::{Database, Opener};
pub use engine::{Connection, Lock, Reader};
pub use error::StorageError;
pub use writer::{Run, Writer, WriterEnd};

#[cfg(test)]
mod plans;
#[cfg(test)]
mod safety_tests;
#[cfg(test)]
mod set_tests;
#[cfg(test)]
mod tests;
