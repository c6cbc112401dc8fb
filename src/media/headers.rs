//! Type and disposition of an answer. No other header of the homeserver is passed on.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use medialink_event::{canonical_type, is_media_type};

use super::{charset, sniff::Family};
use crate::file_name::base_name;

/// Types that browsers may show in place (Client-Server API, "Serving inline content").
pub(super) const INLINE_TYPES: &[&str] = &[
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

/// The type of media whose type is unknown.
pub(super) const UNKNOWN_TYPE: &str = "application/octet-stream";

/// RFC 8187's `attr-char`: the characters that stay unescaped in an extended parameter.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// A type and a disposition that are safe together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeHeaders {
    /// `Content-Type`.
    pub content_type: String,
    /// `Content-Disposition`.
    pub content_disposition: String,
    /// The type that was declared, by its usual name, whatever the bytes show.
    pub declared_type: String,
}

impl SafeHeaders {
    /// Judges a declared type. It is kept if the first bytes agree with it, or if it is harmless
    /// whatever the bytes are; and shown in place if the specification's list has it. A type with
    /// several names is told by the one of that list.
    /// `first_bytes` is `None` where they are not known, as in a part from the middle.
    #[must_use]
    pub fn judge(
        declared: Option<&str>,
        first_bytes: Option<&[u8]>,
        filename: Option<&str>,
    ) -> Self {
        let declared = declared
            .filter(|text| is_media_type(text))
            .unwrap_or(UNKNOWN_TYPE);
        let name = canonical_type(declared);
        let told = match first_bytes {
            Some(first) => supported(&name, first),
            None => &name,
        };
        let is_shown = INLINE_TYPES.contains(&told);
        Self {
            content_type: if told == name {
                with_parameters(told, declared)
            } else {
                told.to_owned()
            },
            content_disposition: content_disposition(is_shown, filename),
            declared_type: name.into_owned(),
        }
    }
}

/// The type to declare for bytes that begin like this.
fn supported<'a>(name: &'a str, first: &[u8]) -> &'a str {
    let family = Family::of_type(name).filter(|_| INLINE_TYPES.contains(&name));
    if family.is_none() && name != UNKNOWN_TYPE {
        // Text, which is never executed, or a type that is saved and not shown.
        return name;
    }
    match Family::of_bytes(first) {
        Some(found) if family == Some(found) => name,
        Some(found) => found.usual_type(first).unwrap_or(UNKNOWN_TYPE),
        None => UNKNOWN_TYPE,
    }
}

/// Whether browsers are told to show media of this type, told by its usual name.
#[must_use]
pub fn is_shown(name: &str) -> bool {
    INLINE_TYPES.contains(&name)
}

/// A type with the parameters that were declared: of text the charset, which says how to read the
/// bytes, of pictures none, since none is defined.
fn with_parameters(name: &str, declared: &str) -> String {
    if name.starts_with("image/") {
        return name.to_owned();
    }
    let is_text = name.starts_with("text/");
    if charset::is_declared(declared) || is_text && INLINE_TYPES.contains(&name) {
        return format!("{name}; charset={}", charset::told(declared));
    }
    match declared.split_once(';') {
        Some((_, parameters)) if !is_text => format!("{name};{parameters}"),
        _ => name.to_owned(),
    }
}

