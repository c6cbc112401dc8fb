//! The key file: made at the first start, read again when it changes, written whole or not at all.

mod change;
mod error;
mod fact;
mod file;
mod store;
#[cfg(test)]
mod tests;

pub use change::{retire, revoke, rotate};
pub use error::KeyStoreError;
pub use fact::KeyFact;
pub use file::entries;
pub use store::{ChangedKeys, KeyStore};
