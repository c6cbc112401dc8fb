//! The texts of all languages.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use super::{
    Language, Texts,
    own_words::{self, WordsProblem},
};

static BUILT_IN: LazyLock<Languages> = LazyLock::new(|| Languages {
    texts: Language::ALL
        .map(|language| Arc::new(Texts::built_in(language)))
        .into(),
});

/// The texts of all languages. Clones share them.
#[derive(Clone)]
pub struct Languages {
    /// One for each language.
    texts: Arc<[Arc<Texts>]>,
}

impl Languages {
    /// The texts that the program brings along.
    #[must_use]
    pub fn built_in() -> Self {
        BUILT_IN.clone()
    }

    /// The same, with messages of an operator's own in place of those of their names. There have to be no
    /// [`problems`](Self::problems) with them.
    #[must_use]
    pub fn with(words: Vec<(Language, String)>) -> Self {
        let mut texts = BUILT_IN.texts.to_vec();
        for (language, words) in words {
            let own = Arc::new(Texts::with(language, words));
            texts.retain(|texts| texts.language() != language);
            texts.push(own);
        }
        Self {
            texts: texts.into(),
        }
    }

    /// What is wrong with messages of an operator's own; nothing, if they can be taken.
    #[must_use]
    pub fn problems(words: &str) -> Vec<WordsProblem> {
        own_words::problems(words)
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
