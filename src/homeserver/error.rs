//! What can go wrong with a request to the homeserver.

/// Why the homeserver did not do what it was asked. Holds no URL and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HomeserverError {
    /// It answered with an error.
    #[error("the homeserver answered {status} {errcode}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The Matrix error code; empty if the answer had none.
        errcode: String,
        /// Its text, cut short.
        message: String,
        /// How long it asks us to wait, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// No connection came about: the request was surely not acted on.
    #[error("the homeserver cannot be reached: {0}")]
    Unreachable(String),
    /// The connection broke, so nobody knows whether the request was acted on.
    #[error("the connection to the homeserver broke: {0}")]
    Broken(String),
    /// It took too long.
    #[error("the homeserver was too slow to answer")]
    Slow,
    /// It answered what is no answer.
    #[error("the homeserver's answer makes no sense: {0}")]
    Nonsense(&'static str),
}

impl HomeserverError {
    /// Whether the request may have been acted on all the same.
    #[must_use]
    pub fn outcome_is_unknown(&self) -> bool {
        match self {
            Self::Refused { status, .. } => *status >= 500,
            Self::Unreachable(_) => false,
            Self::Broken(_) | Self::Slow | Self::Nonsense(_) => true,
        }
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
            _ => 0,
        }
    }

    /// What to tell of a failure of the HTTP client: its causes, without the URL.
    pub(super) fn of_client(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let text = Self::last_cause(&error);
        if error.is_timeout() && !error.is_connect() {
            Self::Slow
        } else if error.is_connect()
            || error.is_builder()
            || error.is_request() && text.contains("dns error")
        {
            Self::Unreachable(text)
        } else {
            Self::Broken(text)
        }
    }

    /// What to tell of a connection that breaks.
    pub(super) fn of_hyper(error: &hyper::Error) -> Self {
        Self::Broken(Self::last_cause(error))
    }

    /// The text of what is at the bottom of an error.
    pub(crate) fn last_cause(error: &dyn std::error::Error) -> String {
        let mut last = error;
        while let Some(cause) = last.source() {
            last = cause;
        }
        last.to_string()
    }
}
