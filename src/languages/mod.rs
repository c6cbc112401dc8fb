//! The languages of what people read: which there are, which one a reader wants, and the words, numbers and
//! moments of each.
//!
//! The words are Fluent messages (<https://projectfluent.org>) in `locales/<language>/medialink.ftl`, which are
//! compiled into the program. Numbers, lists and dates follow the Unicode CLDR.

mod catalogue;
mod choice;
mod formats;
mod language;
mod moments;
mod own_words;
mod pieces;
#[cfg(test)]
mod tests;
mod texts;
mod wording;

pub use catalogue::Languages;
pub use choice::{of_header, of_query};
pub use language::Language;
pub use moments::Moment;
pub use texts::{Texts, Value};
