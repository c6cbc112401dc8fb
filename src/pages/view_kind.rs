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
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Image => "Image",
            Self::Video => "Video",
            Self::Audio => "Audio",
            Self::Text => "Text",
            Self::Pdf => "PDF document",
            Self::Other => "File",
        }
    }

    pub(super) fn is_embedded(self) -> bool {
        matches!(self, Self::Image | Self::Video | Self::Audio)
    }

    pub(super) fn without_name(self) -> &'static str {
        match self {
            Self::Image => "Shared image",
            Self::Video => "Shared video",
            Self::Audio => "Shared audio",
            Self::Text => "Shared text",
            Self::Pdf => "Shared document",
            Self::Other => "Shared file",
        }
    }
}
