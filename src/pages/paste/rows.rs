//! A text as rows of HTML, each with its number.

use std::{fmt::Write as _, time::Duration};

use askama::filters::{Escaper as _, Html};

use super::highlight::{Grammars, Highlighter, Part};

/// The most lines that a page shows.
const MAX_LINES: usize = 20_000;
/// The most bytes of HTML: a text of nothing but invisible characters, each of which is written as
/// its number, becomes long.
const MAX_HTML_BYTES: usize = 8 << 20;

/// The lines of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The HTML: texts are escaped, and invisible characters are made visible.
    pub html: String,
    /// How many lines there are in it.
    pub shown: usize,
    /// Whether there are more.
    pub is_cut: bool,
    /// The language by whose grammar it is coloured.
    pub language: Option<String>,
}

/// The lines of a text, in colours if the grammar of its language or file name is known, as far as
/// they can be coloured `within` this time. Runs long: for a thread that may block.
#[must_use]
pub fn rows(
    grammars: &Grammars,
    text: &str,
    language: Option<&str>,
    filename: Option<&str>,
    within: Duration,
) -> Rows {
    let mut highlighter = Highlighter::new(grammars, text, language, filename, within);
    let mut rows = Rows {
        html: String::with_capacity(text.len() * 2),
        language: highlighter.as_ref().map(|it| it.name().to_owned()),
        ..Rows::default()
    };
    // A line feed ends a line and begins none.
    let body = text.strip_suffix('\n').unwrap_or(text);
    let mut with_end = String::new();
    for line in body.split('\n') {
        if rows.shown == MAX_LINES || rows.html.len() > MAX_HTML_BYTES {
            rows.is_cut = true;
            break;
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let parts = highlighter.as_mut().and_then(|highlighter| {
            with_end.clear();
            with_end.push_str(line);
            with_end.push('\n');
            highlighter.parts(&with_end)
        });
        if parts.is_none() {
            highlighter = None;
        }
        rows.push_row(line, parts);
    }
    rows
}

impl Rows {
    /// A line with its number, in colours if its parts are known.
    fn push_row(&mut self, line: &str, parts: Option<Vec<Part>>) {
        self.shown += 1;
        let number = self.shown;
        // Writing into a `String` does not fail.
        let _ = write!(
            self.html,
            "<div id=\"L{number}\"><a href=\"#L{number}\">{number}</a><code>"
        );
        match parts {
            None => self.push_text(line),
            Some(parts) => self.push_parts(line, parts),
        }
        // An empty line has its height by the line feed, and is copied as one.
        self.html.push_str("\n</code></div>\n");
    }

    fn push_parts(&mut self, line: &str, parts: Vec<Part>) {
        for (part, class) in parts {
            // Without the line feed.
            let end = part.end.min(line.len());
            let Some(text) = line.get(part.start..end).filter(|text| !text.is_empty()) else {
                continue;
            };
            if class.is_empty() {
                self.push_text(text);
            } else {
                let _ = write!(self.html, "<span class=\"{class}\">");
                self.push_text(text);
                self.html.push_str("</span>");
            }
        }
    }

    /// A text, escaped, with its invisible characters made visible.
    fn push_text(&mut self, text: &str) {
        let mut plain = 0;
        for (at, character) in text.char_indices() {
            let Some(visible) = visible(character) else {
                continue;
            };
            push_escaped(&mut self.html, &text[plain..at]);
            // Inside a line, too: it may be as long as the text.
            if self.html.len() > MAX_HTML_BYTES {
                self.html.push('…');
                self.is_cut = true;
                return;
            }
            let _ = write!(self.html, "<span class=\"u\">{visible}</span>");
            plain = at + character.len_utf8();
        }
        push_escaped(&mut self.html, &text[plain..]);
    }
}

fn push_escaped(html: &mut String, text: &str) {
    // Writing into a `String` does not fail.
    let _ = Html.write_escaped_str(html, text);
}

/// The visible form of an invisible character: the picture of a control character; the number of a
/// character without width, or of one that turns the text around it (bidirectional controls, with
/// which code reads as other code). The joiners inside emoji and words stay.
fn visible(character: char) -> Option<String> {
    match character {
        '\t' => None,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).map(String::from),
        '\u{7f}' => Some('\u{2421}'.to_string()),
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => Some(format!("U+{:04X}", u32::from(character))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static GRAMMARS: LazyLock<Grammars> = LazyLock::new(Grammars::default);

    fn shown(text: &str, language: Option<&str>) -> Rows {
        rows(&GRAMMARS, text, language, None, Duration::from_secs(60))
    }

    /// The text as a browser shows it: without elements and line numbers.
    fn read(html: &str) -> String {
        let mut text = String::new();
        for row in html.split("</code></div>\n") {
            let Some((_, code)) = row.split_once("<code>") else {
                continue;
            };
            let mut rest = code;
            while let Some((before, after)) = rest.split_once('<') {
                text.push_str(before);
                rest = after.split_once('>').map_or("", |(_, after)| after);
            }
            text.push_str(rest);
        }
        text.replace("&#60;", "<")
            .replace("&#62;", ">")
            .replace("&#34;", "\"")
            .replace("&#39;", "'")
            .replace("&#38;", "&")
    }

    #[test]
    fn every_line_has_its_number_and_can_be_linked() {
        let rows = shown("a\n\nb\r\nc\n", None);
        assert_eq!(
            rows.html,
            "<div id=\"L1\"><a href=\"#L1\">1</a><code>a\n</code></div>\n\
             <div id=\"L2\"><a href=\"#L2\">2</a><code>\n</code></div>\n\
             <div id=\"L3\"><a href=\"#L3\">3</a><code>b\n</code></div>\n\
             <div id=\"L4\"><a href=\"#L4\">4</a><code>c\n</code></div>\n"
        );
        assert_eq!((rows.shown, rows.is_cut, rows.language), (4, false, None));
    }

    #[test]
    fn code_is_coloured() {
        let rows = shown("// <b>\nfn main() { let x = \"a\\n\"; }\n", Some("rust"));
        assert_eq!(rows.language.as_deref(), Some("Rust"));
        for part in [
            "<span class=\"c\">// &#60;b&#62;</span>",
            "<span class=\"k\">fn</span>",
            "<span class=\"f\">main</span>",
            "<span class=\"s\">&#34;a</span>",
            "<span class=\"e\">\\n</span>",
        ] {
            assert!(rows.html.contains(part), "{part} in {}", rows.html);
        }
    }

    #[test]
    fn changes_are_coloured() {
        let rows = shown("--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n", Some("diff"));
        for part in ["<span class=\"d\">-old", "<span class=\"i\">+new"] {
            assert!(rows.html.contains(part), "{part} in {}", rows.html);
        }
    }

    #[test]
    fn invisible_characters_become_visible() {
        let rows = shown("a\u{202e}b\0c\u{7f}\u{85}\u{2066}\t\u{200b}\rx👩‍👧", None);
        let code = "a<span class=\"u\">U+202E</span>b<span class=\"u\">␀</span>c<span class=\"u\">␡</span>\
            <span class=\"u\">U+0085</span><span class=\"u\">U+2066</span>\t\
            <span class=\"u\">U+200B</span><span class=\"u\">␍</span>x👩‍👧\n";
        assert!(rows.html.contains(code), "{}", rows.html);
    }

    #[test]
    fn a_page_has_an_end() {
        let rows = shown(&"\n".repeat(MAX_LINES + 5), None);
        assert_eq!((rows.shown, rows.is_cut), (MAX_LINES, true));
        let rows = shown(&"\n".repeat(MAX_LINES), None);
        assert_eq!((rows.shown, rows.is_cut), (MAX_LINES, false));
        let rows = shown(&"\u{202e}\u{202e}\n".repeat(1 << 17), None);
        assert!(rows.is_cut && rows.html.len() < MAX_HTML_BYTES + 1024);
        // A line that is as long as the text.
        let rows = shown(&"\u{202e}".repeat(1 << 19), None);
        assert!(rows.is_cut && rows.html.len() < MAX_HTML_BYTES + 1024);
        assert!(rows.html.ends_with("…\n</code></div>\n"));
    }

    #[test]
    fn whatever_the_language_nothing_is_lost() {
        let text = "<?php echo \"a$b{$c}\"; ?>\n<script>if (a < b) `x${y}z`</script>\n'''\n\
            #include <x.h>\n\tSELECT * FROM \"t\" -- &amp;\n% \\begin{x}\n{{ a | b }}\n";
        for language in [
            "rust", "c", "js", "ts", "php", "html", "python", "sql", "yaml", "markdown", "latex",
            "makefile", "perl", "ruby", "xml", "json", "css", "haskell", "diff", "sh",
        ] {
            let rows = shown(text, Some(language));
            assert!(rows.language.is_some(), "{language}");
            assert_eq!(read(&rows.html), text, "{language}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_text_becomes_markup(
            text in "[<>&\"'a-z /=\\\\{}\\n\\t$`#*-]{0,120}",
            language in prop::sample::select(vec!["html", "rust", "markdown", "php", "none"]),
        ) {
            let rows = shown(&text, Some(language));
            let whole = format!("{}\n", text.strip_suffix('\n').unwrap_or(&text));
            prop_assert_eq!(read(&rows.html), whole);
        }
    }
}
