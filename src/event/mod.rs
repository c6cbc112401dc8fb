//! What a Matrix event shares: its media, and how they are described. No I/O.

mod render;
mod shared;

pub use render::{Linked, Rendering, Style, TemplateError, TextTemplate, render};
pub use shared::{MediaDetails, MediaKind, SharedEvent, SharedMedia, Warning};
