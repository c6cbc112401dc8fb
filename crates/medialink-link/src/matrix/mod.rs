//! The vocabulary of the Matrix specification, as types that can only hold what its grammar allows.

mod content_token;
mod encrypted_file;
mod ids;
mod mxc;

pub use content_token::ContentToken;
pub use encrypted_file::{EncryptedFile, EncryptedFileError, FileKeys};
pub use ids::{EventId, RoomId, ServerName, UserId};
pub use mxc::MxcUri;

/// A text that is not what it was offered as: what was expected, and why this is not it.
///
/// The message never repeats the text itself, so that it may be shown and logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {what}: {why}")]
pub struct GrammarError {
    what: &'static str,
    why: &'static str,
}

impl GrammarError {
    pub(crate) const fn new(what: &'static str, why: &'static str) -> Self {
        Self { what, why }
    }
}
