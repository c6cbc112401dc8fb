#![doc = include_str!("../README.md")]

mod describe;
mod find;
mod html_sources;
pub mod human;
mod input;
mod media;
mod media_type;
#[cfg(test)]
mod properties;
mod read;
mod render;
mod shared;

pub use input::{EventError, EventInput};
pub use media::{
    cleartext_token_of, content_token_of, main_medium_of, media_of, replaced_by, replaced_content,
    token_in_map,
};
pub use media_type::{canonical_type, is_media_type};
pub use render::{MediaLink, RenderStyle, Rendering, TemplateError, TextTemplate, render};
pub use shared::{Appearance, MediaDetails, MediaKind, SharedEvent, SharedMedia, Warning};