/// A `Content-Disposition` for any file name (RFC 6266): a plain fallback, and the true name where
/// the fallback is not it (RFC 8187).
#[must_use]
pub fn content_disposition(inline: bool, filename: Option<&str>) -> String {
    let kind = if inline { "inline" } else { "attachment" };
    let Some(name) = filename.map(base_name).filter(|name| !name.is_empty()) else {
        return kind.to_owned();
    };
    let fallback: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect();
    if fallback == name {
        return format!("{kind}; filename=\"{fallback}\"");
    }
    let encoded = utf8_percent_encode(&name, ATTR_CHAR);
    format!("{kind}; filename=\"{fallback}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_types_are_shown_in_place() {
        let disposition =
            |kind: &str| SafeHeaders::judge(Some(kind), None, None).content_disposition;
        for good in [
            "image/png",
            "IMAGE/PNG",
            "video/mp4; codecs=avc1",
            "text/plain",
        ] {
            assert_eq!(disposition(good), "inline", "{good}");
        }
        for bad in [
            "text/html",
            "image/svg+xml",
            "application/pdf",
            "application/xml",
            "nonsense",
            "",
            "image/png\r\nX: y",
        ] {
            assert_eq!(disposition(bad), "attachment", "{bad}");
        }
        assert_eq!(
            SafeHeaders::judge(Some("a\r\nb/c"), None, None).content_type,
            UNKNOWN_TYPE
        );
        assert_eq!(
            SafeHeaders::judge(None, None, None).content_type,
            UNKNOWN_TYPE
        );
    }

    #[test]
    fn text_keeps_a_harmless_charset() {
        for (declared, told) in [
            ("text/plain", "text/plain; charset=utf-8"),
            ("Text/Plain; charset=Latin1", "text/plain; charset=latin1"),
            (
                "text/plain; charset=utf-7; x=y",
                "text/plain; charset=utf-8",
            ),
            ("text/x-csv; header=present", "text/csv; charset=utf-8"),
            ("text/css;charset=\"big5\"", "text/css; charset=big5"),
            ("application/json", "application/json"),
            (
                "application/json; charset=UTF-16",
                "application/json; charset=utf-16",
            ),
            ("text/html; charset=utf-7", "text/html; charset=utf-8"),
            ("text/html; charset=gbk", "text/html; charset=gbk"),
            ("text/html", "text/html"),
            ("video/mp4; codecs=avc1", "video/mp4; codecs=avc1"),
        ] {
            for first_bytes in [None, Some(&b"+ADw-script"[..])] {
                if declared.starts_with("video") && first_bytes.is_some() {
                    continue;
                }
                let safe = SafeHeaders::judge(Some(declared), first_bytes, None);
                assert_eq!(safe.content_type, told, "{declared}");
            }
        }
    }

    #[test]
    fn a_type_is_kept_if_the_bytes_agree() {
        const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
        const M4A: &[u8] = b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42";
        const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";
        const HTML: &[u8] = b" <html><script>";
        for (declared, bytes, content_type, disposition) in [
            (Some("image/png"), PNG, "image/png", "inline"),
            (Some("image/apng"), PNG, "image/apng", "inline"),
            (Some("image/png"), JPEG, "image/jpeg", "inline"),
            (Some("audio/mp4"), M4A, "audio/mp4", "inline"),
            (None, JPEG, "image/jpeg", "inline"),
            (Some(UNKNOWN_TYPE), M4A, "audio/mp4", "inline"),
            (Some(UNKNOWN_TYPE), MP4, "video/mp4", "inline"),
            (Some("audio/x-m4a"), M4A, "audio/mp4", "inline"),
            (Some("image/jpg"), JPEG, "image/jpeg", "inline"),
            (Some("IMAGE/PJPEG; q=1"), JPEG, "image/jpeg", "inline"),
            (Some("image/jpg"), PNG, "image/png", "inline"),
            (Some("image/jpg"), HTML, UNKNOWN_TYPE, "attachment"),
            (
                Some("Application/Octet-Stream"),
                JPEG,
                "image/jpeg",
                "inline",
            ),
            (Some("binary/octet-stream"), PNG, "image/png", "inline"),
            (Some("image/png"), HTML, UNKNOWN_TYPE, "attachment"),
            (Some("image/png"), b"", UNKNOWN_TYPE, "attachment"),
            (Some("video/mp4"), HTML, UNKNOWN_TYPE, "attachment"),
            (Some("text/html"), PNG, "text/html", "attachment"),
            (
                Some("text/plain"),
                HTML,
                "text/plain; charset=utf-8",
                "inline",
            ),
            (Some("text/css"), HTML, "text/css; charset=utf-8", "inline"),
            (Some("text/x-json"), HTML, "application/json", "inline"),
            (
                Some("image/svg+xml"),
                b"<svg>",
                "image/svg+xml",
                "attachment",
            ),
            (None, HTML, UNKNOWN_TYPE, "attachment"),
        ] {
            let safe = SafeHeaders::judge(declared, Some(bytes), None);
            let found = (
                safe.content_type.as_str(),
                safe.content_disposition.as_str(),
            );
            assert_eq!(found, (content_type, disposition), "{declared:?} {bytes:?}");
        }
    }

    #[test]
    fn any_file_name_becomes_a_header() {
        assert_eq!(
            content_disposition(true, Some("cat.png")),
            "inline; filename=\"cat.png\""
        );
        assert_eq!(
            content_disposition(false, Some("Kätzchen 🐈.png")),
            "attachment; filename=\"K_tzchen _.png\"; filename*=UTF-8''K%C3%A4tzchen%20%F0%9F%90%88.png"
        );
        assert_eq!(content_disposition(true, Some("..")), "inline");
        for nasty in [
            "a\"b.png",
            "a\r\nX: y",
            "../../etc/passwd",
            "a\\b",
            "\u{202e}gpj.exe",
            "100%.txt",
            "\0",
            "; filename=x",
        ] {
            let header = content_disposition(false, Some(nasty));
            assert!(
                header.bytes().all(|b| (0x20..0x7f).contains(&b)),
                "{header}"
            );
            assert!(!header.contains('/') && !header.contains('\\'), "{header}");
            assert_eq!(header.matches('"').count() % 2, 0, "{header}");
        }
    }
}
