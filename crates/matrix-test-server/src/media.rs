//! The media endpoints (Client-Server API, "Content repository"; MSC3916, MSC3910).

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    self, ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    HeaderMap,
};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, LocalBoxStream};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::io::ReaderStream;

use super::auth::{Requester, authenticate};
use super::errors::MatrixError;
use super::http::Query;
use super::linked_media::require_visible;
use super::media_headers::{
    ETAG, Requested, add_caching, add_safety, content_disposition, requested_range,
};
use super::media_store::{Description, Medium, Source};
use super::state::{Data, Server, now_ms};

/// The status of `M_MISSING_CONTENT_TOKEN`.
const MISSING_CONTENT_TOKEN: StatusCode = StatusCode::FORBIDDEN;
const CHUNK_BYTES: usize = 64 * 1024;
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const UNUSED_FOR_MS: u64 = 24 * 3600 * 1000;

/// `GET /_matrix/client/v1/media/config`
pub(super) fn config(server: &Server) -> HttpResponse {
    let size = server.options.max_upload_bytes;
    HttpResponse::Ok().json(json!({"m.upload.size": size}))
}

/// `POST /_matrix/media/v3/upload`; with MSC3910 the answer has the `content_token`.
pub(super) async fn upload(
    server: &Server,
    req: &HttpRequest,
    requester: &Requester,
    query: &Query,
    payload: web::Payload,
) -> Result<HttpResponse, MatrixError> {
    let description = describe(req, query);
    let (stored, size) = receive(server, req, payload).await?;
    let mut data = server.data();
    let with_token = server.options.content_tokens;
    let (id, medium) = data.media.create(&requester.user_id, with_token);
    let answer = created(medium);
    data.media.fill(&id, description, size, stored);
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST …/media/upload` (MSC3911): media for the uploader alone, until it is attached. The event
/// then guards it, so it has no content token.
pub(super) async fn upload_restricted(
    server: &Server,
    req: &HttpRequest,
    requester: &Requester,
    query: &Query,
    payload: web::Payload,
) -> Result<HttpResponse, MatrixError> {
    let description = describe(req, query);
    let (stored, size) = receive(server, req, payload).await?;
    let mut data = server.data();
    let (id, medium) = data.media.create_restricted(&requester.user_id, None);
    let answer = created(medium);
    data.media.fill(&id, description, size, stored);
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST /_matrix/media/v1/create`
pub(super) fn create(server: &Server, requester: &Requester) -> HttpResponse {
    let mut data = server.data();
    let with_token = server.options.content_tokens;
    let (_, medium) = data.media.create(&requester.user_id, with_token);
    let mut answer = created(medium);
    answer["unused_expires_at"] = now_ms().saturating_add(UNUSED_FOR_MS).into();
    HttpResponse::Ok().json(answer)
}

/// `PUT /_matrix/media/v3/upload/{serverName}/{mediaId}`
pub(super) async fn upload_to(
    server: &Server,
    req: &HttpRequest,
    requester: &Requester,
    query: &Query,
    (server_name, id): (&str, &str),
    payload: web::Payload,
) -> Result<HttpResponse, MatrixError> {
    require_local(server, server_name)?;
    let description = describe(req, query);
    claim_upload(server, requester, id)?;
    let claim = UploadClaim { server, id };
    let (stored, size) = receive(server, req, payload).await?;
    server.data().media.fill(id, description, size, stored);
    drop(claim);
    server.uploaded.notify_waiters();
    Ok(HttpResponse::Ok().json(json!({})))
}

fn claim_upload(server: &Server, requester: &Requester, id: &str) -> Result<(), MatrixError> {
    let mut data = server.data();
    let medium = data.media.find(id)?;
    if medium.uploader != requester.user_id {
        let message = "Only the creator of the media ID can upload to it";
        return Err(MatrixError::forbidden(message));
    }
    if !matches!(medium.source, Source::Pending) {
        let message = "Media ID already has content";
        let errcode = "M_CANNOT_OVERWRITE_MEDIA";
        return Err(MatrixError::new(StatusCode::CONFLICT, errcode, message));
    }
    medium.source = Source::Uploading;
    Ok(())
}

/// Gives the media ID free again where the upload fails or breaks off.
struct UploadClaim<'a> {
    server: &'a Server,
    id: &'a str,
}

impl Drop for UploadClaim<'_> {
    fn drop(&mut self) {
        if let Ok(medium) = self.server.data().media.find(self.id)
            && matches!(medium.source, Source::Uploading)
        {
            medium.source = Source::Pending;
        }
    }
}

/// Makes media without storing it; for tests with long bodies.
pub(super) fn generate(server: &Server, query: &Query) -> Result<HttpResponse, MatrixError> {
    let size = query
        .number("size")?
        .ok_or_else(|| MatrixError::missing_param("size"))?;
    let content_type = query
        .get("content_type")
        .unwrap_or("application/octet-stream");
    if header::HeaderValue::from_str(content_type).is_err() {
        return Err(MatrixError::invalid_param(
            "content_type is no header value",
        ));
    }
    let with_token = server.options.content_tokens && query.get("content_token") != Some("false");
    let mut data = server.data();
    let (id, medium) = data.media.create("", with_token);
    let mut answer = created(medium);
    answer["size"] = size.into();
    let description = Description {
        content_type: content_type.to_owned(),
        file_name: query.get("filename").map(str::to_owned),
    };
    data.media.fill(&id, description, size, Source::Generated);
    Ok(HttpResponse::Ok().json(answer))
}

