//! The homeserver's answer to a download, checked: the head of the media, and its body.

use std::time::Duration;

use hyper::{StatusCode, header};

use crate::{homeserver::Download, limits::FetchPlace};

use super::{
    ByteRange, MediaError,
    head::MediaHead,
    limited::{BodySource, LimitedBody},
    range::parse_content_range,
    store::Turn,
};

/// The terms of a download, which its answer has to keep.
#[derive(Debug, Clone, Copy)]
pub(super) struct DownloadTerms {
    /// `HEAD` instead of `GET`.
    pub(super) head_only: bool,
    /// The requested range.
    pub(super) range: Option<ByteRange>,
    /// The most bytes that are allowed, announced or actual.
    pub(super) max_bytes: u64,
    /// The longest time between two pieces of the body.
    pub(super) stall: Duration,
}

/// A download of the whole or of a part: its head, and the body to read.
pub(super) struct FetchedMedia {
    pub(super) head: MediaHead,
    pub(super) body: LimitedBody,
    /// The turn to download it for all replicas, if we have it.
    pub(super) turn: Option<Box<Turn>>,
}

impl FetchedMedia {
    /// Media that was not downloaded for others.
    pub(super) fn new(head: MediaHead, body: LimitedBody) -> Self {
        Self {
            head,
            body,
            turn: None,
        }
    }
}

/// The homeserver's answer, checked.
pub(super) enum DownloadAnswer {
    /// The whole (200).
    Whole(FetchedMedia),
    /// The bytes from the first to the last one (206), as requested.
    Part(FetchedMedia, u64, u64),
    /// No byte is in the range (416); the head has the length of `Content-Range`.
    Unsatisfiable(MediaHead),
}

impl DownloadAnswer {
    /// Checks an answer: one that contradicts itself or the request is refused.
    pub(super) fn check(
        download: Download,
        asked: DownloadTerms,
        place: FetchPlace,
    ) -> Result<Self, MediaError> {
        let headers = &download.headers;
        let text =
            |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return contradiction("it is compressed, which was not asked for");
        }
        // The length of a chunked body is that of its chunks (RFC 9112, section 6.3).
        let is_chunked = headers.contains_key(header::TRANSFER_ENCODING);
        let announced = text(header::CONTENT_LENGTH)
            .filter(|_| !is_chunked)
            .and_then(|length| length.parse::<u64>().ok());
        let content_range = text(header::CONTENT_RANGE);
        match download.status {
            StatusCode::OK => {
                let head = MediaHead::read(headers, announced);
                let body = limited(download, announced, asked, place)?;
                Ok(Self::Whole(FetchedMedia::new(head, body)))
            }
            StatusCode::PARTIAL_CONTENT if asked.range.is_some() => {
                let Some(part) = content_range.and_then(parse_content_range) else {
                    return contradiction("a part without a Content-Range");
                };
                if !asked.range.is_some_and(|range| range.is_answered_by(part)) {
                    return contradiction("a part that was not asked for");
                }
                let (first, last, whole) = part;
                if whole.is_some_and(|whole| whole > asked.max_bytes) {
                    return Err(MediaError::TooLarge);
                }
                let length = last - first + 1;
                if announced.is_some_and(|announced| announced != length) {
                    return contradiction("a part whose length is not that of its Content-Range");
                }
                let head = MediaHead::read(headers, whole);
                let body = limited(download, Some(length), asked, place)?;
                Ok(Self::Part(FetchedMedia::new(head, body), first, last))
            }
            StatusCode::RANGE_NOT_SATISFIABLE if asked.range.is_some() => {
                let whole = content_range
                    .and_then(|text| text.strip_prefix("bytes */"))
                    .and_then(|length| length.parse().ok());
                Ok(Self::Unsatisfiable(MediaHead::read(headers, whole)))
            }
            _ => contradiction("its status is not what was asked for"),
        }
    }
}

fn limited(
    download: Download,
    length: Option<u64>,
    asked: DownloadTerms,
    place: FetchPlace,
) -> Result<LimitedBody, MediaError> {
    if length.is_some_and(|length| length > asked.max_bytes) {
        return Err(MediaError::TooLarge);
    }
    let length = if asked.head_only { Some(0) } else { length };
    Ok(LimitedBody {
        pieces: BodySource::Download {
            body: download.body,
            _place: place,
        },
        allowed: length.unwrap_or(asked.max_bytes),
        is_length_known: length.is_some(),
        stall: asked.stall,
    })
}

fn contradiction<T>(why: &str) -> Result<T, MediaError> {
    Err(MediaError::Failed(format!(
        "the homeserver's answer makes no sense: {why}"
    )))
}
