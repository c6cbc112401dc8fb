//! The page that shows a text, line by line.

mod highlight;
mod rows;

use std::sync::Arc;

use askama::Template;

use super::{frame::Frame, render::render, view::ViewPage};

pub use highlight::Grammars;
pub use rows::{Rows, rows};

/// A page around one text.
#[derive(Clone, Debug, Template)]
#[template(path = "paste.html")]
pub struct PastePage {
    /// The facts that every media page shows.
    pub view: ViewPage,
    /// The lines of the text.
    pub rows: Arc<Rows>,
}

impl PastePage {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        render(self)
    }

    fn frame(&self) -> &Frame {
        self.view.frame()
    }

    /// How many lines are shown.
    fn shown(&self) -> u64 {
        u64::try_from(self.rows.shown).unwrap_or(u64::MAX)
    }
}