fn created(medium: &Medium) -> serde_json::Value {
    let mut answer = json!({"content_uri": medium.mxc});
    if let Some(token) = &medium.content_token {
        answer["content_token"] = token.as_str().into();
    }
    answer
}

fn describe(req: &HttpRequest, query: &Query) -> Description {
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
async fn receive(
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

fn storage(error: &io::Error) -> MatrixError {
    tracing::warn!(%error, "media file");
    MatrixError::internal("Media could not be stored or read")
}

/// What of a medium is asked for.
pub(super) struct Wanted<'a> {
    pub server_name: &'a str,
    pub media_id: &'a str,
    pub file_name: Option<&'a str>,
}

/// `GET` and `HEAD` `/_matrix/client/v1/media/download/{serverName}/{mediaId}[/{fileName}]`
pub(super) async fn download(
    server: &Server,
    req: &HttpRequest,
    query: &Query,
    wanted: Wanted<'_>,
) -> Result<HttpResponse, MatrixError> {
    let who = authenticate(server, req, query)?;
    let found = find(server, req, query, &who, &wanted).await?;
    answer(server, req, wanted, found)
}

/// `GET /_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}`. Images are their own
/// thumbnails here: a server may answer with another size than was asked for.
pub(super) async fn thumbnail(
    server: &Server,
    req: &HttpRequest,
    query: &Query,
    wanted: Wanted<'_>,
) -> Result<HttpResponse, MatrixError> {
    let who = authenticate(server, req, query)?;
    for name in ["width", "height"] {
        query
            .number(name)?
            .ok_or_else(|| MatrixError::missing_param(name))?;
    }
    let found = find(server, req, query, &who, &wanted).await?;
    if !found.content_type.starts_with("image/") {
        let message = "Cannot find any thumbnails for the requested media";
        return Err(MatrixError::new(
            StatusCode::BAD_REQUEST,
            "M_UNKNOWN",
            message,
        ));
    }
    answer(server, req, wanted, found)
}

/// A medium that may be read, and its bytes held open against a clean-up.
struct Found {
    content_type: String,
    file_name: Option<String>,
    size: u64,
    bytes: OpenBytes,
}

enum OpenBytes {
    File(File),
    Generated,
}

async fn find(
    server: &Server,
    req: &HttpRequest,
    query: &Query,
    who: &Requester,
    wanted: &Wanted<'_>,
) -> Result<Found, MatrixError> {
    require_local(server, wanted.server_name)?;
    let wait = query
        .number("timeout_ms")?
        .map_or(Duration::from_secs(20), Duration::from_millis);
    let deadline = tokio::time::sleep(wait.min(LONGEST_WAIT));
    tokio::pin!(deadline);
    loop {
        let uploaded = server.uploaded.notified();
        tokio::pin!(uploaded);
        // From here on no upload is missed.
        uploaded.as_mut().enable();
        if let Some(found) = look_up(server, who, req.headers(), wanted.media_id)? {
            return Ok(found);
        }
        tokio::select! {
            () = &mut uploaded => {}
            () = &mut deadline => return Err(not_yet_uploaded()),
        }
    }
}

pub(super) fn not_yet_uploaded() -> MatrixError {
    let message = "Media has not been uploaded yet";
    let errcode = "M_NOT_YET_UPLOADED";
    MatrixError::new(StatusCode::GATEWAY_TIMEOUT, errcode, message)
}

/// None: it is not uploaded yet.
fn look_up(
    server: &Server,
    who: &Requester,
    headers: &HeaderMap,
    media_id: &str,
) -> Result<Option<Found>, MatrixError> {
    let mut data = server.data();
    let medium = readable(server, &mut data, who, headers, media_id)?;
    let bytes = match &medium.source {
        Source::Pending | Source::Uploading => return Ok(None),
        Source::Deleted => return Err(MatrixError::not_found("Not found")),
        Source::Generated => OpenBytes::Generated,
        Source::File(path) => {
            let file = File::open(path.as_ref());
            OpenBytes::File(file.map_err(|e| storage(&e))?)
        }
    };
    medium.last_accessed_at = now_ms();
    Ok(Some(Found {
        content_type: medium.content_type.clone(),
        file_name: medium.file_name.clone(),
        size: medium.size,
        bytes,
    }))
}

/// The medium if the requester may have it: may see what it is attached to, and has shown its
/// content token.
pub(super) fn readable<'a>(
    server: &Server,
    data: &'a mut Data,
    who: &Requester,
    headers: &HeaderMap,
    id: &str,
) -> Result<&'a mut Medium, MatrixError> {
    let medium = data.media.find(id)?;
    require_visible(medium, &data.rooms, &who.user_id)?;
    if server.options.content_tokens {
        check_content_token(medium, headers)?;
    }
    Ok(medium)
}

