//! From an event to all its renderings.

use crate::SharedEvent;

use super::{html, item, media_link::MediaLink, style::RenderStyle, text, words::Words, xmpp};

/// An event in every form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendering {
    /// One line without control characters; empty if the event has neither words nor media. It is
    /// longer than `max_bytes` only if it is a link alone.
    pub text: String,
    /// Sanitised HTML.
    pub html: String,
    /// Elements for an XMPP message; `None` without linked media.
    pub xmpp: Option<String>,
}

/// Renders an event with these links in the places of its media. Media without a link is named.
#[must_use]
pub fn render(event: &SharedEvent, links: &[MediaLink<'_>], style: &RenderStyle<'_>) -> Rendering {
    let words = Words::of(event);
    let items = item::items(event, links);
    Rendering {
        text: text::text(event, &words, &items, style),
        html: html::html(event, &words, &items, links, style),
        xmpp: xmpp::xmpp(&items),
    }
}
