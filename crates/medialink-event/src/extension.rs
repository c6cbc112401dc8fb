//! The endings of file names, by which people's programs choose what opens a file.

use std::borrow::Cow;

use crate::media_type::canonical_type;

/// The longest ending that still is one, in bytes.
const MAX_EXTENSION: usize = 10;

/// Usual extensions, and the types whose files have them.
const USUAL: &[(&str, &[&str])] = &[
    ("jpg", &["image/jpeg"]),
    ("png", &["image/png"]),
    ("apng", &["image/apng"]),
    ("gif", &["image/gif"]),
    ("webp", &["image/webp"]),
    ("avif", &["image/avif"]),
    ("svg", &["image/svg+xml"]),
    ("bmp", &["image/bmp", "image/x-ms-bmp"]),
    ("tiff", &["image/tiff"]),
    ("heic", &["image/heic"]),
    ("heif", &["image/heif"]),
    ("jxl", &["image/jxl"]),
    ("ico", &["image/x-icon", "image/vnd.microsoft.icon"]),
    ("mp4", &["video/mp4"]),
    ("webm", &["video/webm"]),
    ("ogv", &["video/ogg"]),
    ("mov", &["video/quicktime"]),
    ("mkv", &["video/matroska", "video/x-matroska"]),
    ("mpg", &["video/mpeg"]),
    ("3gp", &["video/3gpp", "audio/3gpp"]),
    ("avi", &["video/x-msvideo"]),
    ("m4a", &["audio/mp4"]),
    ("webm", &["audio/webm"]),
    ("aac", &["audio/aac"]),
    ("mp3", &["audio/mpeg"]),
    ("ogg", &["audio/ogg"]),
    (
        "wav",
        &["audio/wave", "audio/wav", "audio/x-wav", "audio/x-pn-wav"],
    ),
    ("flac", &["audio/flac", "audio/x-flac"]),
    ("amr", &["audio/amr"]),
    ("mid", &["audio/midi", "audio/x-midi"]),
    ("txt", &["text/plain"]),
    ("html", &["text/html"]),
    ("css", &["text/css"]),
    ("csv", &["text/csv"]),
    ("md", &["text/markdown"]),
    ("ics", &["text/calendar"]),
    ("vcf", &["text/vcard", "text/x-vcard"]),
    ("xml", &["text/xml", "application/xml"]),
    ("json", &["application/json"]),
    ("jsonld", &["application/ld+json"]),
    ("pdf", &["application/pdf"]),
    ("zip", &["application/zip"]),
    ("gz", &["application/gzip", "application/x-gzip"]),
    ("tar", &["application/x-tar"]),
    ("7z", &["application/x-7z-compressed"]),
    (
        "rar",
        &["application/vnd.rar", "application/x-rar-compressed"],
    ),
    ("bz2", &["application/x-bzip2"]),
    ("xz", &["application/x-xz"]),
    ("zst", &["application/zstd"]),
    ("epub", &["application/epub+zip"]),
    ("rtf", &["application/rtf", "text/rtf"]),
    ("doc", &["application/msword"]),
    ("xls", &["application/vnd.ms-excel"]),
    ("ppt", &["application/vnd.ms-powerpoint"]),
    (
        "docx",
        &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
    ),
    (
        "xlsx",
        &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
    ),
    (
        "pptx",
        &["application/vnd.openxmlformats-officedocument.presentationml.presentation"],
    ),
    ("odt", &["application/vnd.oasis.opendocument.text"]),
    ("ods", &["application/vnd.oasis.opendocument.spreadsheet"]),
    ("odp", &["application/vnd.oasis.opendocument.presentation"]),
    ("apk", &["application/vnd.android.package-archive"]),
    ("tgs", &["application/x-tgsticker"]),
];

/// The name of a file with the usual extension of its type, if the name has none.
///
/// Nothing is added where the type says nothing (`application/octet-stream`), or to names that
/// begin with a dot. Plain text is often without an extension on purpose: `README` and `Makefile`
/// stay as they are.
///
/// ```
/// use medialink_event::with_usual_extension;
/// assert_eq!(with_usual_extension("Video", "video/mp4"), "Video.mp4");
/// assert_eq!(with_usual_extension("clip.mov", "video/mp4"), "clip.mov");
/// ```
#[must_use]
pub fn with_usual_extension<'a>(name: &'a str, media_type: &str) -> Cow<'a, str> {
    let stem = name.trim_end_matches(['.', ' ']);
    if stem.is_empty() || has_extension(stem) {
        return Cow::Borrowed(name);
    }
    match usual_extension(media_type) {
        None => Cow::Borrowed(name),
        Some("txt") if needs_none(stem) => Cow::Borrowed(name),
        Some(extension) => Cow::Owned(format!("{stem}.{extension}")),
    }
}

