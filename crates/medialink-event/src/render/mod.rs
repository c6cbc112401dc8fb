//! An event as people on the other side see it: one line for plain networks, HTML, and XML for XMPP.
//!
//! Rendering takes time in proportion to the event, whatever it holds.

mod html;
mod item;
mod line;
mod markdown;
mod media_link;
mod names;
mod plain_words;
mod rendering;
mod style;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod wording;
mod words;
mod xmpp;

pub use item::ItemKind;
pub use media_link::MediaLink;
pub use rendering::{Rendering, render, render_in};
pub use style::RenderStyle;
pub use template::{TemplateError, TextTemplate};
pub use wording::{English, Wording};
