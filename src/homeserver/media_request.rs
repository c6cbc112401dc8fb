//! What to download of which media, and the headers that say so.

use hyper::{
    Uri,
    header::{self, HeaderMap, HeaderValue},
};

use medialink_link::matrix::{ContentToken, MxcUri};

use crate::traces;

use super::{HomeserverError, client::USER_AGENT};

pub(super) use super::request_secrets::CONTENT_TOKEN_HEADER;

/// The media itself, or a thumbnail of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaVariant {
    /// The media as it was uploaded.
    Original,
    /// A thumbnail of it (Client-Server API, `/_matrix/client/v1/media/thumbnail`).
    Thumbnail {
        /// The desired width in pixels.
        width: u32,
        /// The desired height in pixels.
        height: u32,
        /// `scale` or `crop`.
        method: &'static str,
        /// Whether it may move, if the homeserver makes such thumbnails (MSC2705).
        animated: bool,
    },
}

impl MediaVariant {
    /// The same thumbnail, which may move.
    #[must_use]
    pub fn moving(self) -> Self {
        match self {
            Self::Original => self,
            Self::Thumbnail {
                width,
                height,
                method,
                ..
            } => Self::Thumbnail {
                width,
                height,
                method,
                animated: true,
            },
        }
    }
}

/// A request for media.
#[derive(Debug, Clone, Copy)]
pub struct MediaRequest<'a> {
    /// Which variant of the media to download.
    pub what: MediaVariant,
    /// The URI of the media.
    pub mxc: &'a MxcUri,
    /// The content token that the homeserver asks for, if it does (MSC3910).
    pub content_token: Option<&'a ContentToken>,
    /// The user who asks, of the bridge's namespace; `None`: the bridge's user.
    pub as_user: Option<&'a str>,
    /// Whether to ask for the head of the answer only.
    pub head_only: bool,
    /// A `Range` header to hand on.
    pub range: Option<&'a str>,
    /// An `If-None-Match` header to hand on.
    pub if_none_match: Option<&'a str>,
}

/// A content token as the value of a header, kept out of the client's own debug output.
pub(super) fn content_token_header(token: &ContentToken) -> Result<HeaderValue, HomeserverError> {
    let mut value = HeaderValue::try_from(token.expose()).map_err(|_| {
        HomeserverError::InvalidResponse("the content token is not a valid header value")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The headers of a request for media.
pub(super) fn headers(
    credentials: HeaderMap,
    uri: &Uri,
    request: &MediaRequest<'_>,
) -> Result<HeaderMap, HomeserverError> {
    let value = |text: &str| {
        HeaderValue::try_from(text)
            .map_err(|_| HomeserverError::InvalidResponse("a request header is not valid"))
    };
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let mut headers = credentials;
    headers.insert(header::HOST, value(authority)?);
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let plain = HeaderValue::from_static("identity");
    headers.insert(header::ACCEPT_ENCODING, plain);
    if let Some(range) = request.range {
        headers.insert(header::RANGE, value(range)?);
    }
    if let Some(etag) = request.if_none_match {
        headers.insert(header::IF_NONE_MATCH, value(etag)?);
    }
    if let Some(trace) = traces::traceparent() {
        headers.insert("traceparent", value(&trace)?);
    }
    Ok(headers)
}
