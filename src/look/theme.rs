//! The look of the pages of one configuration, made once.

use std::sync::Arc;

use super::{
    colour::Colour,
    logo::Logo,
    styles::{StyleBlock, Styles},
};

/// The look of the pages. Clones share it.
#[derive(Debug, Clone)]
pub struct Look {
    styles: Arc<Styles>,
    logo: Option<Arc<Logo>>,
}

impl Look {
    /// The one that the program brings along.
    #[must_use]
    pub fn built_in() -> Self {
        Self::of(None, None)
    }

    /// The one with an operator's own colour and logo.
    #[must_use]
    pub fn of(colour: Option<Colour>, logo: Option<Logo>) -> Self {
        let styles = match colour {
            None => Styles::built_in(),
            Some(_) => Arc::new(Styles::new(colour)),
        };
        Self {
            styles,
            logo: logo.map(Arc::new),
        }
    }

    /// The operator's logo.
    #[must_use]
    pub fn logo(&self) -> Option<&Logo> {
        self.logo.as_deref()
    }

    /// Shares the logo of another look if it is the same, so that it is in memory once.
    pub fn share_logo(&mut self, other: &Self) {
        if self.logo == other.logo {
            self.logo.clone_from(&other.logo);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::LogoKind;

    #[test]
    fn a_logo_that_stays_is_in_memory_once() {
        let look = |side: u8| {
            let text =
                format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} 1\"/>");
            let logo = Logo::read(LogoKind::Svg, text.into_bytes());
            Look::of(None, Some(logo.expect("a logo")))
        };
        let place = |look: &Look| look.logo().map(|logo| logo.bytes().as_ptr());
        let (old, mut same, mut new) = (look(1), look(1), look(2));
        assert_ne!(place(&same), place(&old));
        same.share_logo(&old);
        assert_eq!(place(&same), place(&old));
        new.share_logo(&old);
        assert_ne!(place(&new), place(&old));
        assert_eq!(new.logo().map(Logo::sides), Some((64, 32)));
    }
}
