//! The charset of text, as it is told (RFC 9110, section 8.3.2).

use encoding_rs::{Encoding, UTF_8};

/// The charset to tell of text whose type is declared like this: the declared one, or UTF-8 where
/// none is declared.
///
/// It is one that the Encoding Standard knows. Those that it forbids, such as UTF-7, and unknown ones
/// let browsers guess: such text is told as UTF-8. UTF-16 and ISO-2022-JP hide ASCII characters in
/// other bytes, which is harmless in types that are text whatever is in them.
pub(super) fn told(declared: &str) -> String {
    const USUAL: &str = "utf-8";
    let Some(label) = parameter(declared, "charset") else {
        return USUAL.to_owned();
    };
    match Encoding::for_label_no_replacement(label.as_bytes()) {
        Some(_) => label.trim().to_ascii_lowercase(),
        None => USUAL.to_owned(),
    }
}

/// Bytes as text, by the charset that their type declares, or by the mark at their beginning; UTF-8 where neither
/// tells. What is none of it becomes U+FFFD.
#[must_use]
pub fn decoded_text(declared: &str, bytes: &[u8]) -> String {
    let label = parameter(declared, "charset");
    let encoding = label.and_then(|label| Encoding::for_label_no_replacement(label.as_bytes()));
    let (text, _, _) = encoding.unwrap_or(UTF_8).decode(bytes);
    text.into_owned()
}

/// Whether a media type declares a charset.
pub(super) fn is_declared(declared: &str) -> bool {
    parameter(declared, "charset").is_some()
}

/// The first parameter of this name, without its quotes.
fn parameter(media_type: &str, name: &str) -> Option<String> {
    let (_, mut rest) = media_type.split_once(';')?;
    loop {
        let (found, after) = rest.split_at(rest.find(['=', ';']).unwrap_or(rest.len()));
        let Some(value) = after.strip_prefix('=') else {
            rest = after.strip_prefix(';')?;
            continue;
        };
        let (value, after) = value_and_rest(value);
        if found.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
}

/// A parameter's value, and the parameters after it.
fn value_and_rest(text: &str) -> (String, &str) {
    let end = |text: &str| text.find(';').unwrap_or(text.len());
    let Some(quoted) = text.trim_start().strip_prefix('"') else {
        let (value, rest) = text.split_at(end(text));
        return (value.trim().to_owned(), rest.trim_start_matches(';'));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                let rest = &quoted[at + 1..];
                return (value, rest[end(rest)..].trim_start_matches(';'));
            }
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harmless_charset_is_kept() {
        for (declared, charset) in [
            ("text/plain", "utf-8"),
            ("text/plain; charset=ISO-8859-1", "iso-8859-1"),
            ("text/plain;charset=\"windows-1252\"", "windows-1252"),
            ("text/plain; format=flowed; Charset=koi8-r", "koi8-r"),
            (
                "text/plain; x=\"a;charset=utf-7\"; charset=latin1",
                "latin1",
            ),
            ("text/plain; charset=\"ISO\\-8859-2\"", "iso-8859-2"),
            ("text/plain; charset=Shift_JIS; charset=utf-7", "shift_jis"),
            ("text/plain; charset=us-ascii", "us-ascii"),
            ("text/plain; charset=gb18030 ", "gb18030"),
            ("text/plain; flag; charset=big5", "big5"),
            ("text/plain; charset=UTF-16", "utf-16"),
            ("text/plain; charset=\"utf-16LE\"", "utf-16le"),
            ("text/plain; charset=UTF-16BE", "utf-16be"),
            ("text/plain; charset=ISO-2022-JP", "iso-2022-jp"),
        ] {
            assert_eq!(told(declared), charset, "{declared}");
        }
    }

    #[test]
    fn a_charset_that_browsers_do_not_have_is_told_as_utf_8() {
        for charset in [
            "utf-7",
            "utf-32",
            "ISO-2022-KR",
            "hz-gb-2312",
            "ibm037",
            "replacement",
            "",
            "\"",
            "\"utf-7",
            "\\",
            "utf-8\u{7f}",
        ] {
            let declared = format!("text/plain; charset={charset}");
            assert_eq!(told(&declared), "utf-8", "{charset}");
        }
    }
}
