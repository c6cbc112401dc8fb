//! The template of the text for a plain network, read once with the configuration.

mod error;
mod field;
mod parser;
mod part;

pub use error::TemplateError;
pub(super) use field::Field;

use self::{error::MAX_BYTES, parser::parts, part::Part};

/// The template if the operator sets none.
const DEFAULT: &str = "{sender} {action}[: {name}][ ({size}[, {duration}])][ - {caption}] {url}";

/// The text for media on a plain network, with placeholders such as `{name}`.
///
/// A part in `[` and `]` vanishes as a whole if a placeholder right in it has no value. The
/// characters `{`, `}`, `[`, `]` and `\` themselves are written after a `\`. `{url}` is there once
/// and always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextTemplate {
    parts: Vec<Part>,
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
    /// [`TemplateError`], which names the finding and the alternatives.
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

    /// Whether the template has this placeholder.
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
