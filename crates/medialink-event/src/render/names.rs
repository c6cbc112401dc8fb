//! The names of senders and files, on one line.

use crate::SharedEvent;

use super::{
    item::{Item, ItemKind},
    line::one_line,
    style::RenderStyle,
};

/// The name of the sender; empty if there is none.
pub(super) fn sender(event: &SharedEvent, style: &RenderStyle<'_>) -> String {
    let name = one_line(style.sender_name, " ");
    match &event.sender {
        Some(sender) if name.is_empty() => one_line(sender.as_str(), " "),
        _ => name,
    }
}

/// The name of a file. A sticker is named by its description, a voice message not at all: its file
/// name comes from the recorder.
pub(super) fn name(item: &Item<'_>) -> Option<String> {
    let details = &item.media.details;
    let name = match item.kind {
        ItemKind::Voice => None,
        ItemKind::Sticker => details.filename.as_ref().or(details.caption.as_ref()),
        _ => details.filename.as_ref(),
    };
    name.map(|name| one_line(name, " "))
        .filter(|name| !name.is_empty())
}
