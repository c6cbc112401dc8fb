//! Writes HTML whose tags are on the list, nested properly and not deeply, whatever the caller asks for.
//!
//! The sanitiser builds the tree that browsers would build. That can take quadratic time, and give
//! a tree far larger than the text: with thousands of open or misnested tags, or with formatting
//! that is opened again in each paragraph. The HTML of this writer gives it no such chance.

use askama::filters::{Html, escape};

use super::allowed;

/// How deep tags may be nested (Client-Server API, "m.room.message msgtypes").
const MAX_DEPTH: usize = 100;

/// Tags without content.
const VOID: [&str; 3] = ["br", "hr", "img"];
/// Tags that browsers open again in the next paragraph if they were open in the last one. Each is
/// opened once at a time.
const FORMATTING: [&str; 8] = ["a", "b", "code", "em", "i", "s", "strong", "u"];
/// Tags that end a paragraph.
const BLOCKS: [&str; 17] = [
    "blockquote",
    "details",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "ol",
    "p",
    "pre",
    "summary",
    "table",
    "ul",
    "li",
];

/// HTML that is being written.
#[derive(Debug, Default)]
pub(super) struct HtmlWriter {
    html: String,
    open: Vec<&'static str>,
}

impl HtmlWriter {
    /// Opens a tag, or writes it if it has no content. A tag that is not on the list is left out,
    /// and so are attributes that are not.
    pub(super) fn open<'v>(&mut self, name: &str, value: impl Fn(&str) -> Option<&'v str>) {
        let Some((name, attributes)) = allowed::tag(name) else {
            return;
        };
        self.close_implied(name);
        self.open_implied(name);
        let is_void = VOID.contains(&name);
        let is_again = FORMATTING.contains(&name) && self.open.contains(&name);
        if is_again || !is_void && self.open.len() >= MAX_DEPTH {
            return;
        }
        self.html.push('<');
        self.html.push_str(name);
        for attribute in attributes {
            if let Some(value) = value(attribute) {
                self.html.push(' ');
                self.html.push_str(attribute);
                self.html.push_str("=\"");
                self.text(value);
                self.html.push('"');
            }
        }
        self.html.push('>');
        if !is_void {
            self.open.push(name);
        }
    }

    /// Opens a tag without attributes.
    pub(super) fn open_plain(&mut self, name: &str) {
        self.open(name, |_| None);
    }

    /// Closes the innermost tag of this name and all tags in it, if there is one.
    pub(super) fn close(&mut self, name: &str) {
        if let Some(at) = self.open.iter().rposition(|open| *open == name) {
            self.close_down_to(at);
        }
    }

    /// Adds text.
    pub(super) fn text(&mut self, text: &str) {
        let shown: String = text.chars().filter(|c| is_shown(*c)).collect();
        let Ok(escaped) = escape(&shown, Html);
        self.html.push_str(&escaped.to_string());
    }

    /// Adds text, with its line ends as such.
    pub(super) fn lines(&mut self, text: &str) {
        for (index, line) in text.lines().enumerate() {
            if index > 0 {
                self.open_plain("br");
            }
            self.text(line);
        }
    }

    /// The HTML, with everything closed and sanitised.
    pub(super) fn finish(mut self) -> String {
        self.close_down_to(0);
        allowed::sanitized(&self.html)
    }

    /// Closes the tags that this one ends by itself (HTML, "Optional tags").
    fn close_implied(&mut self, name: &str) {
        let (ended, boundary): (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ol", "ul"]),
            "td" | "th" => (&["td", "th"], &["tr", "table"]),
            "tr" => (&["tr"], &["table"]),
            "thead" | "tbody" => (&["thead", "tbody"], &["table"]),
            _ => (&[], &[]),
        };
        let stop = |open: &&str| ended.contains(open) || boundary.contains(open);
        if let Some(at) = self.open.iter().rposition(stop)
            && ended.contains(&self.open[at])
        {
            self.close_down_to(at);
        }
        if BLOCKS.contains(&name) {
            self.close("p");
        }
    }

    /// Opens the tags that browsers would add around the parts of a table.
    fn open_implied(&mut self, name: &str) {
        match (name, self.open.last().copied()) {
            ("tr", Some("table")) => self.open_plain("tbody"),
            ("td" | "th", Some("table" | "thead" | "tbody")) => self.open_plain("tr"),
            _ => {}
        }
    }

    fn close_down_to(&mut self, depth: usize) {
        for name in self.open.drain(depth..).rev() {
            self.html.push_str("</");
            self.html.push_str(name);
            self.html.push('>');
        }
    }
}

/// Whether a character neither controls anything nor reverses the text around it.
fn is_shown(character: char) -> bool {
    match character {
        '\n' | '\t' => true,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        other => !other.is_control(),
    }
}
