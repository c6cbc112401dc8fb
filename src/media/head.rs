//! The head of a download: the homeserver's headers that matter to the media.

use actix_web::http::header::{ContentDisposition, HeaderValue, HttpDate};
use hyper::header::{self, HeaderMap};
use serde::{Deserialize, Serialize};

/// The homeserver's headers about media.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MediaHead {
    /// The length of the whole in bytes, where it was announced.
    pub(super) length: Option<u64>,
    /// `Content-Type`.
    pub(super) content_type: Option<String>,
    /// The file name of `Content-Disposition`.
    pub(super) filename: Option<String>,
    /// `Last-Modified`, if it is a date.
    pub(super) last_modified: Option<String>,
}

impl MediaHead {
    /// Reads the headers of an answer. `length`: of the whole.
    pub(super) fn read(headers: &HeaderMap, length: Option<u64>) -> Self {
        let text = |name| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        Self {
            length,
            content_type: text(header::CONTENT_TYPE),
            filename: text(header::CONTENT_DISPOSITION).and_then(|value| filename(&value)),
            last_modified: text(header::LAST_MODIFIED)
                .filter(|date| date.parse::<HttpDate>().is_ok()),
        }
    }
}

fn filename(disposition: &str) -> Option<String> {
    let value = HeaderValue::from_str(disposition).ok()?;
    let disposition = ContentDisposition::from_raw(&value).ok()?;
    let extended = disposition
        .get_filename_ext()
        .and_then(|name| String::from_utf8(name.value.clone()).ok());
    extended.or_else(|| disposition.get_filename().map(str::to_owned))
}
