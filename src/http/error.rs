//! Errors of the internal listener, in Matrix's shape (Client-Server API, "Standard error
//! response").

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode, http::header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    homeserver::HomeserverError, links::IssueError, pastes::PasteError, storage::StorageError,
};

/// How long to wait for a database that is away, in milliseconds.
const AWAY_RETRY_MS: u64 = 1000;

/// An error as it is told.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ApiError {
    #[serde(skip)]
    status: u16,
    /// The Matrix error code.
    #[schema(example = "M_INVALID_PARAM")]
    errcode: &'static str,
    /// What was found, and what is allowed.
    #[schema(example = "room_id: not a room ID: it has to begin with '!'")]
    error: String,
    /// How long to wait before asking again, in milliseconds, with `M_LIMIT_EXCEEDED` and while the
    /// database is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

/// An error of one entry among others.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntryError {
    /// The Matrix error code.
    #[schema(example = "M_INVALID_PARAM")]
    errcode: &'static str,
    /// What was found, and what is allowed.
    error: String,
    /// The status that it has as an answer of its own.
    #[schema(example = 400)]
    status: u16,
    /// How long to wait before asking again, in milliseconds, with `M_LIMIT_EXCEEDED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl ApiError {
    /// An error with a status, a Matrix error code and a sentence.
    pub fn new(status: StatusCode, errcode: &'static str, error: impl Into<String>) -> Self {
        Self {
            status: status.as_u16(),
            errcode,
            error: error.into(),
            retry_after_ms: None,
        }
    }

    /// The client has to wait: for so long, in milliseconds, where that is known.
    pub fn limited(error: impl Into<String>, retry_after_ms: Option<u64>) -> Self {
        let limited = Self::new(StatusCode::TOO_MANY_REQUESTS, "M_LIMIT_EXCEEDED", error);
        Self {
            retry_after_ms,
            ..limited
        }
    }

    /// A value that is not allowed.
    pub fn invalid(field: &str, problem: impl fmt::Display) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "M_INVALID_PARAM",
            format!("{field}: {problem}"),
        )
    }

    /// A body of the wrong shape.
    pub fn bad_json(problem: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_BAD_JSON", problem.to_string())
    }

    /// A value that is missing.
    pub fn missing(problem: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_MISSING_PARAM", problem)
    }

    /// A thing that does not exist, or belongs to another bridge.
    pub fn not_found(error: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", error)
    }

    /// An endpoint that does not exist.
    pub fn unrecognized(status: StatusCode) -> Self {
        let error = if status == StatusCode::METHOD_NOT_ALLOWED {
            "this endpoint does not know that method"
        } else {
            "there is no such endpoint; see /docs"
        };
        Self::new(status, "M_UNRECOGNIZED", error)
    }

    /// The same as an entry of a batch, where the answer's status is not this error's.
    pub fn in_batch(&self) -> EntryError {
        EntryError {
            errcode: self.errcode,
            error: self.error.clone(),
            status: self.status,
            retry_after_ms: self.retry_after_ms,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.errcode, self.error)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if self.status == 408 {
            // The rest of the request may still come (RFC 9110, section 15.5.9).
            response.force_close();
        }
        if self.status == 401 {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(wait) = self.retry_after_ms {
            response.insert_header((header::RETRY_AFTER, wait.div_ceil(1000)));
        }
        response.json(self)
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "the database failed a request");
        if error.is_outage() {
            // Nobody knows of a write whose commit was not answered; repeating it does no harm.
            return Self {
                retry_after_ms: Some(AWAY_RETRY_MS),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "M_UNKNOWN",
                    "the database cannot be reached or takes no writes; the request can be repeated",
                )
            };
        }
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "M_UNKNOWN",
            "the database failed; the request was not carried out, and can be repeated",
        )
    }
}

