//! File names as people may see them: a name must not lie about itself.

/// The name without what is invisible or turns the text around it: line ends and other control
/// characters become spaces, and bidirectional overrides, with which `gpj.exe` reads as `exe.jpg`,
/// become visible as U+FFFD. Letters of right-to-left scripts and the joiners inside emoji stay.
/// `None` if nothing is left to see.
pub(super) fn display_name(name: &str) -> Option<String> {
    let cleaned: String = name.chars().filter_map(displayed).collect();
    let words: Vec<&str> = cleaned.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn displayed(character: char) -> Option<char> {
    match character {
        '\u{2028}' | '\u{2029}' => Some(' '),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(char::REPLACEMENT_CHARACTER)
        }
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => None,
        control if control.is_control() => Some(' '),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::display_name;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in [
            "cat.png",
            "Große Übersicht (2).pdf",
            "صورة.png",
            "👩‍👩‍👧‍👦🏳️‍🌈.gif",
            "a'b\"<c>.txt",
        ] {
            assert_eq!(display_name(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn overrides_become_visible_and_line_ends_spaces() {
        assert_eq!(
            display_name("photo\u{202e}gpj.exe").as_deref(),
            Some("photo\u{fffd}gpj.exe")
        );
        assert_eq!(
            display_name("a\r\nb\u{2028}c\0d\te").as_deref(),
            Some("a b c d e")
        );
    }

    #[test]
    fn a_name_of_nothing_is_no_name() {
        for name in ["", " \n\t", "\u{feff}\u{200b}"] {
            assert_eq!(display_name(name), None);
        }
    }
}
