//! What every page has around its contents: its look, the language, and the way to the others.

use std::sync::Arc;

use crate::{
    languages::{Language, Texts, Value},
    look::Look,
};

/// The look and the language of a page, and the way to the others.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The words of the page.
    pub texts: Arc<Texts>,
    /// Whether the page links to itself in other languages, by `?lang=`.
    pub is_switchable: bool,
    /// Its style.
    pub look: Look,
    /// The operator's logo.
    pub logo: Option<PageLogo>,
}

/// The operator's logo, as a page shows it.
#[derive(Clone, Debug)]
pub struct PageLogo {
    /// Its whole address.
    pub url: String,
    /// How wide it is shown, in pixels.
    pub width: u32,
    /// How high it is shown, in pixels.
    pub height: u32,
}

impl Frame {
    /// A page that is in no other language, and has the look of the program.
    #[must_use]
    pub fn fixed(texts: Arc<Texts>) -> Self {
        Self {
            texts,
            is_switchable: false,
            look: Look::built_in(),
            logo: None,
        }
    }

    pub(super) fn language(&self) -> Language {
        self.texts.language()
    }

    /// A message without variables.
    pub(super) fn say(&self, id: &str) -> String {
        self.texts.say(id)
    }

    /// A message with its variables.
    pub(super) fn say_with(&self, id: &str, values: &[(&'static str, Value<'_>)]) -> String {
        self.texts.say_with(id, values)
    }

    /// A message with a number.
    pub(super) fn say_count(&self, id: &str, count: u64) -> String {
        self.texts.say_with(id, &[("count", count.into())])
    }

    /// The pieces of a message before and after one of its variables.
    pub(super) fn around(&self, id: &str, variable: &'static str) -> (String, String) {
        self.texts.around(id, variable, &[])
    }

    /// The languages that the page links to.
    pub(super) fn others(&self) -> Vec<Language> {
        let others = Language::ALL.into_iter();
        let others = others.filter(|&other| self.is_switchable && other != self.language());
        others.collect()
    }
}
