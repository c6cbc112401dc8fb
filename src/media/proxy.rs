//! Opens media: one request to the homeserver, checked, and its body as a stream.

use std::sync::Arc;

use futures_util::StreamExt;
use reqwest::{Response, StatusCode, header};

use crate::{
    config::{BridgeConfig, MediaConfig},
    homeserver::{Homeserver, MediaRequest},
    link::LinkClaims,
};

use super::{
    MediaError, MediaStream, SafeHeaders,
    body::Body,
    decrypt::Decryption,
    range::{is_what_was_asked, parse_content_range},
};

/// How much of the media is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The head only.
    pub head_only: bool,
    /// One range of bytes, as a `Range` header.
    pub range: Option<&'a str>,
}

/// Media, ready to be sent.
pub struct Media {
    /// 200, 206 or 416.
    pub status: u16,
    /// Its type, and how it is to be shown.
    pub headers: SafeHeaders,
    /// The length of the body in bytes, where it is known.
    pub content_length: Option<u64>,
    /// With 206 and 416.
    pub content_range: Option<String>,
    /// Whether ranges of it can be asked for.
    pub ranges: bool,
    /// The bytes.
    pub body: MediaStream,
}

/// Gets media from the homeserver.
#[derive(Debug, Clone)]
pub struct MediaProxy {
    homeserver: Arc<Homeserver>,
    config: MediaConfig,
}

impl MediaProxy {
    /// A proxy for the media of a homeserver.
    #[must_use]
    pub fn new(homeserver: Arc<Homeserver>, config: MediaConfig) -> Self {
        Self { homeserver, config }
    }

    /// Opens media as a bridge.
    ///
    /// # Errors
    /// If the homeserver does not give it, or it is too large.
    pub async fn open(
        &self,
        bridge: &BridgeConfig,
        claims: &LinkClaims,
        wanted: Wanted<'_>,
    ) -> Result<Media, MediaError> {
        // Ciphertext is verified from its first byte to its last, so no range of it is given.
        let range = wanted.range.filter(|_| claims.file.is_none());
        let request = MediaRequest {
            mxc: &claims.mxc,
            content_token: claims.content_token.as_ref(),
            head_only: wanted.head_only,
            range,
            if_none_match: None,
        };
        let response = self.homeserver.download(bridge, request).await?;
        let mut media = self.checked(response, claims, wanted.head_only, range)?;
        if claims.file.is_some() {
            media.body = media.body.begun().await?;
        }
        Ok(media)
    }

    fn checked(
        &self,
        response: Response,
        claims: &LinkClaims,
        head_only: bool,
        range: Option<&str>,
    ) -> Result<Media, MediaError> {
        let text = |name: header::HeaderName| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let nonsense = |why: &str| {
            Err(MediaError::Failed(format!(
                "the homeserver's answer makes no sense: {why}"
            )))
        };
        let codings = response.headers().get_all(header::CONTENT_ENCODING);
        if codings
            .iter()
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return nonsense("it is compressed, which was not asked for");
        }
        let content_range = text(header::CONTENT_RANGE);
        // Of a chunked body the chunks tell the length (RFC 9112, section 6.3).
        let is_chunked = response.headers().contains_key(header::TRANSFER_ENCODING);
        let mut content_length = text(header::CONTENT_LENGTH)
            .filter(|_| !is_chunked)
            .and_then(|length| length.parse::<u64>().ok());
        let status = response.status();
        match status {
            StatusCode::OK => {}
            StatusCode::PARTIAL_CONTENT if range.is_some() => {
                let Some(part) = content_range.as_deref().and_then(parse_content_range) else {
                    return nonsense("a part without a Content-Range");
                };
                if !range.is_some_and(|range| is_what_was_asked(range, part)) {
                    return nonsense("a part that was not asked for");
                }
                let (first, last, whole) = part;
                if whole.is_some_and(|whole| whole > self.config.max_size_bytes) {
                    return Err(MediaError::TooLarge);
                }
                if content_length.is_some_and(|length| length != last - first + 1) {
                    return nonsense("a part whose length is not that of its Content-Range");
                }
                content_length = Some(last - first + 1);
            }
            StatusCode::RANGE_NOT_SATISFIABLE if range.is_some() => content_length = Some(0),
            _ => return nonsense("its status is not what was asked for"),
        }
        if content_length.is_some_and(|length| length > self.config.max_size_bytes) {
            return Err(MediaError::TooLarge);
        }
        let decryption = claims.file.as_ref().map(Decryption::new);
        let headers = safe_headers(
            claims,
            text(header::CONTENT_TYPE),
            text(header::CONTENT_DISPOSITION),
        );
        let ranges = status == StatusCode::PARTIAL_CONTENT
            || text(header::ACCEPT_RANGES).is_some_and(|units| units.contains("bytes"))
                && claims.file.is_none();
        let no_body = head_only || status == StatusCode::RANGE_NOT_SATISFIABLE;
        let body = if no_body {
            MediaStream(Box::pin(futures_util::stream::empty()))
        } else {
            let upstream = response.bytes_stream().map(|piece| {
                piece.map_err(|error| {
                    MediaError::Failed(format!("the body broke off: {}", error.without_url()))
                })
            });
            let body = Body {
                upstream: Box::pin(upstream),
                decryption,
                allowed: content_length.unwrap_or(self.config.max_size_bytes),
                is_length_told: content_length.is_some(),
                stall: self.homeserver.stall(),
            };
            MediaStream(Box::pin(body.into_stream()))
        };
        Ok(Media {
            status: status.as_u16(),
            headers,
            content_length,
            content_range: content_range.filter(|_| status != StatusCode::OK),
            ranges,
            body,
        })
    }
}

/// Of plain media the homeserver knows the type; of encrypted media only the event did. The file
/// name is the link's, or else the homeserver's.
fn safe_headers(
    claims: &LinkClaims,
    upstream_type: Option<String>,
    upstream_disposition: Option<String>,
) -> SafeHeaders {
    let told = upstream_type.filter(|kind| !kind.starts_with("application/octet-stream"));
    let declared = match claims.file {
        Some(_) => claims.mimetype.as_deref(),
        None => told.as_deref().or(claims.mimetype.as_deref()),
    };
    let upstream_name = upstream_disposition
        .and_then(|value| actix_web::http::header::HeaderValue::try_from(value).ok())
        .and_then(|value| actix_web::http::header::ContentDisposition::from_raw(&value).ok())
        .and_then(|disposition| {
            let extended = disposition
                .get_filename_ext()
                .and_then(|name| String::from_utf8(name.value.clone()).ok());
            extended.or_else(|| disposition.get_filename().map(str::to_owned))
        });
    SafeHeaders::judge(
        declared,
        claims.filename.as_deref().or(upstream_name.as_deref()),
    )
}
