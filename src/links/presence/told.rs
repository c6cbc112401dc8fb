//! The homeserver's answers, as far as they say whether media is there.

use crate::homeserver::HomeserverError;

/// Whether the homeserver has media, by one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It has the media.
    There,
    /// It does not.
    Missing,
    /// The bridge's user may not see the event that the media belongs to (MSC3911).
    Hidden,
    /// The user may not see that event (MSC4396), or nothing at all: both are `M_FORBIDDEN`.
    Refused,
    /// The answer does not say.
    Unsure,
}

/// Why the homeserver was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To learn whether it has the media, which it has given before.
    Question,
    /// For the media.
    Download,
}

impl Told {
    /// The answer as a metric names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Missing | Self::Hidden => "missing",
            Self::Refused | Self::Unsure => "unsure",
        }
    }

    /// Reads a refusal. `is_restricted`: the request had no content token, where media is linked to
    /// events.
    #[must_use]
    pub fn by(error: &HomeserverError, is_restricted: bool) -> Self {
        match (error.status(), error.errcode()) {
            _ if error.says_media_is_gone() => Self::Missing,
            (403, "M_UNAUTHORIZED") if is_restricted => Self::Hidden,
            (403, "M_FORBIDDEN") if is_restricted => Self::Refused,
            _ => Self::Unsure,
        }
    }
}
