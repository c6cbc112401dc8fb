//! Media types (RFC 9110, section 8.3.1), and their other names.

use std::borrow::Cow;

/// The type of media about which nothing is known.
pub(crate) const UNKNOWN: &str = "application/octet-stream";

/// Other names of types that the Matrix specification lists (Client-Server API, "Serving inline
/// content"), as clients, browsers and operating systems write them.
const OTHER_NAMES: &[(&str, &[&str])] = &[
    (
        "image/jpeg",
        &[
            "image/jpg",
            "image/pjpeg",
            "image/x-jpeg",
            "image/x-jpg",
            "image/jpe",
            "image/jfif",
        ],
    ),
    ("image/png", &["image/x-png"]),
    ("image/apng", &["image/vnd.mozilla.apng", "image/x-apng"]),
    ("image/gif", &["image/x-gif"]),
    ("image/webp", &["image/x-webp"]),
    ("image/avif", &["image/x-avif"]),
    ("video/mp4", &["video/m4v", "video/x-m4v", "video/x-mp4"]),
    ("video/webm", &["video/x-webm"]),
    (
        "video/ogg",
        &[
            "video/ogv",
            "video/x-ogg",
            "video/theora",
            "video/x-theora+ogg",
        ],
    ),
    (
        "video/quicktime",
        &["video/mov", "video/x-mov", "video/x-quicktime"],
    ),
    (
        "audio/mp4",
        &[
            "audio/m4a",
            "audio/x-m4a",
            "audio/m4b",
            "audio/x-m4b",
            "audio/x-mp4",
            "audio/mp4a-latm",
        ],
    ),
    ("audio/webm", &["audio/x-webm"]),
    (
        "audio/aac",
        &[
            "audio/x-aac",
            "audio/aacp",
            "audio/x-aacp",
            "audio/x-hx-aac-adts",
        ],
    ),
    (
        "audio/mpeg",
        &[
            "audio/mp3",
            "audio/x-mp3",
            "audio/mpeg3",
            "audio/x-mpeg3",
            "audio/x-mpeg-3",
            "audio/x-mpeg",
            "audio/mpg",
            "audio/x-mpg",
        ],
    ),
    (
        "audio/ogg",
        &[
            "audio/opus",
            "audio/x-opus",
            "audio/x-opus+ogg",
            "audio/vorbis",
            "audio/x-vorbis",
            "audio/x-vorbis+ogg",
            "audio/oga",
            "audio/x-ogg",
        ],
    ),
    ("audio/wav", &["audio/vnd.wave", "audio/vnd.wav"]),
    (
        "text/csv",
        &[
            "text/x-csv",
            "text/comma-separated-values",
            "application/csv",
            "application/x-csv",
        ],
    ),
    (
        "application/json",
        &["text/json", "text/x-json", "application/x-json"],
    ),
];

/// Whether a text is a media type by its characters: `type/subtype`, parameters after `;`.
pub fn is_media_type(text: &str) -> bool {
    let token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    text.len() <= 255
        && text.bytes().all(|b| (0x20..0x7f).contains(&b))
        && essence
            .split_once('/')
            .is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

/// A media type in lower case and without its parameters.
#[must_use]
pub fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// A media type in lower case and without its parameters; another name of a type that the Matrix
/// specification lists is replaced by the listed one: `image/jpeg` for `IMAGE/JPG`.
#[must_use]
pub fn listed_name(media_type: &str) -> String {
    let essence = essence(media_type);
    let is_other_name = |names: &[&str]| names.contains(&essence.as_str());
    match OTHER_NAMES.iter().find(|(_, names)| is_other_name(names)) {
        Some((listed, _)) => (*listed).to_owned(),
        None => essence,
    }
}

/// A media type with its parameters, under its listed name.
pub(crate) fn with_listed_name(media_type: &str) -> Cow<'_, str> {
    let name = listed_name(media_type);
    match media_type.split_once(';') {
        None if name == media_type => Cow::Borrowed(media_type),
        None => Cow::Owned(name),
        Some((_, parameters)) => Cow::Owned(format!("{name};{parameters}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_one_name() {
        for (name, listed) in [
            ("image/png", "image/png"),
            ("IMAGE/PNG", "image/png"),
            (" Image/Jpg ; q=1", "image/jpeg"),
            ("image/pjpeg", "image/jpeg"),
            ("audio/x-m4a", "audio/mp4"),
            ("audio/mp3", "audio/mpeg"),
            ("audio/opus", "audio/ogg"),
            ("Audio/OGG; codecs=opus", "audio/ogg"),
            ("video/x-m4v", "video/mp4"),
            ("application/x-unheard-of", "application/x-unheard-of"),
            ("", ""),
        ] {
            assert_eq!(listed_name(name), listed, "{name}");
        }
        for (name, told) in [
            ("audio/ogg; codecs=opus", "audio/ogg; codecs=opus"),
            ("AUDIO/Opus; rate=48000", "audio/ogg; rate=48000"),
            ("image/jpg", "image/jpeg"),
        ] {
            assert_eq!(with_listed_name(name), told);
        }
    }

    #[test]
    fn no_listed_name_is_another_name_of_something() {
        for (listed, names) in OTHER_NAMES {
            assert_eq!(listed_name(listed), *listed);
            for name in *names {
                assert!(is_media_type(name) && essence(name) == *name, "{name}");
                assert_eq!(listed_name(name), *listed);
            }
        }
    }
}