/// MSC3910, "New download endpoints".
fn check_content_token(medium: &Medium, headers: &HeaderMap) -> Result<(), MatrixError> {
    let given = headers
        .get("x-matrix-content-token")
        .map(header::HeaderValue::as_bytes);
    let right = medium.content_token.as_deref().map(str::as_bytes);
    match (given, right) {
        (None, Some(_)) => {
            let errcode = "M_MISSING_CONTENT_TOKEN";
            Err(MatrixError::new(
                MISSING_CONTENT_TOKEN,
                errcode,
                "A content token is needed",
            ))
        }
        (given, right) if given == right => Ok(()),
        _ => {
            let message = "The content token is not that of the media";
            Err(MatrixError::new(
                StatusCode::FORBIDDEN,
                "M_UNAUTHORIZED",
                message,
            ))
        }
    }
}

/// Only this server's media is here. The status is Synapse's for a server it cannot reach.
pub(super) fn require_local(server: &Server, name: &str) -> Result<(), MatrixError> {
    if name == server.options.server_name {
        Ok(())
    } else {
        Err(MatrixError::internal(
            "The media's server cannot be reached",
        ))
    }
}

fn answer(
    server: &Server,
    req: &HttpRequest,
    wanted: Wanted<'_>,
    found: Found,
) -> Result<HttpResponse, MatrixError> {
    let head = req.method() == actix_web::http::Method::HEAD;
    let validator = req.headers().get(header::IF_NONE_MATCH);
    if validator.is_some_and(|value| value.as_bytes() == ETAG.as_bytes()) {
        count(server, wanted.media_id, |medium| &mut medium.not_modified);
        let mut response = HttpResponse::NotModified();
        add_caching(&mut response);
        return Ok(response.finish());
    }
    let range = if server.options.ranges {
        requested_range(req.headers(), found.size)
    } else {
        Requested::Whole
    };
    let (start, length) = match range {
        Requested::Whole => (0, found.size),
        Requested::Part(start, end) => (start, end - start + 1),
        Requested::Unsatisfiable => {
            let mut response = HttpResponse::RangeNotSatisfiable();
            response.insert_header((CONTENT_RANGE, format!("bytes */{}", found.size)));
            return Ok(response.finish());
        }
    };
    let mut response = HttpResponse::Ok();
    if let Requested::Part(start, end) = range {
        response.status(StatusCode::PARTIAL_CONTENT);
        response.insert_header((CONTENT_RANGE, format!("bytes {start}-{end}/{}", found.size)));
    }
    if server.options.ranges {
        response.insert_header((ACCEPT_RANGES, "bytes"));
    }
    let name = wanted.file_name.or(found.file_name.as_deref());
    let disposition = content_disposition(&found.content_type, name);
    response.insert_header((CONTENT_TYPE, found.content_type));
    response.insert_header((CONTENT_DISPOSITION, disposition));
    add_caching(&mut response);
    add_safety(&mut response);
    let body = if head {
        stream::empty().boxed_local()
    } else {
        count(server, wanted.media_id, |medium| &mut medium.downloads);
        read(found.bytes, start, length).map_err(|e| storage(&e))?
    };
    Ok(response.body(SizedStream::new(length, body)))
}

fn count(server: &Server, id: &str, counter: impl FnOnce(&mut Medium) -> &mut u64) {
    if let Ok(medium) = server.data().media.find(id) {
        *counter(medium) += 1;
    }
}

fn read(
    bytes: OpenBytes,
    start: u64,
    length: u64,
) -> io::Result<LocalBoxStream<'static, io::Result<Bytes>>> {
    match bytes {
        OpenBytes::File(mut file) => {
            file.seek(SeekFrom::Start(start))?;
            let file = tokio::fs::File::from_std(file).take(length);
            Ok(ReaderStream::with_capacity(file, CHUNK_BYTES).boxed_local())
        }
        OpenBytes::Generated => {
            let end = start.saturating_add(length);
            let chunks = stream::unfold(start, move |at| async move {
                let until = end.min(at.saturating_add(CHUNK_BYTES as u64));
                let chunk: Bytes = (at..until).map(generated_byte).collect::<Vec<_>>().into();
                (!chunk.is_empty()).then_some((Ok(chunk), until))
            });
            Ok(chunks.boxed_local())
        }
    }
}

/// The byte at `offset` of every medium made by `POST /_demo/generate`: cheap, and different
/// enough that a stream shifted, doubled or cut is noticed.
#[must_use]
pub fn generated_byte(offset: u64) -> u8 {
    let mixed = offset ^ (offset >> 8).wrapping_mul(31) ^ (offset >> 16).wrapping_mul(131);
    mixed.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_bytes_differ_between_chunks() {
        let chunk = |at: u64| (at..at + 4096).map(generated_byte).collect::<Vec<_>>();
        assert_ne!(chunk(0), chunk(CHUNK_BYTES as u64));
        assert_ne!(chunk(0), chunk(4096));
    }
}
