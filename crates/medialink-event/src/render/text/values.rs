//! The values of placeholders that speak of all things that an event shares.

use super::super::{
    item::{Item, ItemKind},
    line::one_line,
    plain_words::plain_words,
    words::Words,
};

/// The separator of lines that were joined into one.
pub(super) const LINE_END: &str = " / ";

pub(super) fn dimensions(item: &Item<'_>) -> Option<String> {
    let details = &item.media.details;
    Some(format!("{}x{}", details.width?, details.height?))
}

/// The length of all of them, if it is known of each.
pub(super) fn total_size(items: &[Item<'_>]) -> Option<u64> {
    let mut sizes = items.iter().map(|item| item.media.details.size);
    sizes.try_fold(0_u64, |total, size| total.checked_add(size?))
}

/// The kind of all of them; files if they are of several kinds.
pub(super) fn common_kind(items: &[Item<'_>]) -> ItemKind {
    let first = items.first().map_or(ItemKind::File, |item| item.kind);
    let alike = items.iter().all(|item| item.kind == first);
    if alike { first } else { ItemKind::File }
}

/// The words of the event if they stand beside its things, then the captions of the things.
pub(super) fn caption(words: &Words<'_>, items: &[Item<'_>]) -> String {
    let beside = match words {
        Words::Text { plain, html, .. } if !items.iter().any(Item::has_the_words) => {
            Some(plain_words(plain, *html))
        }
        _ => None,
    };
    let own = items
        .iter()
        .filter(|item| item.kind != ItemKind::Sticker || item.media.details.filename.is_some())
        .filter_map(Item::caption);
    let lines: Vec<String> = beside
        .into_iter()
        .chain(own)
        .map(|caption| one_line(&caption, LINE_END))
        .filter(|line| !line.is_empty())
        .collect();
    lines.join(LINE_END)
}
