//! Why media cannot be given.

use crate::{
    denials::Denied,
    homeserver::{HomeserverError, MediaVariant},
    limits::Limited,
};

/// Why media cannot be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The homeserver does not have it (any more).
    #[error("the homeserver does not have the media")]
    Gone,
    /// It was announced, but not uploaded yet.
    #[error("the media is not uploaded yet")]
    NotYetUploaded,
    /// It is not an image that a thumbnail can be made of.
    #[error("there is no thumbnail of the media")]
    NoThumbnail,
    /// Too many thumbnails are being made already.
    #[error("too many thumbnails are being made")]
    Busy,
    /// Too many downloads from the homeserver are under way.
    #[error(transparent)]
    TooManyFetches(Limited),
    /// It is larger than is allowed.
    #[error("the media is larger than media.max_size")]
    TooLarge,
    /// It is larger than the policy of its room allows, or its size is unknown.
    #[error("the media is larger than its room's link policy allows")]
    TooLargeForRoom,
    /// The operator denies its bytes.
    #[error(transparent)]
    Denied(Denied),
    /// A scanner has found something in it.
    #[error("a scanner has found something in the media")]
    Infected,
    /// Nobody could scan it.
    #[error("the media could not be scanned")]
    NotScanned,
    /// The homeserver asks to wait, in milliseconds.
    #[error("the homeserver limits our requests")]
    Limited(Option<u64>),
    /// It took too long.
    #[error("the homeserver was too slow")]
    Slow,
    /// The homeserver refused or failed; the text is for the operator.
    #[error("{0}")]
    Failed(String),
}

impl MediaError {
    /// Encrypted media whose digest is not the one in its event.
    pub(super) fn wrong_digest() -> Self {
        Self::Failed(
            "the encrypted media does not have the SHA-256 that its event tells".to_owned(),
        )
    }
}

impl MediaError {
    /// Classifies a refusal of the homeserver. `restricted`: the request had no content token, where
    /// media is linked to events (MSC3911).
    pub(super) fn of(error: HomeserverError, variant: MediaVariant, restricted: bool) -> Self {
        match (&error, error.errcode()) {
            // Synapse's answer for media that is not an image.
            (HomeserverError::Refused { status: 400, .. }, "M_UNKNOWN")
                if variant != MediaVariant::Original =>
            {
                Self::NoThumbnail
            }
            (_, "M_NOT_YET_UPLOADED") => Self::NotYetUploaded,
            (_, "M_TOO_LARGE") => Self::TooLarge,
            _ if error.says_media_is_gone() || error == HomeserverError::NotAtOldEndpoint => {
                Self::Gone
            }
            _ if error.is_over_quota() => Self::Failed(format!(
                "{error}; a limit of the homeserver is reached: its administrator has to raise it"
            )),
            // Whatever their status: the media is there.
            (_, "M_MISSING_CONTENT_TOKEN") => Self::Failed(format!(
                "{error}; the media needs a content token and the link has none: the bridge has to give the event's content_token"
            )),
            (_, "M_UNAUTHORIZED") if restricted => Self::Failed(format!(
                "{error}; the bridge's user may not see the event that the media belongs to"
            )),
            (_, "M_UNAUTHORIZED") => Self::Failed(format!(
                "{error}; the link's content token is not the media's, or the media has none"
            )),
            (
                HomeserverError::Refused {
                    status: 429,
                    retry_after_ms,
                    ..
                },
                _,
            ) => Self::Limited(*retry_after_ms),
            (
                HomeserverError::Refused {
                    status: 404 | 410, ..
                },
                _,
            ) => Self::Failed(format!(
                "{error}; without M_NOT_FOUND this is no answer about media: look at the reverse proxy before the homeserver"
            )),
            (HomeserverError::Refused { status: 504, .. } | HomeserverError::Slow, _) => Self::Slow,
            (HomeserverError::Refused { status: 401, .. }, _) => Self::Failed(format!(
                "{error}; the homeserver does not know the bridge's as_token: compare it with the registration"
            )),
            (HomeserverError::Refused { status: 403, .. }, "M_FORBIDDEN") if restricted => {
                Self::Failed(format!(
                    "{error}; the bridge's user may not see the event that the media belongs to, or may not download: it has to be the registration's sender or in its namespace"
                ))
            }
            (HomeserverError::Refused { status: 403, .. }, _) => Self::Failed(format!(
                "{error}; the bridge's user_id may not download: it has to be the registration's sender or in its namespace"
            )),
            _ => Self::Failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::ForeignText;

    #[test]
    fn a_missing_and_a_wrong_content_token_are_distinguished_whatever_their_status() {
        for status in [400, 401, 403, 404] {
            let text = |errcode: &str| {
                let error = HomeserverError::Refused {
                    status,
                    errcode: errcode.to_owned(),
                    message: ForeignText::default(),
                    retry_after_ms: None,
                };
                MediaError::of(error, MediaVariant::Original, false).to_string()
            };
            let (missing, wrong) = (text("M_MISSING_CONTENT_TOKEN"), text("M_UNAUTHORIZED"));
            assert!(missing.contains("the link has none"), "{missing}");
            assert!(wrong.contains("the link's content token is not"), "{wrong}");
        }
    }

    #[test]
    fn an_invisible_event_is_distinguished_from_a_wrong_content_token() {
        let error = HomeserverError::Refused {
            status: 403,
            errcode: "M_UNAUTHORIZED".to_owned(),
            message: ForeignText::new("no"),
            retry_after_ms: None,
        };
        let text = MediaError::of(error, MediaVariant::Original, true).to_string();
        assert!(text.contains("may not see the event that the media belongs to"));
    }
}
