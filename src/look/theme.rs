//! The look of the pages of one configuration, made once.

use std::sync::Arc;

use super::{
    colour::Colour,
    styles::{StyleBlock, Styles},
};

/// The look of the pages. Clones share it.
#[derive(Debug, Clone)]
pub struct Look {
    styles: Arc<Styles>,
}

impl Look {
    /// The one that the program brings along.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            styles: Styles::built_in(),
        }
    }

    /// The one with an operator's own colour.
    #[must_use]
    pub fn of(colour: Option<Colour>) -> Self {
        match colour {
            None => Self::built_in(),
            Some(_) => Self {
                styles: Arc::new(Styles::new(colour)),
            },
        }
    }

    /// The style of pages of media.
    #[must_use]
    pub fn wide(&self) -> &StyleBlock {
        &self.styles.wide
    }

    /// That of pages with a few words: errors, forms, and the site's own.
    #[must_use]
    pub fn narrow(&self) -> &StyleBlock {
        &self.styles.narrow
    }

    /// That of pages with the lines of a text.
    #[must_use]
    pub fn lines(&self) -> &StyleBlock {
        &self.styles.lines
    }
}
