//! The template of the text for a plain network, read once with the configuration.

use std::fmt;

/// What is said if the operator says nothing.
const DEFAULT: &str = "{sender} {action}[: {name}][ ({size}[, {duration}])][ - {caption}] {url}";
/// The longest template, in bytes.
const MAX_BYTES: usize = 500;
/// How deep parts may stand in parts.
const MAX_DEPTH: usize = 5;

/// How a plain network is told of media: text with placeholders such as `{name}`.
///
/// What stands in `[` and `]` vanishes as a whole if a placeholder right in it has no value. The
/// characters `{`, `}`, `[`, `]` and `\` themselves are written after a `\`. `{url}` is there once
/// and always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field(Field),
    Optional(Vec<Part>),
}

/// A placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// Who sent it.
    Sender,
    /// What they did: `sent an image`.
    Action,
    /// What it is: `an image`.
    What,
    /// The file's name.
    Name,
    /// Its length: `332 KiB`.
    Size,
    /// Width and height: `640x480`.
    Dimensions,
    /// How long it plays: `1:02`.
    Duration,
    /// Its media type.
    Type,
    /// What is said of it.
    Caption,
    /// The link.
    Url,
    /// The network on the other side.
    Network,
}

const FIELDS: [(&str, Field); 11] = [
    ("sender", Field::Sender),
    ("action", Field::Action),
    ("what", Field::What),
    ("name", Field::Name),
    ("size", Field::Size),
    ("dimensions", Field::Dimensions),
    ("duration", Field::Duration),
    ("type", Field::Type),
    ("caption", Field::Caption),
    ("url", Field::Url),
    ("network", Field::Network),
];

/// Why a text is no template: what was found, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A placeholder that there is not.
    #[error("found {{{0}}}; allowed are {list}", list = Placeholders)]
    Unknown(String),
    /// A bracket without the other one.
    #[error("found {0:?} without {1:?}; write a bracket itself as \\{0}")]
    Unpaired(char, char),
    /// Not one `{url}`.
    #[error("found {{url}} {0} times; it has to be there once")]
    Urls(usize),
    /// The link can vanish.
    #[error("found {{url}} in [ ]; it has to be there always")]
    OptionalUrl,
    /// A part that can never vanish.
    #[error("found [ ] without a placeholder; it vanishes if one of its placeholders has no value")]
    Constant,
    /// Brackets in brackets in brackets.
    #[error("found [ ] more than {MAX_DEPTH} levels deep; allowed are {MAX_DEPTH}")]
    Deep,
    /// A `\` before something else.
    #[error("found \\ before {0:?}; allowed are \\{{, \\}}, \\[, \\] and \\\\")]
    Escape(String),
    /// What does not belong into a line.
    #[error("found the control character {0:?}; allowed is one line of text")]
    Control(char),
    /// Too long.
    #[error("found {0} bytes; allowed are {MAX_BYTES}")]
    Long(usize),
}

struct Placeholders;

impl fmt::Display for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, _)) in FIELDS.iter().enumerate() {
            let between = if index > 0 { ", " } else { "" };
            write!(f, "{between}{{{name}}}")?;
        }
        Ok(())
    }
}

impl Default for TextTemplate {
    fn default() -> Self {
        Self::parse(DEFAULT).expect("the default template is one")
    }
}

