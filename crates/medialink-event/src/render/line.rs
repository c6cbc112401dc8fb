//! Texts that fit into one line of a plain network: nothing in them ends a line, turns the text
//! around them or is too long.

use unicode_segmentation::UnicodeSegmentation;

/// The mark of a text that was cut.
const ELLIPSIS: &str = "…";
/// The longest ending that still is one: `.torrent`, `.markdown`.
const MAX_EXTENSION_BYTES: usize = 10;

/// One line of a text. Its lines are joined by `between`; control characters (C0, C1, DEL) and
/// runs of spaces become one space. Invisible characters are removed: bidirectional embeddings, overrides and
/// isolates, which would reach into the text after them, and all others but the joiners
/// of scripts and emoji.
pub(super) fn one_line(text: &str, between: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for part in text.split(is_line_end) {
        let visible: String = part.chars().filter_map(shown).collect();
        for (index, word) in visible.split_whitespace().enumerate() {
            if index > 0 {
                line.push(' ');
            } else if !line.is_empty() {
                line.push_str(between);
            }
            line.push_str(word);
        }
    }
    line
}

fn is_line_end(character: char) -> bool {
    matches!(
        character,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

fn shown(character: char) -> Option<char> {
    match character {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => None,
        control if control.is_control() => Some(' '),
        other => Some(other),
    }
}

/// The text cut to that many bytes, between two graphemes and with `…` at its end; `None` if
/// nothing of it would be left.
pub(super) fn shortened(text: &str, max_bytes: usize) -> Option<String> {
    if text.len() <= max_bytes {
        return (!text.is_empty()).then(|| text.to_owned());
    }
    let room = max_bytes.checked_sub(ELLIPSIS.len())?;
    let end = text
        .grapheme_indices(true)
        .map(|(at, grapheme)| at + grapheme.len())
        .take_while(|end| *end <= room)
        .last()?;
    let kept = text[..end].trim_end();
    (!kept.is_empty()).then(|| format!("{kept}{ELLIPSIS}"))
}

/// A file's name cut to that many bytes, keeping its extension; `None` if nothing else would be
/// left.
pub(super) fn shortened_name(name: &str, max_bytes: usize) -> Option<String> {
    let extension = name
        .rfind('.')
        .map(|dot| &name[dot..])
        .filter(|extension| extension.len() <= MAX_EXTENSION_BYTES && extension.len() < name.len());
    match extension {
        Some(extension) if name.len() > max_bytes => {
            let stem = &name[..name.len() - extension.len()];
            let stem = shortened(stem, max_bytes.checked_sub(extension.len())?)?;
            Some(stem + extension)
        }
        _ => shortened(name, max_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_line_is_left() {
        for (text, line) in [
            ("cat.png", "cat.png"),
            (" a \t b ", "a b"),
            ("a\r\nQUIT :b\n\n\u{2028}c\u{85}", "a / QUIT :b / c"),
            (
                "\u{1}ACTION x\u{1}\u{3}4red\u{f}\u{7f}\u{9b}",
                "ACTION x 4red",
            ),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("\u{2067}a\u{2069}\u{feff}\u{200b}", "a"),
            ("شكرا\u{200f} 👩\u{200d}👧", "شكرا\u{200f} 👩\u{200d}👧"),
            ("\0\n ", ""),
        ] {
            assert_eq!(one_line(text, " / "), line, "{text:?}");
        }
    }

    #[test]
    fn a_text_is_cut_between_graphemes() {
        for (text, max, cut) in [
            ("abcdef", 6, Some("abcdef")),
            ("abcdef", 5, Some("ab…")),
            ("ab cdef", 6, Some("ab…")),
            ("abcdef", 3, None),
            ("", 3, None),
            ("ééé", 5, Some("é…")),
            ("👩\u{200d}👩\u{200d}👧x", 18, None),
            ("x👩\u{200d}👩\u{200d}👧", 18, Some("x…")),
        ] {
            assert_eq!(shortened(text, max).as_deref(), cut, "{text:?}");
        }
    }

    #[test]
    fn a_name_keeps_its_extension() {
        for (name, max, cut) in [
            ("holiday-photos.png", 14, Some("holiday….png")),
            ("holiday-photos.png", 7, None),
            ("archive.of-everything", 9, Some("archiv…")),
            (".bashrc", 6, Some(".ba…")),
            ("cat.png", 7, Some("cat.png")),
        ] {
            assert_eq!(shortened_name(name, max).as_deref(), cut, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cut_text_fits(text in "\\PC{0,40}(\\.[a-z]{1,12})?", max in 0_usize..60) {
            for cut in [shortened(&text, max), shortened_name(&text, max)].into_iter().flatten() {
                prop_assert!(cut.len() <= max);
            }
        }

        #[test]
        fn no_text_ends_a_line(text in any::<String>()) {
            let line = one_line(&text, " / ");
            prop_assert!(!line.chars().any(|c| c.is_control() || is_line_end(c)));
            prop_assert_eq!(one_line(&line, " / "), line);
        }
    }
}
