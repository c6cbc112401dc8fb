//! Headers of media: from a type and a name that a stranger has chosen to headers that are safe.

use medialink::media::SafeHeaders;

/// Types that could run a script on the service's address.
const ACTIVE: &[&str] = &[
    "application/pdf",
    "application/xhtml+xml",
    "application/xml",
    "image/svg+xml",
    "text/html",
    "text/javascript",
    "text/xml",
];

/// Takes a declared type, a line feed, a file name, a line feed, and the first bytes of media. The
/// headers are valid, and nothing active is shown in place.
pub fn check(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (declared, filename) = (text(), text());
    for first_bytes in [parts.next(), None] {
        let headers = SafeHeaders::judge(Some(&declared), first_bytes, Some(&filename));
        for value in [&headers.content_type, &headers.content_disposition] {
            assert!(value.bytes().all(|b| matches!(b, b' '..=b'~')), "{value:?}");
        }
        let is_inline = headers.content_disposition.starts_with("inline");
        assert!(is_inline || headers.content_disposition.starts_with("attachment"));
        let essence = headers.content_type.split(';').next().unwrap_or_default();
        let is_active = ACTIVE.contains(&essence.trim().to_ascii_lowercase().as_str());
        assert!(!(is_inline && is_active), "{headers:?}");
    }
}
