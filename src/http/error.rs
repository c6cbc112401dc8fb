//! Errors of the internal listener, in Matrix's shape (Client-Server API, "Standard error
//! response").

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode, http::header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{link_service::IssueError, storage::StorageError};

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
}

impl ApiError {
    /// An error with a status, a Matrix error code and a sentence.
    pub fn new(status: StatusCode, errcode: &'static str, error: impl Into<String>) -> Self {
        Self {
            status: status.as_u16(),
            errcode,
            error: error.into(),
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

    /// What is not there, or not this bridge's.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", what)
    }

    /// An endpoint that is not there.
    pub fn unrecognized(status: StatusCode) -> Self {
        let error = if status == StatusCode::METHOD_NOT_ALLOWED {
            "this endpoint does not know that method"
        } else {
            "there is no such endpoint; see /docs"
        };
        Self::new(status, "M_UNRECOGNIZED", error)
    }

    /// As an entry of a batch, where the status has no place of its own.
    pub fn in_batch(&self) -> serde_json::Value {
        serde_json::json!({"errcode": self.errcode, "error": self.error, "status": self.status})
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
        if self.status == 401 {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.json(self)
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "the database failed a request");
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
            IssueError::Redacted => Self::new(StatusCode::GONE, "M_GONE", error.to_string()),
            IssueError::RoomForbids => {
                Self::new(StatusCode::FORBIDDEN, "M_FORBIDDEN", error.to_string())
            }
            IssueError::TooLargeForRoom(_) => {
                Self::new(StatusCode::FORBIDDEN, "M_TOO_LARGE", error.to_string())
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
