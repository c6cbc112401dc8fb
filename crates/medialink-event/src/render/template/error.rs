//! The errors of templates.

use std::fmt;

use super::field::FIELDS;

/// The longest template, in bytes.
pub(super) const MAX_BYTES: usize = 500;
/// How deep optional parts may be nested.
pub(super) const MAX_DEPTH: usize = 5;

/// Why a text is no template: the finding, and the alternatives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// An unknown placeholder.
    #[error("found {{{0}}}; allowed are {list}", list = Placeholders)]
    Unknown(String),
    /// A bracket without the other one.
    #[error("found {0:?} without {1:?}; write a bracket itself as \\{0}")]
    Unpaired(char, char),
    /// There is no `{url}`, or more than one.
    #[error("found {{url}} {0} times; it has to be there once")]
    Urls(usize),
    /// `{url}` is in an optional part.
    #[error("found {{url}} in [ ]; it has to be there always")]
    OptionalUrl,
    /// An optional part without a placeholder.
    #[error("found [ ] without a placeholder; it vanishes if one of its placeholders has no value")]
    Constant,
    /// Optional parts are nested too deeply.
    #[error("found [ ] more than {MAX_DEPTH} levels deep; allowed are {MAX_DEPTH}")]
    Deep,
    /// A `\` before a character that needs none.
    #[error("found \\ before {0:?}; allowed are \\{{, \\}}, \\[, \\] and \\\\")]
    Escape(String),
    /// A control character.
    #[error("found the control character {0:?}; allowed is one line of text")]
    Control(char),
    /// The template is too long.
    #[error("found {0} bytes; allowed are {MAX_BYTES}")]
    Long(usize),
}

struct Placeholders;

impl fmt::Display for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, _)) in FIELDS.iter().enumerate() {
            let between = if index > 0 { ", " } else { "" };
            write!(f, "{between}{{{name}}}")?;
        }
        Ok(())
    }
}
