//! Formatted text as plain text.

use std::borrow::Cow;

use crate::html::{may_hide, plain_text};

use super::markdown::readable;

/// The words as plain text. Spoilers in formatted text stay hidden: plain text has no spoilers.
pub(super) fn plain_words<'a>(plain: &'a str, html: Option<&str>) -> Cow<'a, str> {
    match html {
        Some(html) if plain.is_empty() || may_hide(html) => Cow::Owned(plain_text(html)),
        _ => readable(plain, html),
    }
}
