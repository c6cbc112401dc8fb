//! The texts of all languages.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use super::{Language, Texts};

static BUILT_IN: LazyLock<Languages> = LazyLock::new(|| Languages {
    texts: Language::ALL
        .map(|language| Arc::new(Texts::built_in(language)))
        .into(),
});

/// The texts of all languages. Clones share them.
#[derive(Clone)]
pub struct Languages {
    /// In the order of [`Language::ALL`].
    texts: Arc<[Arc<Texts>]>,
}

impl Languages {
    /// The texts that the program brings along.
    #[must_use]
    pub fn built_in() -> Self {
        BUILT_IN.clone()
    }

    /// The texts of one language.
    #[must_use]
    pub fn of(&self, language: Language) -> Arc<Texts> {
        let mut texts = self.texts.iter();
        let found = texts.find(|texts| texts.language() == language);
        found.map_or_else(|| Arc::new(Texts::built_in(language)), Arc::clone)
    }
}

impl Default for Languages {
    fn default() -> Self {
        Self::built_in()
    }
}

impl fmt::Debug for Languages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Languages").finish_non_exhaustive()
    }
}
