#![doc = include_str!("../README.md")]

mod describe;
mod extension;
mod find;
mod html;
pub mod human;
mod input;
mod media;
mod media_type;
mod number;
#[cfg(test)]
mod properties;
mod read;
mod render;
mod reply;
mod shared;

pub use extension::{usual_name, with_usual_extension};
pub use input::{EventError, EventInput};
pub use media::{
    cleartext_token_of, content_token_of, main_medium_of, media_of, replaced_by, replaced_content,
    token_in_map,
};
pub use media_type::{canonical_type, is_media_type};
pub use number::whole_number;
pub use render::{
    English, ItemKind, MediaLink, RenderStyle, Rendering, TemplateError, TextTemplate, Wording,
    render, render_in,
};
pub use shared::{Appearance, MediaDetails, MediaKind, SharedEvent, SharedMedia, Warning};
