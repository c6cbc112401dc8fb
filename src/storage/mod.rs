//! The database: the only place with SQL. One writer, many readers.

pub mod audit;
pub mod budgets;
pub mod cache_purges;
mod changes;
pub mod comparison;
pub mod console_sessions;
mod database;
pub mod denials;
pub mod ending;
pub mod endings;
pub mod engine;
pub mod erasure;
mod error;
pub mod far_future;
pub mod features;
pub mod front_purges;
mod held_usages;
pub mod history;
pub mod kept_keys;
pub mod leases;
pub mod link_keys;
pub mod links;
mod lookout;
mod matrix_ids;
pub mod media_references;
pub mod meta_events;
pub mod missing_media;
pub mod moving;
pub mod open_questions;
pub mod own_uploads;
mod place;
pub mod purge_log;
mod readiness;
mod recent;
pub mod reports;
pub mod room_policies;
pub mod room_successors;
mod schema;
pub mod screened_media;
mod sealer;
mod sealing;
pub mod secrets;
pub mod seen_media;
pub mod soundness;
pub mod statistics;
pub mod thinning;
pub mod tombstones;
pub mod touches;
mod usage_state;
pub mod wipe;
mod writer;

pub use database::{Database, Opener};
pub use engine::{Connection, Lock, Reader};
pub use error::StorageError;
pub use lookout::Lookout;
pub use writer::{Run, Writer, WriterEnd};

#[cfg(test)]
mod plans;
#[cfg(test)]
mod race_tests;
#[cfg(test)]
mod safety_tests;
#[cfg(test)]
mod set_tests;
#[cfg(test)]
pub(crate) mod test_database;
#[cfg(test)]
mod tests;