impl From<IssueError> for ApiError {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Redacted | IssueError::Doubted => {
                Self::new(StatusCode::GONE, "M_GONE", error.to_string())
            }
            IssueError::RoomForbids => {
                Self::new(StatusCode::FORBIDDEN, "M_FORBIDDEN", error.to_string())
            }
            IssueError::TooLargeForRoom(_) => {
                Self::new(StatusCode::FORBIDDEN, "M_TOO_LARGE", error.to_string())
            }
            IssueError::Denied(denied) => {
                Self::new(StatusCode::FORBIDDEN, "M_FORBIDDEN", denied.to_string())
            }
            IssueError::Limited(limited) => {
                Self::limited(limited.to_string(), Some(limited.retry_after_ms()))
            }
            IssueError::Incomplete(problem) => Self::missing(problem),
            IssueError::Unproven(problem) => {
                Self::new(StatusCode::BAD_REQUEST, "M_INVALID_PARAM", problem)
            }
            IssueError::EventLookup(problem) => {
                tracing::warn!(
                    problem,
                    "the event of a link that is asked for could not be looked up"
                );
                Self::new(
                    StatusCode::BAD_GATEWAY,
                    "M_UNKNOWN",
                    "the homeserver could not be asked for the event; the request can be repeated",
                )
            }
            IssueError::Claims(error) => Self::new(
                StatusCode::BAD_REQUEST,
                "M_INVALID_PARAM",
                error.to_string(),
            ),
            IssueError::Storage(error) => error.into(),
        }
    }
}

impl From<PasteError> for ApiError {
    fn from(error: PasteError) -> Self {
        match error {
            PasteError::TooLong(max) => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "M_TOO_LARGE",
                format!("text: it is longer than {max} bytes"),
            ),
            PasteError::NeverAttached => {
                tracing::warn!(%error, "a paste is refused");
                Self::new(StatusCode::FORBIDDEN, "M_FORBIDDEN", error.to_string())
            }
            PasteError::Upload(error) => upload_failed(&error),
            PasteError::Issue(error) => error.into(),
        }
    }
}

/// The bridge's view of a failed upload. The operator finds the rest in the log.
fn upload_failed(error: &HomeserverError) -> ApiError {
    let (status, errcode, text) = match (error.status(), error.errcode()) {
        (413, _) | (_, "M_TOO_LARGE") => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "M_TOO_LARGE",
            "the homeserver takes no text that is as long as this one",
        ),
        _ if error.is_over_quota() => return over_quota(error),
        (429, _) | (_, "M_LIMIT_EXCEEDED") => {
            let HomeserverError::Refused { retry_after_ms, .. } = error else {
                return ApiError::limited(error.to_string(), None);
            };
            tracing::warn!(%error, "the homeserver limits uploads of pastes");
            return ApiError::limited("the homeserver limits uploads", *retry_after_ms);
        }
        (401, _) => (
            StatusCode::BAD_GATEWAY,
            "M_UNKNOWN",
            "the homeserver does not know the bridge's as_token",
        ),
        (403, _) => (
            StatusCode::BAD_GATEWAY,
            "M_FORBIDDEN",
            "the homeserver does not let the bridge's user upload",
        ),
        (504, _) => (StatusCode::GATEWAY_TIMEOUT, "M_UNKNOWN", SLOW),
        _ if *error == HomeserverError::Slow => (StatusCode::GATEWAY_TIMEOUT, "M_UNKNOWN", SLOW),
        _ => (
            StatusCode::BAD_GATEWAY,
            "M_UNKNOWN",
            "the text could not be uploaded to the homeserver; the request can be repeated",
        ),
    };
    tracing::warn!(%error, "a paste could not be uploaded");
    ApiError::new(status, errcode, text)
}

/// A limit that is not the bridge's to wait for: of its user, or of the whole homeserver.
fn over_quota(error: &HomeserverError) -> ApiError {
    tracing::warn!(%error, "a paste could not be uploaded: the homeserver's administrator has to raise a limit");
    let (errcode, text) = match error.errcode() {
        "M_RESOURCE_LIMIT_EXCEEDED" => (
            "M_RESOURCE_LIMIT_EXCEEDED",
            "the homeserver has reached a limit of its own, and takes no uploads",
        ),
        _ => (
            "M_USER_LIMIT_EXCEEDED",
            "the homeserver takes no more uploads of the bridge's user: its limit is reached",
        ),
    };
    ApiError::new(StatusCode::FORBIDDEN, errcode, text)
}

const SLOW: &str = "the homeserver was too slow to take the text; the request can be repeated";
