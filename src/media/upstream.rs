//! An answer of the homeserver, checked: what it tells of the media, and its body.

use std::time::Duration;

use hyper::{StatusCode, header};

use crate::homeserver::Download;

use super::{
    ByteRange, MediaError,
    head::Head,
    limited::{LimitedBody, Pieces},
    range::parse_content_range,
};

/// What was asked of the homeserver.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// `HEAD` instead of `GET`.
    pub(super) head_only: bool,
    /// The range that was asked for.
    pub(super) range: Option<ByteRange>,
    /// The most bytes that are allowed, announced or actual.
    pub(super) max_bytes: u64,
    /// The longest time between two pieces of the body.
    pub(super) stall: Duration,
}

/// A head and the body that follows it.
pub(super) struct Fetched {
    pub(super) head: Head,
    pub(super) body: LimitedBody,
}

/// What the homeserver's answer is.
pub(super) enum Upstream {
    /// The whole (200).
    Whole(Fetched),
    /// The bytes from the first to the last one (206), of the range that was asked for.
    Part(Fetched, u64, u64),
    /// No byte of it is in the range (416); with the `Content-Range` that was told.
    Unsatisfiable(Head),
}

impl Upstream {
    /// Checks an answer. Nothing in it is believed that contradicts itself or what was asked.
    pub(super) fn check(download: Download, asked: Asked) -> Result<Self, MediaError> {
        let headers = &download.headers;
        let text =
            |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return nonsense("it is compressed, which was not asked for");
        }
        // Of a chunked body the chunks tell the length (RFC 9112, section 6.3).
        let is_chunked = headers.contains_key(header::TRANSFER_ENCODING);
        let told = text(header::CONTENT_LENGTH)
            .filter(|_| !is_chunked)
            .and_then(|length| length.parse::<u64>().ok());
        let content_range = text(header::CONTENT_RANGE);
        match download.status {
            StatusCode::OK => {
                let head = Head::read(headers, told);
                let body = limited(download, told, asked)?;
                Ok(Self::Whole(Fetched { head, body }))
            }
            StatusCode::PARTIAL_CONTENT if asked.range.is_some() => {
                let Some(part) = content_range.and_then(parse_content_range) else {
                    return nonsense("a part without a Content-Range");
                };
                if !asked.range.is_some_and(|range| range.is_answered_by(part)) {
                    return nonsense("a part that was not asked for");
                }
                let (first, last, whole) = part;
                if whole.is_some_and(|whole| whole > asked.max_bytes) {
                    return Err(MediaError::TooLarge);
                }
                let length = last - first + 1;
                if told.is_some_and(|told| told != length) {
                    return nonsense("a part whose length is not that of its Content-Range");
                }
                let head = Head::read(headers, whole);
                let body = limited(download, Some(length), asked)?;
                Ok(Self::Part(Fetched { head, body }, first, last))
            }
            StatusCode::RANGE_NOT_SATISFIABLE if asked.range.is_some() => {
                let whole = content_range
                    .and_then(|text| text.strip_prefix("bytes */"))
                    .and_then(|length| length.parse().ok());
                Ok(Self::Unsatisfiable(Head::read(headers, whole)))
            }
            _ => nonsense("its status is not what was asked for"),
        }
    }
}

fn limited(
    download: Download,
    length: Option<u64>,
    asked: Asked,
) -> Result<LimitedBody, MediaError> {
    if length.is_some_and(|length| length > asked.max_bytes) {
        return Err(MediaError::TooLarge);
    }
    let length = if asked.head_only { Some(0) } else { length };
    Ok(LimitedBody {
        pieces: Pieces::Download(download.body),
        allowed: length.unwrap_or(asked.max_bytes),
        is_length_told: length.is_some(),
        stall: asked.stall,
    })
}

fn nonsense<T>(why: &str) -> Result<T, MediaError> {
    Err(MediaError::Failed(format!(
        "the homeserver's answer makes no sense: {why}"
    )))
}