impl TextTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`], which says what was found and what is allowed.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > MAX_BYTES {
            return Err(TemplateError::Long(text.len()));
        }
        let control = |c: &char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if let Some(found) = text.chars().find(control) {
            return Err(TemplateError::Control(found));
        }
        let mut rest = text;
        let parts = parts(&mut rest, 0)?;
        let template = Self { parts };
        match template.count(Field::Url) {
            1 if template.parts.contains(&Part::Field(Field::Url)) => Ok(template),
            1 => Err(TemplateError::OptionalUrl),
            count => Err(TemplateError::Urls(count)),
        }
    }

    /// Whether the template says this at all.
    pub(super) fn names(&self, field: Field) -> bool {
        self.count(field) > 0
    }

    fn count(&self, field: Field) -> usize {
        fn count(parts: &[Part], field: Field) -> usize {
            let of = |part: &Part| match part {
                Part::Literal(_) => 0,
                Part::Field(other) => usize::from(*other == field),
                Part::Optional(parts) => count(parts, field),
            };
            parts.iter().map(of).sum()
        }
        count(&self.parts, field)
    }

    /// The text, with values in the places of the placeholders. No run of spaces is left.
    pub(super) fn filled<'a>(&self, value: &impl Fn(Field) -> Option<&'a str>) -> String {
        let mut text = String::new();
        for part in &self.parts {
            part.fill(&mut text, value);
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Part {
    /// Adds what this part says; `false` if it is a placeholder without a value.
    fn fill<'a>(&self, text: &mut String, value: &impl Fn(Field) -> Option<&'a str>) -> bool {
        match self {
            Self::Literal(literal) => text.push_str(literal),
            Self::Field(field) => match value(*field).filter(|value| !value.is_empty()) {
                Some(value) => text.push_str(value),
                None => return false,
            },
            Self::Optional(parts) => {
                let start = text.len();
                if !parts.iter().all(|part| part.fill(text, value)) {
                    text.truncate(start);
                }
            }
        }
        true
    }
}

/// Reads parts up to the end, or to the `]` that ends them.
fn parts(rest: &mut &str, depth: usize) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    loop {
        let mut characters = rest.chars();
        let next = characters.next();
        *rest = characters.as_str();
        match next {
            Some('\\') => {
                let escaped = characters.next();
                *rest = characters.as_str();
                match escaped.filter(|c| matches!(c, '{' | '}' | '[' | ']' | '\\')) {
                    Some(character) => literal.push(character),
                    None => {
                        return Err(TemplateError::Escape(
                            escaped.map(String::from).unwrap_or_default(),
                        ));
                    }
                }
                continue;
            }
            Some(other) if !matches!(other, '{' | '}' | '[' | ']') => {
                literal.push(other);
                continue;
            }
            _ => {}
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(std::mem::take(&mut literal)));
        }
        match next {
            Some('{') => {
                let (name, after) = rest
                    .split_once('}')
                    .ok_or(TemplateError::Unpaired('{', '}'))?;
                *rest = after;
                let known = FIELDS.iter().find(|(known, _)| *known == name);
                let (_, field) = known.ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
                parts.push(Part::Field(*field));
            }
            Some('[') if depth == MAX_DEPTH => return Err(TemplateError::Deep),
            Some('[') => {
                let inner = self::parts(rest, depth + 1)?;
                if !inner.iter().any(|part| matches!(part, Part::Field(_))) {
                    return Err(TemplateError::Constant);
                }
                parts.push(Part::Optional(inner));
            }
            Some(']') if depth > 0 => return Ok(parts),
            Some(']') => return Err(TemplateError::Unpaired(']', '[')),
            Some(other) => return Err(TemplateError::Unpaired(other, '{')),
            None if depth > 0 => return Err(TemplateError::Unpaired('[', ']')),
            None => return Ok(parts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, values: &[(Field, &'static str)]) -> String {
        let template = TextTemplate::parse(template).expect("valid");
        template.filled(&|field| {
            let value = values.iter().find(|(other, _)| *other == field);
            value.map(|(_, value)| *value)
        })
    }

    #[test]
    fn the_default_is_a_template() {
        assert!(TextTemplate::default().names(Field::Sender));
    }

    #[test]
    fn parts_vanish_when_a_placeholder_in_them_has_no_value() {
        use Field::{Duration, Name, Size, Url};
        let template = "<{name}>[ ({size}[, {duration}])] {url}";
        for (values, text) in [
            (&[(Url, "u")][..], "<> u"),
            (&[(Url, "u"), (Name, "n"), (Size, "s")], "<n> (s) u"),
            (&[(Url, "u"), (Size, "s"), (Duration, "d")], "<> (s, d) u"),
            (&[(Url, "u"), (Duration, "d")], "<> u"),
            (&[(Url, "u"), (Size, "")], "<> u"),
        ] {
            assert_eq!(filled(template, values), text);
        }
        assert_eq!(filled(r"\[\{x\}\\\] {url}", &[(Url, "u")]), r"[{x}\] u");
        assert_eq!(filled("  a   {name}  {url} ", &[(Url, "u")]), "a u");
    }

    #[test]
    fn errors_say_what_was_found_and_what_is_allowed() {
        let deep = format!("{}{{url}}", "[".repeat(6));
        let long = format!("{{url}}{}", "x".repeat(500));
        for (text, words) in [
            ("{nome} {url}", &["{nome}", "{name}"][..]),
            ("{sender}", &["{url} 0 times", "once"]),
            ("{url} {url}", &["{url} 2 times"]),
            ("[{url}]", &["{url} in [ ]"]),
            ("{url} [", &["'['", "']'", "\\["]),
            ("{url} ]", &["']'", "'['"]),
            ("{url", &["'{'", "'}'"]),
            ("}{url}", &["'}'", "'{'"]),
            ("{url} [x]", &["without a placeholder"]),
            ("{url} [x[{name}]]", &["without a placeholder"]),
            ("{url}\\n", &["\\ before \"n\"", "\\["]),
            ("{url}\\", &["\\ before \"\""]),
            ("{url}\r\n", &["'\\r'", "one line"]),
            (&deep, &["5 levels"]),
            (&long, &["505 bytes", "500"]),
        ] {
            let error = TextTemplate::parse(text).expect_err(text).to_string();
            for word in words {
                assert!(error.contains(word), "{text}: {word:?} is not in {error:?}");
            }
        }
    }
}
