//! Downloads and thumbnails.

use std::fs::File;
use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    self, ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, HeaderMap,
};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::auth::authenticate;
use crate::clock::now_ms;
use crate::errors::MatrixError;
use crate::media_store::{Medium, Source};
use crate::query::Query;
use crate::requester::Requester;
use crate::server::Server;

use super::bytes::{OpenBytes, read, storage};
use super::headers::{
    ETAG, Requested, add_caching, add_safety, content_disposition, requested_range,
};
use super::readable::{not_yet_uploaded, readable, require_local};

const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The medium that a request asks for.
pub(crate) struct MediaRequest<'a> {
    pub server_name: &'a str,
    pub media_id: &'a str,
    pub file_name: Option<&'a str>,
}

/// `GET` and `HEAD` `/_matrix/client/v1/media/download/{serverName}/{mediaId}[/{fileName}]`
pub(crate) async fn download(
    server: &Server,
    req: &HttpRequest,
    query: &Query,
    wanted: MediaRequest<'_>,
) -> Result<HttpResponse, MatrixError> {
    let who = authenticate(server, req, query)?;
    let found = find(server, req, query, &who, &wanted).await?;
    answer(server, req, wanted, found)
}

/// `GET /_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}`. Images are their own
/// thumbnails here: a server may answer with another size than was asked for.
pub(crate) async fn thumbnail(
    server: &Server,
    req: &HttpRequest,
    query: &Query,
    wanted: MediaRequest<'_>,
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
struct ReadableMedia {
    content_type: String,
    file_name: Option<String>,
    size: u64,
    bytes: OpenBytes,
}

async fn find(
    server: &Server,
    req: &HttpRequest,
    query: &Query,
    who: &Requester,
    wanted: &MediaRequest<'_>,
) -> Result<ReadableMedia, MatrixError> {
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

/// None: it is not uploaded yet.
fn look_up(
    server: &Server,
    who: &Requester,
    headers: &HeaderMap,
    media_id: &str,
) -> Result<Option<ReadableMedia>, MatrixError> {
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
    Ok(Some(ReadableMedia {
        content_type: medium.content_type.clone(),
        file_name: medium.file_name.clone(),
        size: medium.size,
        bytes,
    }))
}

fn answer(
    server: &Server,
    req: &HttpRequest,
    wanted: MediaRequest<'_>,
    found: ReadableMedia,
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
