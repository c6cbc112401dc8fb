//! The error of every grammar.

/// A text that does not follow a grammar: which one, and why not.
///
/// The message never repeats the text itself, so that it may be shown and logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {what}: {why}")]
pub struct GrammarError {
    what: &'static str,
    why: &'static str,
}

impl GrammarError {
    pub(crate) const fn new(what: &'static str, why: &'static str) -> Self {
        Self { what, why }
    }
}
