//! From the body of an upload to a file.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{HttpRequest, web};
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::errors::MatrixError;
use crate::media_store::{Description, Source};
use crate::query::Query;
use crate::server::Server;

use super::bytes::storage;

/// The description that a request has for its body.
pub(crate) fn describe(req: &HttpRequest, query: &Query) -> Description {
    let content_type = req
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    Description {
        content_type: content_type
            .unwrap_or("application/octet-stream")
            .to_owned(),
        file_name: query
            .get("filename")
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
    }
}

/// Writes the body to a file of the media directory; the file goes again if anything fails.
pub(crate) async fn receive(
    server: &Server,
    req: &HttpRequest,
    mut payload: web::Payload,
) -> Result<(Source, u64), MatrixError> {
    let max = server.options.max_upload_bytes;
    let announced = req
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    let announced: u64 = announced
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| {
            let message = "Request must specify a Content-Length";
            MatrixError::new(StatusCode::BAD_REQUEST, "M_UNKNOWN", message)
        })?;
    if announced > max {
        return Err(MatrixError::too_large("Upload request body is too large"));
    }
    let stored = tempfile::NamedTempFile::new_in(&server.media_dir).map_err(|e| storage(&e))?;
    let (file, path) = stored.into_parts();
    let mut file = tokio::fs::File::from_std(file);
    let mut size = 0_u64;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| {
            MatrixError::new(StatusCode::BAD_REQUEST, "M_UNKNOWN", "The body broke off")
        })?;
        size = size.saturating_add(chunk.len() as u64);
        if size > max {
            return Err(MatrixError::too_large("Upload request body is too large"));
        }
        file.write_all(&chunk).await.map_err(|e| storage(&e))?;
    }
    file.flush().await.map_err(|e| storage(&e))?;
    Ok((Source::File(Arc::new(path)), size))
}
