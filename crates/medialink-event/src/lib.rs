//! Reads a Matrix event, finds the media that it shares, and tells it to the other side of a
//! bridge. No I/O, no clock, no randomness.

mod describe;
mod find;
pub mod human;
mod media;
mod media_type;
#[cfg(test)]
mod properties;
mod read;
mod render;
mod shared;

pub use media::{
    cleartext_token_of, content_token_of, main_medium_of, media_of, replaced_by, replaced_content,
    token_in_map,
};
pub use media_type::is_media_type;
pub use read::{EventError, Given};
pub use render::{Linked, Rendering, Style, TemplateError, TextTemplate, render};
pub use shared::{Appearance, MediaDetails, MediaKind, SharedEvent, SharedMedia, Warning};
