//! How media is shown.

/// How media is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViewKind {
    /// A picture that browsers show.
    Image,
    /// A film that browsers play.
    Video,
    /// A sound that browsers play.
    Audio,
    /// A text, whose lines the page shows.
    Text,
    /// A PDF document.
    Pdf,
    /// Anything else: it can be downloaded.
    Other,
}

impl ViewKind {
    /// The message that names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Image => "kind-image",
            Self::Video => "kind-video",
            Self::Audio => "kind-audio",
            Self::Text => "kind-text",
            Self::Pdf => "kind-pdf",
            Self::Other => "kind-file",
        }
    }

    pub(super) fn is_embedded(self) -> bool {
        matches!(self, Self::Image | Self::Video | Self::Audio)
    }

    /// The message that stands for the name of such media.
    pub(super) fn without_name(self) -> &'static str {
        match self {
            Self::Image => "unnamed-image",
            Self::Video => "unnamed-video",
            Self::Audio => "unnamed-audio",
            Self::Text => "unnamed-text",
            Self::Pdf => "unnamed-pdf",
            Self::Other => "unnamed-file",
        }
    }
}
