//! Links that bridges make by themselves, with keys of their own (`legacy_links`). Pure: no I/O,
//! no clock. From a path to an entry of the configuration, and from there, by the entry's key, to a
//! [`LegacyLink`]; nothing else makes one.

mod appservice_bridge;
mod entry;
mod find;
mod format;
mod heisenbridge;
mod jwk;
mod key;
mod latest;
mod link;
mod mautrix;
mod path;
#[cfg(test)]
mod tests;

pub use entry::LegacyEntry;
pub use find::{LegacyLinks, LegacyPath};
pub use format::Format;
pub use jwk::JwkError;
pub use key::LegacyKey;
pub use link::{LegacyLink, unsigned_link_id};
pub use mautrix::{HASH_LENGTHS, MAX_HASH_LENGTH};
pub use path::{PathError, stripped};
