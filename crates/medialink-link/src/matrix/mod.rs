//! The vocabulary of the Matrix specification, as types that hold only what its grammar allows.

mod content_token;
mod encrypted_file;
mod error;
mod ids;
mod mxc;
mod server_name;
mod text_newtype;

pub use content_token::ContentToken;
pub use encrypted_file::{EncryptedFile, EncryptedFileError, FileKeys};
pub use error::GrammarError;
pub use ids::{EventId, RoomId, UserId};
pub use mxc::MxcUri;
pub use server_name::ServerName;
