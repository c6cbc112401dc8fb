//! The ways in which a request to the homeserver fails.

use crate::telemetry::ForeignText;

/// Why a request to the homeserver failed. Holds no URL and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HomeserverError {
    /// It answered with an error.
    #[error("the homeserver answered {status} {errcode}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The Matrix error code; empty if the answer had none.
        errcode: String,
        /// Its text, cut short and without secrets.
        message: ForeignText,
        /// How long it asks us to wait, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// It does not know the endpoint for media, and at the old one it does not have the media. Of media
    /// that needs authentication, the old endpoint says that of all.
    #[error(
        "the homeserver does not know /_matrix/client/v1/media, and answers 404 at the old endpoint"
    )]
    NotAtOldEndpoint,
    /// No connection could be made: the request was surely not acted on.
    #[error("the homeserver cannot be reached: {0}")]
    Unreachable(ForeignText),
    /// The connection broke, so it is not known whether the request was acted on.
    #[error("the connection to the homeserver broke: {0}")]
    Broken(ForeignText),
    /// It took too long.
    #[error("the homeserver was too slow to answer")]
    Slow,
    /// Its answer is not what the specification says.
    #[error("the homeserver's answer is invalid: {0}")]
    InvalidResponse(&'static str),
}

/// Error codes that a metric tells from each other.
const OUTCOMES: [&str; 12] = [
    "M_FORBIDDEN",
    "M_GONE",
    "M_INVALID_PARAM",
    "M_LIMIT_EXCEEDED",
    "M_MISSING_TOKEN",
    "M_NOT_FOUND",
    "M_NOT_YET_UPLOADED",
    "M_TOO_LARGE",
    "M_UNAUTHORIZED",
    "M_UNKNOWN",
    "M_UNKNOWN_TOKEN",
    "M_UNRECOGNIZED",
];

/// Counts the outcome of a request. `kind`: media, or other.
pub(super) fn count<T>(
    kind: &'static str,
    answered: Result<T, HomeserverError>,
) -> Result<T, HomeserverError> {
    let outcome = answered
        .as_ref()
        .err()
        .map_or("ok", HomeserverError::outcome);
    metrics::counter!("medialink_homeserver_answers_total", "kind" => kind, "outcome" => outcome)
        .increment(1);
    answered
}

impl HomeserverError {
    /// Whether the request may have been acted on all the same.
    #[must_use]
    pub fn outcome_is_unknown(&self) -> bool {
        match self {
            Self::Refused { status, .. } => *status >= 500,
            Self::Unreachable(_) | Self::NotAtOldEndpoint => false,
            Self::Broken(_) | Self::Slow | Self::InvalidResponse(_) => true,
        }
    }

    /// Whether no connection could be made, or none was tried since the homeserver is away.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }

    /// The Matrix error code; empty if there is none.
    #[must_use]
    pub fn errcode(&self) -> &str {
        match self {
            Self::Refused { errcode, .. } => errcode,
            _ => "",
        }
    }

    /// The HTTP status; 0 if there was no answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Refused { status, .. } => *status,
            Self::NotAtOldEndpoint => 404,
            _ => 0,
        }
    }

    /// The outcome of the request as a metric names it: one of a few words, whatever the homeserver has said.
    pub(super) fn outcome(&self) -> &'static str {
        let known = |errcode: &str| OUTCOMES.iter().copied().find(|known| *known == errcode);
        match self {
            Self::Refused {
                status, errcode, ..
            } => known(errcode).unwrap_or(match status {
                500.. => "server_error",
                _ => "refused",
            }),
            Self::NotAtOldEndpoint => "M_UNRECOGNIZED",
            Self::Unreachable(_) => "unreachable",
            Self::Broken(_) => "broken",
            Self::Slow => "slow",
            Self::InvalidResponse(_) => "invalid",
        }
    }

    /// Whether the homeserver does not know the endpoint: a 404 without JSON, or `M_UNRECOGNIZED`.
    #[must_use]
    pub fn is_unknown_endpoint(&self) -> bool {
        self.errcode() == "M_UNRECOGNIZED" || (self.status() == 404 && self.errcode().is_empty())
    }

    /// Whether the homeserver says that it does not have the media: 404 `M_NOT_FOUND`, or `M_GONE`, by
    /// which it says that the media was there (MSC4396). A 404 alone may be a reverse proxy's.
    #[must_use]
    pub fn says_media_is_gone(&self) -> bool {
        self.is_not_found() || matches!(self.status(), 404 | 410) && self.errcode() == "M_GONE"
    }

    /// Whether the homeserver refuses because a limit of the user or of the server is reached, which
    /// somebody can raise (MSC4335).
    #[must_use]
    pub fn is_over_quota(&self) -> bool {
        matches!(
            self.errcode(),
            "M_USER_LIMIT_EXCEEDED"
                | "ORG.MATRIX.MSC4335_USER_LIMIT_EXCEEDED"
                | "M_RESOURCE_LIMIT_EXCEEDED"
        )
    }

    /// Whether there is no such thing, such as an event or a state event.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == 404 && self.errcode() == "M_NOT_FOUND"
    }

    /// The error of a failure of the HTTP client: its last cause, without the URL.
    pub(super) fn of_client(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let text = Self::last_cause(&error);
        if error.is_timeout() && !error.is_connect() {
            Self::Slow
        } else if error.is_connect()
            || error.is_builder()
            || error.is_request() && text.as_str().contains("dns error")
        {
            Self::Unreachable(text)
        } else {
            Self::Broken(text)
        }
    }

    /// The error of a connection that broke.
    pub(super) fn of_hyper(error: &hyper::Error) -> Self {
        Self::Broken(Self::last_cause(error))
    }

    /// The text of the cause at the bottom of an error.
    pub(crate) fn last_cause(error: &dyn std::error::Error) -> ForeignText {
        let mut last = error;
        while let Some(cause) = last.source() {
            last = cause;
        }
        ForeignText::new(&last.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_matrix_error_says_that_media_is_gone() {
        let says = |status, errcode: &str| {
            let error = HomeserverError::Refused {
                status,
                errcode: errcode.to_owned(),
                message: ForeignText::default(),
                retry_after_ms: None,
            };
            error.says_media_is_gone()
        };
        assert!(says(404, "M_NOT_FOUND") && says(410, "M_GONE") && says(404, "M_GONE"));
        for (status, errcode) in [
            (404, ""),
            (410, ""),
            (404, "M_UNRECOGNIZED"),
            (502, "M_NOT_FOUND"),
            (403, "M_NOT_FOUND"),
            (504, "M_NOT_YET_UPLOADED"),
            (404, "M_NOT_YET_UPLOADED"),
            (200, "M_GONE"),
        ] {
            assert!(!says(status, errcode), "{status} {errcode}");
        }
        assert!(!HomeserverError::NotAtOldEndpoint.says_media_is_gone());
        assert!(!HomeserverError::Slow.says_media_is_gone());
    }
}
