//! How the pages look: their style, and an operator's own colour.

mod accent;
mod colour;
mod styles;
mod theme;

pub use colour::Colour;
pub use styles::{StyleBlock, source_of, tight};
pub use theme::Look;
