//! Text from outside, with its secrets masked.

use std::{fmt, ops::Range};

use super::{
    decoded::{Decoded, ENCODINGS},
    known::{self, Secrets},
    shapes,
};

/// What stands where a secret was.
const MASK: &str = "[masked]";
/// How often a text is decoded, one encoding inside of the other.
const MOST_LEVELS: usize = 2;
/// The most bytes of a foreign text that are looked at, and the most characters that are kept.
const MAX_BYTES: usize = 4096;
const MAX_CHARS: usize = 200;

/// A text from outside, such as the error of a homeserver: short, without control characters, and
/// without the secrets that are known or can be told by their shape. Only a [`Masker`] makes one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForeignText(String);

impl ForeignText {
    /// Masks a text that came without a secret of ours being sent.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Masker::default().mask(text)
    }

    /// The masked text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ForeignText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Masks texts that answer a request: the secrets of that request too.
#[derive(Default)]
pub struct Masker(Secrets);

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masker(…)")
    }
}

impl Masker {
    /// A masker that also knows these secrets.
    #[must_use]
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut masker = Self::default();
        for secret in secrets {
            masker.0.add(secret.as_bytes());
        }
        masker
    }

    /// A text with its secrets masked.
    #[must_use]
    pub fn mask(&self, text: &str) -> ForeignText {
        let text = &text[..text.floor_char_boundary(MAX_BYTES)];
        // Without them, the parts of a secret may come together.
        let plain: String = text.chars().filter(|c| !c.is_control()).collect();
        let masked = replaced(&plain, &self.0).unwrap_or(plain);
        ForeignText(masked.chars().take(MAX_CHARS).collect())
    }
}

/// A text of any length with its secrets masked; `None`: it has none.
#[must_use]
pub fn masked(text: &str) -> Option<String> {
    replaced(text, &Secrets::default())
}

fn replaced(text: &str, more: &Secrets) -> Option<String> {
    let places = places(text, more);
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for place in &places {
        masked.push_str(&text[end..place.start]);
        masked.push_str(MASK);
        end = place.end;
    }
    masked.push_str(&text[end..]);
    (!places.is_empty()).then_some(masked)
}

/// Where the secrets of a text are, one after the other.
fn places(text: &str, more: &Secrets) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    search(&Decoded::plain(text), MOST_LEVELS, more, &mut places);
    places.retain(|place| !place.is_empty());
    places.sort_by_key(|place| place.start);
    let mut whole: Vec<Range<usize>> = Vec::new();
    for place in places {
        let start = text.floor_char_boundary(place.start);
        let end = text.ceil_char_boundary(place.end);
        match whole.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => whole.push(start..end),
        }
    }
    whole
}

/// Searches a text, and what it is without one more of its encodings, each in turn: a backslash may
/// be an escape, or a part of a secret.
fn search(text: &Decoded, levels: usize, more: &Secrets, places: &mut Vec<Range<usize>>) {
    let mut found = |part: Range<usize>| places.push(text.place(&part));
    known::find(text.bytes(), &mut found);
    more.find(text.bytes(), &mut found);
    shapes::find(text.bytes(), &mut found);
    if levels == 0 {
        return;
    }
    for encoding in ENCODINGS {
        if let Some(deeper) = text.decoded(encoding) {
            search(&deeper, levels - 1, more, places);
        }
    }
}
