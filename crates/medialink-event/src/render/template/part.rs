//! The parts of a template, and how they are filled.

use super::field::Field;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    Field(Field),
    Optional(Vec<Part>),
}

impl Part {
    /// Adds the text of this part; `false` if it is a placeholder without a value.
    pub(super) fn fill<'a>(
        &self,
        text: &mut String,
        value: &impl Fn(Field) -> Option<&'a str>,
    ) -> bool {
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
