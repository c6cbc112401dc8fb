//! An event in the words of the other side: one line for plain networks, HTML, and XML for XMPP.
//!
//! Takes time in proportion to the event, whatever it holds.

mod html;
mod item;
mod line;
mod says;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod xmpp;

pub use template::{TemplateError, TextTemplate};

use self::says::Says;
use super::{SharedEvent, SharedMedia};

/// A reference to media and the link that it got.
#[derive(Debug, Clone, Copy)]
pub struct Linked<'a> {
    /// The reference, as it is in the event.
    pub media: &'a SharedMedia,
    /// Where the media is: an absolute URL, without spaces. In rooms that want pages only, that of
    /// the page.
    pub url: &'a str,
    /// Where the page around the media is.
    pub page_url: &'a str,
}

impl Linked<'_> {
    /// Whether the media itself can be embedded.
    fn is_media(&self) -> bool {
        self.url != self.page_url
    }
}

/// How a bridge wants events to be told.
#[derive(Debug, Clone, Copy)]
pub struct Style<'a> {
    /// How the text tells of media.
    pub template: &'a TextTemplate,
    /// How many bytes of UTF-8 the text may have.
    pub max_bytes: Option<usize>,
    /// How whoever sent the event is called; the ID is taken if this is empty.
    pub sender_name: &'a str,
    /// The network on the other side.
    pub network: &'a str,
}

/// An event as the other side sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendering {
    /// One line without control characters. Empty if the event neither says nor shares anything.
    /// Longer than `max_bytes` only if it is a link alone.
    pub text: String,
    /// Sanitised HTML.
    pub html: String,
    /// Elements for an XMPP message; `None` without linked media.
    pub xmpp: Option<String>,
}

/// Tells of an event, with these links in the places of its media. Media without a link is told
/// of without one.
#[must_use]
pub fn render(event: &SharedEvent, links: &[Linked<'_>], style: &Style<'_>) -> Rendering {
    let says = Says::of(event);
    let items = item::items(event, links);
    Rendering {
        text: text::text(event, &says, &items, style),
        html: html::html(event, &says, &items, links, style),
        xmpp: xmpp::xmpp(&items),
    }
}
