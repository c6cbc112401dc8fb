//! The key file: made at the first start, read again when it changes, written whole or not at all. It may be a
//! text that the database holds.

mod change;
mod error;
mod fact;
mod file;
mod store;
#[cfg(test)]
mod tests;

pub use change::{
    add, change_file, change_text, is_active, no_such_key, retire, revoke, rotate, rotate_if_older,
};
pub use error::KeyStoreError;
pub use fact::KeyFact;
pub use file::{entries, is_key_file, new_text, parse, text_of, write_new};
pub use store::{ChangedKeys, KeyStore};
