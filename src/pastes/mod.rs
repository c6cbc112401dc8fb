//! Pastes: a long message becomes a link to its text. The text is uploaded to the homeserver and
//! then linked like any other media.

mod deletion;
mod digest;
mod encryption;
mod excerpt;
mod issue;
mod text;
mod views;

pub use deletion::PasteDeleter;
pub use excerpt::excerpt;
pub use issue::Pastes;
pub use text::{MAX_TEXT_BYTES, PasteError, PasteText};
pub use views::PasteViews;
