//! File names of users, made harmless. Pure.

use medialink_event::{usual_name, with_usual_extension};
use medialink_link::fit_filename;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986's unreserved characters.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A file name without folders and without characters that change how it is shown.
pub(crate) fn base_name(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| match c {
            '/' | '\\' => '_',
            c if c.is_control() => '_',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => '_',
            c => c,
        })
        .collect();
    let name = name.trim();
    if name.bytes().all(|b| b == b'.') {
        String::new()
    } else {
        name.to_owned()
    }
}

/// The name that a link has for a file: with the usual extension of its type if it has none, and
/// short enough for a link.
pub(crate) fn link_name(filename: &str, mimetype: Option<&str>) -> String {
    match mimetype {
        Some(mimetype) => fit_filename(&with_usual_extension(filename, mimetype)),
        None => fit_filename(filename),
    }
}

/// The last segment of a link's path, for people and chat clients, which go by its extension: the
/// file's name, or one that says its type. Empty: none.
pub(crate) fn name_for_url(filename: Option<&str>, mimetype: Option<&str>) -> String {
    let name = filename.map(base_name).unwrap_or_default();
    let name = match (name.as_str(), mimetype) {
        ("", mimetype) => mimetype.and_then(usual_name).unwrap_or_default(),
        (name, mimetype) => link_name(name, mimetype),
    };
    utf8_percent_encode(&name, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_url_is_one_segment() {
        let name = |name| name_for_url(Some(name), None);
        assert_eq!(name("cat.png"), "cat.png");
        assert_eq!(name("a b/ü?.png"), "a%20b_%C3%BC%3F.png");
        assert_eq!(name(".."), "");
        assert_eq!(name_for_url(None, None), "");
    }

    #[test]
    fn a_name_in_a_url_has_an_extension_where_the_type_is_known() {
        for (name, mimetype, segment) in [
            (Some("Video"), "video/mp4", "Video.mp4"),
            (Some("cat.txt"), "image/png", "cat.txt"),
            (
                Some("server-config"),
                "application/octet-stream",
                "server-config",
            ),
            (Some(".."), "image/jpg", "image.jpg"),
            (None, "image/webp", "image.webp"),
            (None, "application/octet-stream", ""),
        ] {
            assert_eq!(name_for_url(name, Some(mimetype)), segment);
        }
    }

    #[test]
    fn a_long_name_keeps_the_extension_that_it_gets() {
        let name = link_name(&"é".repeat(200), Some("image/png"));
        assert!(name.len() <= 255 && name.ends_with("é.png"), "{name}");
        assert_eq!(link_name(&name, Some("image/png")), name);
    }
}
