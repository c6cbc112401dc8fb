//! The text for plain networks: one line, as short as it has to be.

mod marked_link;
mod media_line;
mod values;
mod words_line;

use crate::SharedEvent;

use super::{item::Item, style::RenderStyle, wording::Wording, words::Words};

use self::media_line::MediaLine;

/// The words and the media of the event, in one line.
pub(super) fn text(
    event: &SharedEvent,
    words: &Words<'_>,
    items: &[Item<'_>],
    style: &RenderStyle<'_>,
    wording: &dyn Wording,
) -> String {
    if items.is_empty() {
        words_line::words_line(event, words, style, wording)
    } else {
        MediaLine::of(event, words, items, style, wording).fitted()
    }
}
