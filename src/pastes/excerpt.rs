//! The first lines of a text, for the chat that its link goes to.

/// The most lines.
pub const MAX_LINES: usize = 3;
/// The most bytes of a line, with the ellipsis at its end: an IRC message has 512, with its command,
/// its target and who sends it.
pub const MAX_LINE_BYTES: usize = 300;

const ELLIPSIS: char = '…';

/// The first lines of a text that say something: up to three, each of up to 300 bytes of UTF-8, with
/// a line feed between them and no other control character. So it can be sent as so many messages
/// as it has lines, of whatever network. Empty lines are left out, and so are characters that
/// are invisible or turn the direction of the text. An ellipsis marks where something is missing.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let mut lines = text
        .split(is_line_end)
        .map(visible)
        .filter(|line| !line.is_empty());
    let mut excerpt = String::new();
    for number in 0..MAX_LINES {
        let Some(line) = lines.next() else {
            break;
        };
        if number > 0 {
            excerpt.push('\n');
        }
        push_cut(&mut excerpt, &line);
    }
    if lines.next().is_some() && !excerpt.ends_with(ELLIPSIS) {
        let start = excerpt.rfind('\n').map_or(0, |at| at + 1);
        let last = format!("{} {ELLIPSIS}", &excerpt[start..]);
        excerpt.truncate(start);
        push_cut(&mut excerpt, &last);
    }
    excerpt
}

/// Unicode's line ends (UAX #14, classes BK, CR, LF and NL).
fn is_line_end(character: char) -> bool {
    matches!(
        character,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// A line without invisible characters. Its indentation is left out as well.
fn visible(line: &str) -> String {
    let shown: String = line.chars().filter_map(shown).collect();
    shown.trim().to_owned()
}

fn shown(character: char) -> Option<char> {
    match character {
        '\t' => Some(' '),
        control if control.is_control() => None,
        // Bidirectional marks, embeddings, overrides and isolates; what has no width; what annotates;
        // tags, in which a whole text can hide.
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => None,
        other => Some(other),
    }
}

/// Appends a line, cut at a space where there is one near the end.
fn push_cut(excerpt: &mut String, line: &str) {
    if line.len() <= MAX_LINE_BYTES {
        excerpt.push_str(line);
        return;
    }
    let room = line.floor_char_boundary(MAX_LINE_BYTES - ELLIPSIS.len_utf8());
    let cut = &line[..room];
    let cut = match cut.rfind(' ') {
        Some(space) if space > room / 2 => &cut[..space],
        _ => cut,
    };
    excerpt.push_str(cut.trim_end());
    excerpt.push(ELLIPSIS);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_lines_that_say_something_are_given() {
        for (text, expected) in [
            ("one", "one"),
            ("one\n", "one"),
            ("\n\n  one  \n\n\ttwo\r\nthree\n", "one\ntwo\nthree"),
            ("one\ntwo\nthree\nfour", "one\ntwo\nthree …"),
            ("one\u{2028}two\rthree\u{85}", "one\ntwo\nthree"),
            ("a\u{202e}b\u{0}c\u{3}4d\u{200b}e\u{7f}\u{9b}", "abc4de"),
            ("fn main() {\n    loop {}\n}\n", "fn main() {\nloop {}\n}"),
            ("👩‍👩‍👧 שלום", "👩‍👩‍👧 שלום"),
            ("\u{202e}\n\u{0}", ""),
            ("see\u{e0068}\u{e0069} it", "see it"),
        ] {
            assert_eq!(excerpt(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_word() {
        let cut = excerpt(&"word ".repeat(200));
        assert!(
            cut.len() <= MAX_LINE_BYTES && cut.ends_with("word…"),
            "{cut}"
        );
        let cut = excerpt(&"ü".repeat(1000));
        assert!(cut.len() <= MAX_LINE_BYTES && cut.ends_with("ü…"), "{cut}");
        let lines = excerpt(&format!("{}\nb\nc\nd", "x".repeat(2000)));
        assert!(lines.ends_with("…\nb\nc …"), "{lines}");
        let full = excerpt(&format!("a\nb\n{}\nd", "x".repeat(MAX_LINE_BYTES)));
        assert!(full.ends_with("xx…"), "{full}");
    }

    proptest! {
        #[test]
        fn whatever_the_text_each_line_of_its_excerpt_is_one_message(text in "(?s).{0,600}") {
            let excerpt = excerpt(&text);
            prop_assert!(excerpt.lines().count() <= MAX_LINES);
            for line in excerpt.split('\n') {
                prop_assert!(line.len() <= MAX_LINE_BYTES);
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            }
            if !excerpt.is_empty() {
                prop_assert!(excerpt.split('\n').all(|line| !line.trim().is_empty()));
            }
        }
    }
}
