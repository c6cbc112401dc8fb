//! The pieces of a message: its text and what stands beside it, each with its variables.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{Expression, InlineExpression, Message, Pattern, PatternElement};

/// The variables of each piece of a message, by the names of the pieces: `error-spent`, `error-spent.advice`.
pub(super) type Pieces = BTreeMap<String, BTreeSet<String>>;

/// The pieces of a message; what it uses, if that is no variable.
pub(super) fn pieces(message: &Message<&str>) -> Result<Pieces, &'static str> {
    let id = message.id.name;
    let text = message.value.as_ref().map(|value| (id.to_owned(), value));
    let beside = (message.attributes.iter())
        .map(|attribute| (format!("{id}.{}", attribute.id.name), &attribute.value));
    let all = text.into_iter().chain(beside);
    all.map(|(name, pattern)| Ok((name, variables(pattern)?)))
        .collect()
}

fn variables(pattern: &Pattern<&str>) -> Result<BTreeSet<String>, &'static str> {
    let mut variables = BTreeSet::new();
    let mut patterns = vec![pattern];
    while let Some(pattern) = patterns.pop() {
        for element in &pattern.elements {
            let PatternElement::Placeable { expression } = element else {
                continue;
            };
            let inline = match expression {
                Expression::Inline(inline) => inline,
                Expression::Select { selector, variants } => {
                    patterns.extend(variants.iter().map(|variant| &variant.value));
                    selector
                }
            };
            match inline {
                InlineExpression::VariableReference { id } => {
                    variables.insert(id.name.to_owned());
                }
                InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {
                }
                InlineExpression::FunctionReference { .. } => return Err("a function"),
                InlineExpression::MessageReference { .. } => return Err("another message"),
                InlineExpression::TermReference { .. } => return Err("a term"),
                InlineExpression::Placeable { .. } => return Err("braces in braces"),
            }
        }
    }
    Ok(variables)
}
