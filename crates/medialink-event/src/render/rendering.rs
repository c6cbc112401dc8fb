//! From an event to all its renderings.

use crate::SharedEvent;

use super::{
    html, item,
    media_link::MediaLink,
    style::RenderStyle,
    text,
    wording::{English, Wording},
    words::Words,
    xmpp,
};

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
    render_in(event, links, style, &English)
}

/// The same as [`render`], with the text in the words of another language. The HTML stays as it is.
#[must_use]
pub fn render_in(
    event: &SharedEvent,
    links: &[MediaLink<'_>],
    style: &RenderStyle<'_>,
    wording: &dyn Wording,
) -> Rendering {
    let words = Words::of(event);
    let items = item::items(event, links);
    Rendering {
        text: text::text(event, &words, &items, style, wording),
        html: html::html(event, &words, &items, links, style),
        xmpp: xmpp::xmpp(&items),
    }
}
