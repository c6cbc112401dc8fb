//! How the pages look: their style, and an operator's own colour and logo.

mod accent;
mod colour;
mod logo;
mod logo_error;
mod logo_kind;
mod styles;
mod svg;
mod theme;

pub use colour::Colour;
pub use logo::Logo;
pub use logo_kind::{LogoKind, MAX_LOGO_BYTES};
pub use styles::{StyleBlock, source_of, tight};
pub use theme::Look;
