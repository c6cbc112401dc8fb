//! The headers of media, as Synapse sets them, and the range that a request asks for. Pure.

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The media types that may be shown inline (Client-Server API, "Serving inline content").
const INLINE_TYPES: [&str; 26] = [
    "text/css",
    "text/plain",
    "text/csv",
    "application/json",
    "application/ld+json",
    "image/jpeg",
    "image/gif",
    "image/png",
    "image/apng",
    "image/webp",
    "image/avif",
    "video/mp4",
    "video/webm",
    "video/ogg",
    "video/quicktime",
    "audio/mp4",
    "audio/webm",
    "audio/aac",
    "audio/mpeg",
    "audio/ogg",
    "audio/wave",
    "audio/wav",
    "audio/x-wav",
    "audio/x-pn-wav",
    "audio/flac",
    "audio/x-flac",
];

/// Synapse's ETag: unquoted, and the same for every medium.
pub(super) const ETAG: &str = "1";

pub(crate) fn add_caching(response: &mut HttpResponseBuilder) {
    let caching = "public,max-age=86400,s-maxage=0,proxy-revalidate";
    response.insert_header((header::CACHE_CONTROL, caching));
    response.insert_header((header::ETAG, ETAG));
}

pub(crate) fn add_safety(response: &mut HttpResponseBuilder) {
    let policy = "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; \
                  style-src 'unsafe-inline'; media-src 'self'; object-src 'self';";
    response.insert_header((header::CONTENT_SECURITY_POLICY, policy));
    let corp = HeaderName::from_static("cross-origin-resource-policy");
    response.insert_header((corp, "cross-origin"));
    response.insert_header((header::REFERRER_POLICY, "no-referrer"));
    let robots = HeaderName::from_static("x-robots-tag");
    response.insert_header((robots, "noindex, nofollow, noarchive, noimageindex"));
}

pub(crate) fn content_disposition(content_type: &str, name: Option<&str>) -> String {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let inline = INLINE_TYPES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(essence));
    let kind = if inline { "inline" } else { "attachment" };
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return kind.to_owned();
    };
    // RFC 9110 "token", RFC 8187 "attr-char".
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.bytes().all(is_token) {
        format!("{kind}; filename={name}")
    } else {
        const KEPT: &AsciiSet = &NON_ALPHANUMERIC
            .remove(b'-')
            .remove(b'.')
            .remove(b'_')
            .remove(b'~');
        format!(
            "{kind}; filename*=utf-8''{}",
            utf8_percent_encode(name, KEPT)
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requested {
    Whole,
    /// First and last byte.
    Part(u64, u64),
    Unsatisfiable,
}

/// RFC 9110, section 14: one range is honoured; several, or none that is understood, mean all.
pub(crate) fn requested_range(headers: &HeaderMap, size: u64) -> Requested {
    let same = |value: &header::HeaderValue| value.as_bytes() == ETAG.as_bytes();
    if headers
        .get(header::IF_RANGE)
        .is_some_and(|value| !same(value))
    {
        return Requested::Whole;
    }
    let range = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    range
        .and_then(|text| parse_range(text, size))
        .unwrap_or(Requested::Whole)
}

fn parse_range(text: &str, size: u64) -> Option<Requested> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let number = |digits: &str| -> Option<u64> {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().unwrap_or(u64::MAX))
    };
    let (start, end) = if first.is_empty() {
        let length = number(last)?.min(size);
        (size - length, size.checked_sub(1))
    } else {
        let start = number(first)?;
        let end = if last.is_empty() {
            u64::MAX
        } else {
            number(last)?
        };
        if end < start {
            return None;
        }
        (start, size.checked_sub(1).map(|highest| highest.min(end)))
    };
    match end {
        Some(end) if start <= end => Some(Requested::Part(start, end)),
        _ => Some(Requested::Unsatisfiable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        use Requested::{Part, Unsatisfiable};
        for (text, size, expected) in [
            ("bytes=0-0", 10, Some(Part(0, 0))),
            ("bytes=2-", 10, Some(Part(2, 9))),
            ("bytes=2-99", 10, Some(Part(2, 9))),
            ("bytes=-3", 10, Some(Part(7, 9))),
            ("bytes=-99", 10, Some(Part(0, 9))),
            ("bytes=-0", 10, Some(Unsatisfiable)),
            ("bytes=10-", 10, Some(Unsatisfiable)),
            ("bytes=0-", 0, Some(Unsatisfiable)),
            ("bytes=99999999999999999999-", 10, Some(Unsatisfiable)),
            ("bytes=3-2", 10, None),
            ("bytes=0-1,3-4", 10, None),
            ("bytes=-", 10, None),
            ("bytes=+1-2", 10, None),
            ("pages=1-2", 10, None),
            ("", 10, None),
        ] {
            assert_eq!(parse_range(text, size), expected, "{text}");
        }
    }

    #[test]
    fn names_are_tokens_or_encoded() {
        let disposition = |kind, name| content_disposition(kind, Some(name));
        assert_eq!(disposition("image/png", "a.png"), "inline; filename=a.png");
        assert_eq!(
            disposition("IMAGE/PNG; x=y", "a.png"),
            "inline; filename=a.png"
        );
        let expected = "attachment; filename*=utf-8''%C3%A4%22%0D%0A.html";
        assert_eq!(disposition("text/html", "ä\"\r\n.html"), expected);
        assert_eq!(content_disposition("image/svg+xml", None), "attachment");
    }
}
