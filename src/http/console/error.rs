//! What goes wrong in the console, as a page.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};

use crate::{
    key_store::KeyStoreError,
    operations::{KeyHomeError, TakedownError},
    pages::ConsoleMessage,
    storage::{StorageError, link_keys::AdmitError},
};

use super::{
    super::error::ApiError,
    page::{LOGIN, headed, see_other},
};

/// What went wrong.
#[derive(Debug)]
pub(super) enum ConsoleError {
    /// There is no console.
    NotThere,
    /// Nobody is logged in.
    LogInFirst,
    /// Something is not done, and why.
    Refused { status: StatusCode, told: String },
    /// Tokens are tried too often; how long to wait, in whole seconds.
    Wait(u64),
}

impl ConsoleError {
    pub(super) fn refused(status: StatusCode, told: impl Into<String>) -> Self {
        let told = told.into();
        Self::Refused { status, told }
    }

    /// What was given, and what is allowed.
    pub(super) fn bad(told: impl Into<String>) -> Self {
        Self::refused(StatusCode::BAD_REQUEST, told)
    }
}

impl From<StorageError> for ConsoleError {
    fn from(error: StorageError) -> Self {
        if error.is_outage() {
            let told = "The database is away. Try again in a moment.";
            return Self::refused(StatusCode::SERVICE_UNAVAILABLE, told);
        }
        tracing::error!(%error, "the console could not use the database");
        let told = "The database failed; the log says how.";
        Self::refused(StatusCode::INTERNAL_SERVER_ERROR, told)
    }
}

impl From<KeyHomeError> for ConsoleError {
    fn from(error: KeyHomeError) -> Self {
        match error {
            KeyHomeError::Storage(error) | KeyHomeError::Admit(AdmitError::Storage(error)) => {
                error.into()
            }
            KeyHomeError::Keys(KeyStoreError::Refused(told)) => {
                let told = format!("The keys stay as they are: {told}.");
                Self::refused(StatusCode::CONFLICT, told)
            }
            KeyHomeError::Admit(AdmitError::Objection(objection)) => {
                let told =
                    format!("The keys contradict those that there were before: {objection}.");
                Self::refused(StatusCode::CONFLICT, told)
            }
            error => {
                tracing::error!(%error, "the link keys could not be changed");
                Self::refused(
                    StatusCode::CONFLICT,
                    format!("The keys stay as they are: {error}"),
                )
            }
        }
    }
}

impl From<TakedownError> for ConsoleError {
    fn from(error: TakedownError) -> Self {
        match error {
            TakedownError::Storage(error) => error.into(),
            error => Self::refused(
                StatusCode::CONFLICT,
                format!("Nothing is taken down: {error}."),
            ),
        }
    }
}

impl fmt::Display for ConsoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThere => f.write_str("there is no console"),
            Self::LogInFirst => f.write_str("nobody is logged in"),
            Self::Refused { told, .. } => f.write_str(told),
            Self::Wait(seconds) => write!(f, "wait for {seconds} s"),
        }
    }
}

impl ResponseError for ConsoleError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotThere => StatusCode::NOT_FOUND,
            Self::LogInFirst => StatusCode::SEE_OTHER,
            Self::Refused { status, .. } => *status,
            Self::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let told = match self {
            Self::NotThere => {
                return ApiError::unrecognized(StatusCode::NOT_FOUND).error_response();
            }
            Self::LogInFirst => return see_other(LOGIN),
            Self::Refused { told, .. } => told.clone(),
            Self::Wait(seconds) => format!(
                "Too many wrong tokens. Wait for {seconds} seconds, and try again; until then no token is looked at."
            ),
        };
        let mut response = headed(self.status_code());
        if let Self::Wait(seconds) = self {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        } else if self.status_code() == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((header::RETRY_AFTER, "1"));
        }
        response.body(ConsoleMessage { told }.render())
    }
}
