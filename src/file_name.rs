//! File names of users, made harmless. Pure.

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

/// The last segment of a link's path, for people and chat clients; empty: none.
pub(crate) fn name_for_url(filename: &str) -> String {
    utf8_percent_encode(&base_name(filename), UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_url_is_one_segment() {
        assert_eq!(name_for_url("cat.png"), "cat.png");
        assert_eq!(name_for_url("a b/ü?.png"), "a%20b_%C3%BC%3F.png");
        assert_eq!(name_for_url(".."), "");
    }
}
