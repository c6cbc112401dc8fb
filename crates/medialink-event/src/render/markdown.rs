//! Markdown that clients leave in the plain text of a message, as people without Markdown read it.

use std::{borrow::Cow, collections::HashMap};

use self::{
    labels::Labels,
    target::{leads_to_matrix, target},
};

mod labels;
mod target;

/// The text with the names of users, rooms and messages in the places of Markdown links to them
/// (`[label](<https://matrix.to/#/@user:server>)`), but in code. Where `html` shows that lines
/// between fences are code, the lines of the fences are left out, unless nothing else is there.
pub(super) fn readable<'a>(plain: &'a str, html: Option<&str>) -> Cow<'a, str> {
    let has_fences = plain.contains("```") || plain.contains("~~~");
    let drops_fences =
        has_fences && html.is_some_and(|html| html.to_ascii_lowercase().contains("<pre"));
    if !drops_fences && !plain.contains("](") {
        return Cow::Borrowed(plain);
    }
    let labels = Labels::of(html.unwrap_or_default());
    let mut text = String::with_capacity(plain.len());
    let mut open: Option<Fence> = None;
    // The paragraph that is being read.
    let mut paragraph = 0..0;
    for line in plain.split_inclusive('\n') {
        let start = paragraph.end;
        let found = Fence::of(line);
        paragraph.end += line.len();
        let is_fence = match (&open, &found) {
            (Some(open), Some(found)) => found.closes(open),
            (None, found) => found.is_some(),
            (Some(_), None) => false,
        };
        if !is_fence && open.is_none() && !line.trim().is_empty() {
            continue;
        }
        push_labelled(&mut text, &plain[paragraph.start..start], &labels);
        if !(is_fence && drops_fences) {
            text.push_str(line);
        }
        if is_fence {
            open = if open.is_some() { None } else { found };
        }
        paragraph.start = paragraph.end;
    }
    push_labelled(&mut text, &plain[paragraph], &labels);
    if text.trim().is_empty() {
        return Cow::Borrowed(plain);
    }
    Cow::Owned(text)
}

/// A line that begins or ends a block of code (CommonMark, "Fenced code blocks").
struct Fence {
    mark: char,
    length: usize,
    /// How many quotes it is in.
    quotes: usize,
    /// Whether nothing follows it, so that it may end a block.
    is_bare: bool,
}

impl Fence {
    fn of(line: &str) -> Option<Self> {
        let fence = line.trim_start_matches([' ', '\t', '>']);
        let quotes = line[..line.len() - fence.len()].matches('>').count();
        let mark = fence
            .chars()
            .next()
            .filter(|mark| matches!(mark, '`' | '~'))?;
        let info = fence.trim_start_matches(mark);
        let length = fence.len() - info.len();
        (length >= 3 && !(mark == '`' && info.contains('`'))).then(|| Self {
            mark,
            length,
            quotes,
            is_bare: info.trim().is_empty(),
        })
    }

    fn closes(&self, open: &Self) -> bool {
        self.is_bare
            && (self.mark, self.quotes) == (open.mark, open.quotes)
            && self.length >= open.length
    }
}

/// Adds a paragraph, with labels in the places of links to users, rooms and messages. Every byte is
/// looked at a bounded number of times.
fn push_labelled(text: &mut String, paragraph: &str, labels: &Labels) {
    let mut ticks = Ticks::of(paragraph);
    // Where labels may have begun, in `text`.
    let mut openers = Vec::new();
    let mut at = 0;
    while let Some(character) = paragraph[at..].chars().next() {
        let rest = &paragraph[at..];
        let mut taken = character.len_utf8();
        if character == '['
            && let Some((label, length)) = labels.at(&rest[1..])
        {
            text.push_str(label);
            at += 1 + length;
            continue;
        }
        match character {
            '\\' => taken += rest[1..].chars().next().map_or(0, char::len_utf8),
            '`' => taken = ticks.span(at, rest),
            '[' => openers.push(text.len()),
            ']' => {
                if let Some(opener) = openers.pop()
                    && let Some((target, length)) = target(&rest[1..])
                {
                    let label = unescaped(&text[opener + 1..]);
                    text.truncate(opener);
                    text.push_str(if label.trim().is_empty() {
                        &target
                    } else {
                        &label
                    });
                    at += 1 + length;
                    // A link is in no other link.
                    openers.clear();
                    continue;
                }
            }
            _ => {}
        }
        text.push_str(&rest[..taken]);
        at += taken;
    }
}

/// The runs of backticks in a paragraph, by their lengths, the last one first.
struct Ticks(HashMap<usize, Vec<usize>>);

impl Ticks {
    fn of(paragraph: &str) -> Self {
        let mut runs: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut end = paragraph.len();
        while let Some(last) = paragraph[..end].rfind('`') {
            let before = paragraph[..last].trim_end_matches('`').len();
            runs.entry(last + 1 - before).or_default().push(before);
            end = before;
        }
        Self(runs)
    }

    /// The length of the span of code that begins here, or of the backticks alone if nothing ends it
    /// (CommonMark, "Code spans").
    fn span(&mut self, at: usize, rest: &str) -> usize {
        let length = rest.len() - rest.trim_start_matches('`').len();
        let Some(runs) = self.0.get_mut(&length) else {
            return length;
        };
        while runs.pop_if(|run| *run <= at).is_some() {}
        runs.last().map_or(length, |end| end + length - at)
    }
}

/// A label without the backslashes before its marks (CommonMark, "Backslash escapes").
fn unescaped(label: &str) -> String {
    let mut text = String::with_capacity(label.len());
    let mut characters = label.chars().peekable();
    while let Some(character) = characters.next() {
        let escapes =
            character == '\\' && characters.peek().is_some_and(char::is_ascii_punctuation);
        text.push(if escapes {
            characters.next().unwrap_or(character)
        } else {
            character
        });
    }
    text
}

#[cfg(test)]
mod tests;
