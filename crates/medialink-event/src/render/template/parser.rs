//! From the text of a template to its parts.

use super::{
    error::{MAX_DEPTH, TemplateError},
    field::FIELDS,
    part::Part,
};

/// Reads parts up to the end, or to the `]` that ends them.
pub(super) fn parts(rest: &mut &str, depth: usize) -> Result<Vec<Part>, TemplateError> {
    let mut found = Vec::new();
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
            found.push(Part::Literal(std::mem::take(&mut literal)));
        }
        match next {
            Some('{') => {
                let (name, after) = rest
                    .split_once('}')
                    .ok_or(TemplateError::Unpaired('{', '}'))?;
                *rest = after;
                let known = FIELDS.iter().find(|(known, _)| *known == name);
                let (_, field) = known.ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
                found.push(Part::Field(*field));
            }
            Some('[') if depth == MAX_DEPTH => return Err(TemplateError::Deep),
            Some('[') => {
                let inner = parts(rest, depth + 1)?;
                if !inner.iter().any(|part| matches!(part, Part::Field(_))) {
                    return Err(TemplateError::Constant);
                }
                found.push(Part::Optional(inner));
            }
            Some(']') if depth > 0 => return Ok(found),
            Some(']') => return Err(TemplateError::Unpaired(']', '[')),
            Some(other) => return Err(TemplateError::Unpaired(other, '{')),
            None if depth > 0 => return Err(TemplateError::Unpaired('[', ']')),
            None => return Ok(found),
        }
    }
}