/// A name for a file of this type that has none, such as `image.png`; `None`: the type says nothing.
#[must_use]
pub fn usual_name(media_type: &str) -> Option<String> {
    let extension = usual_extension(media_type)?;
    let kind = match canonical_type(media_type).split('/').next() {
        Some(kind @ ("image" | "video" | "audio" | "text")) => kind.to_owned(),
        _ => "file".to_owned(),
    };
    Some(format!("{kind}.{extension}"))
}

/// Whether a name ends in an extension: a dot behind something, and then a few letters and digits.
/// Digits alone are a number (`v1.2`), and words after a space no ending (`Mr. Smith`).
fn has_extension(name: &str) -> bool {
    let is_extension = |ending: &str| {
        (1..=MAX_EXTENSION).contains(&ending.len())
            && ending
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'~'))
            && ending.bytes().any(|b| b.is_ascii_alphabetic())
    };
    name.starts_with('.')
        || name
            .rsplit_once('.')
            .is_some_and(|(_, ending)| is_extension(ending))
}

/// Whether a text is usually called like this, without an extension.
fn needs_none(name: &str) -> bool {
    let is_capital = |b: u8| b.is_ascii_uppercase() || matches!(b, b'_' | b'-');
    name.bytes().all(is_capital) || name.ends_with("file")
}

/// The usual extension of a type; `None`: it has none, or the type says nothing.
fn usual_extension(media_type: &str) -> Option<&'static str> {
    let name = canonical_type(media_type);
    let mut usual = USUAL.iter();
    usual
        .find(|(_, types)| types.contains(&&*name))
        .map(|(extension, _)| *extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_an_extension_gets_the_usual_one() {
        for (name, media_type, whole) in [
            ("Video", "video/mp4", "Video.mp4"),
            (
                "Voice message",
                "audio/ogg; codecs=opus",
                "Voice message.ogg",
            ),
            ("Voice message", "AUDIO/Opus", "Voice message.ogg"),
            ("image", "image/jpg", "image.jpg"),
            ("v1.2 notes", "application/pdf", "v1.2 notes.pdf"),
            ("report v1.2", "application/pdf", "report v1.2.pdf"),
            ("Mr. Smith", "image/jpeg", "Mr. Smith.jpg"),
            ("photo.jpg (1)", "image/jpeg", "photo.jpg (1).jpg"),
            (
                "Screenshot 10.15.30",
                "image/png",
                "Screenshot 10.15.30.png",
            ),
            (
                "2.ein ganz langer Satz",
                "text/plain",
                "2.ein ganz langer Satz.txt",
            ),
            ("what is this…", "video/webm", "what is this….webm"),
            ("Video.", "video/mp4", "Video.mp4"),
            ("фото.снимок", "image/png", "фото.снимок.png"),
            ("notes", "text/plain; charset=utf-8", "notes.txt"),
            ("a.of-everything", "image/gif", "a.of-everything.gif"),
        ] {
            assert_eq!(with_usual_extension(name, media_type), whole);
            assert_eq!(
                with_usual_extension(whole, media_type),
                whole,
                "once is enough"
            );
        }
    }

    #[test]
    fn other_names_stay() {
        for (name, media_type) in [
            ("server-config", "application/octet-stream"),
            ("server-config", "binary/octet-stream"),
            ("server-config", "application/x-unheard-of"),
            ("server-config", "image"),
            ("server-config", ""),
            ("cat.txt", "image/png"),
            ("CAT.PNG", "image/png"),
            ("archive.tar.gz", "application/gzip"),
            ("backup.7z", "application/zip"),
            ("main.c++", "text/plain"),
            ("notes.txt~", "text/plain"),
            (".bashrc", "text/plain"),
            (".", "image/png"),
            ("..", "image/png"),
            ("", "image/png"),
            (" ", "image/png"),
            ("README", "text/plain"),
            ("CODE-OF_CONDUCT", "text/plain"),
            ("Makefile", "text/plain"),
        ] {
            assert_eq!(with_usual_extension(name, media_type), name);
        }
    }

    #[test]
    fn a_type_names_a_nameless_file() {
        for (media_type, name) in [
            ("image/jpg", Some("image.jpg")),
            ("Video/WebM; codecs=vp9", Some("video.webm")),
            ("audio/ogg", Some("audio.ogg")),
            ("text/plain", Some("text.txt")),
            ("application/pdf", Some("file.pdf")),
            ("application/octet-stream", None),
            ("", None),
        ] {
            assert_eq!(usual_name(media_type).as_deref(), name, "{media_type}");
        }
    }
}
