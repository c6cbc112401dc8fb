//! What a Matrix event shares: its media, and how they are described. No I/O.

mod describe;
mod find;
#[cfg(test)]
mod properties;
mod read;
mod render;
mod shared;

pub use read::{EventError, Given};
pub use render::{Linked, Rendering, Style, TemplateError, TextTemplate, render};
pub use shared::{Appearance, MediaDetails, MediaKind, SharedEvent, SharedMedia, Warning};
