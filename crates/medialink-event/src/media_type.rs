//! Media types (RFC 9110, section 8.3.1), and their other names.

use std::borrow::Cow;

/// Whether a text is a media type by its characters: `type/subtype`, parameters after `;`.
pub fn is_media_type(text: &str) -> bool {
    let token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    text.len() <= 255
        && text.bytes().all(|b| (0x20..0x7f).contains(&b))
        && essence(text)
            .split_once('/')
            .is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

/// The one name of a media type: without parameters, in lower case, and by the name of the Matrix
/// specification's list where the type is known by others too (Client-Server API, "Serving inline
/// content").
///
/// ```
/// use medialink_event::canonical_type;
/// assert_eq!(canonical_type("IMAGE/JPG; q=1"), "image/jpeg");
/// assert_eq!(canonical_type("audio/x-m4a"), "audio/mp4");
/// assert_eq!(canonical_type("text/html"), "text/html");
/// ```
pub fn canonical_type(text: &str) -> Cow<'_, str> {
    let essence = essence(text);
    let lower = if essence.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(essence.to_ascii_lowercase())
    } else {
        Cow::Borrowed(essence)
    };
    listed_name(&lower).map_or(lower, Cow::Borrowed)
}

/// The media type without its parameters.
fn essence(text: &str) -> &str {
    text.split(';').next().unwrap_or_default().trim()
}

/// The name on the list of a type that browsers, systems and clients call by this one.
fn listed_name(other: &str) -> Option<&'static str> {
    Some(match other {
        "image/jpg" | "image/pjpeg" | "image/pjpg" | "image/jpe" | "image/jfif" | "image/pipeg"
        | "image/x-jpeg" | "image/x-jpg" | "image/x-pjpeg" | "application/jpg"
        | "application/x-jpg" => "image/jpeg",
        "image/x-png" | "application/png" | "application/x-png" => "image/png",
        "image/vnd.mozilla.apng" | "image/x-apng" => "image/apng",
        "image/x-gif" => "image/gif",
        "image/x-webp" => "image/webp",
        "image/x-avif" => "image/avif",
        "video/x-m4v" | "video/m4v" | "video/x-mp4" | "video/mpeg4" | "video/x-mpeg4"
        | "application/mp4" | "application/x-mp4" => "video/mp4",
        "video/mov" | "video/x-mov" | "video/x-quicktime" => "video/quicktime",
        "video/x-webm" => "video/webm",
        "video/x-ogg" | "video/x-theora" | "video/theora" | "video/x-theora+ogg" => "video/ogg",
        "audio/m4a" | "audio/x-m4a" | "audio/m4b" | "audio/x-m4b" | "audio/x-mp4"
        | "audio/mp4a-latm" | "audio/mpeg4" | "audio/x-mpeg4" => "audio/mp4",
        "audio/mp3" | "audio/x-mp3" | "audio/mpg" | "audio/x-mpg" | "audio/x-mpeg"
        | "audio/mpeg3" | "audio/x-mpeg3" | "audio/x-mpeg-3" | "audio/mpeg-3"
        | "audio/x-mpegaudio" => "audio/mpeg",
        "audio/opus" | "audio/x-opus" | "audio/x-opus+ogg" | "audio/vorbis" | "audio/x-vorbis"
        | "audio/x-vorbis+ogg" | "audio/x-ogg" | "audio/x-speex+ogg" | "application/ogg"
        | "application/x-ogg" => "audio/ogg",
        "audio/aacp"
        | "audio/x-aac"
        | "audio/x-aacp"
        | "audio/x-hx-aac-adts"
        | "audio/vnd.dlna.adts" => "audio/aac",
        "audio/vnd.wave" | "audio/x-wave" => "audio/wav",
        "application/x-flac" | "application/flac" => "audio/flac",
        "audio/x-webm" => "audio/webm",
        "text/x-csv"
        | "text/comma-separated-values"
        | "text/x-comma-separated-values"
        | "application/csv"
        | "application/x-csv" => "text/csv",
        "text/json" | "text/x-json" | "application/x-json" => "application/json",
        "application/x-css" => "text/css",
        "binary/octet-stream"
        | "application/x-octet-stream"
        | "application/binary"
        | "application/unknown"
        | "application/x-unknown" => "application/octet-stream",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_one_name_whatever_it_is_called() {
        for (text, name) in [
            ("image/png", "image/png"),
            ("IMAGE/PNG", "image/png"),
            ("Image/Pjpeg ; x=y", "image/jpeg"),
            ("AUDIO/X-M4A", "audio/mp4"),
            ("audio/opus; codecs=opus", "audio/ogg"),
            ("video/x-m4v", "video/mp4"),
            ("audio/x-flac", "audio/x-flac"),
            ("audio/x-wav", "audio/x-wav"),
            ("text/html; charset=utf-8", "text/html"),
            ("Image/SVG+xml", "image/svg+xml"),
            ("nonsense", "nonsense"),
            ("", ""),
            (";", ""),
        ] {
            assert_eq!(canonical_type(text), name, "{text}");
        }
    }

    #[test]
    fn a_name_on_the_list_is_its_own() {
        for name in [
            "image/jpeg",
            "image/png",
            "image/apng",
            "video/mp4",
            "audio/mp4",
            "audio/mpeg",
            "audio/ogg",
            "audio/wave",
            "audio/x-pn-wav",
            "text/csv",
            "application/json",
            "application/ld+json",
        ] {
            assert_eq!(listed_name(name), None, "{name}");
        }
    }
}
