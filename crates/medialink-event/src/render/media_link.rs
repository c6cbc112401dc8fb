//! Media with their links.

use crate::SharedMedia;

/// Media of an event and its link.
#[derive(Debug, Clone, Copy)]
pub struct MediaLink<'a> {
    /// The media, as the event has it.
    pub media: &'a SharedMedia,
    /// The absolute URL of the media, without spaces. If only its page may be linked, that of the
    /// page.
    pub url: &'a str,
    /// The absolute URL of the page around the media.
    pub page_url: &'a str,
}

impl MediaLink<'_> {
    /// Whether the media itself can be embedded.
    pub(super) fn is_media(&self) -> bool {
        self.url != self.page_url
    }
}
