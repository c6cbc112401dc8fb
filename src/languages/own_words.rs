//! Messages that an operator words in their own way, before they replace those of the program.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::{ast::Entry, parser};

use super::{
    Language,
    pieces::{Pieces, pieces},
    texts::source,
};

/// A part of a file that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordsProblem {
    /// Its line, from 1.
    pub line: usize,
    /// What was found, and what is allowed.
    pub problem: String,
}

/// What is wrong with the messages of a file; nothing, if they can replace those of the program.
pub(super) fn problems(text: &str) -> Vec<WordsProblem> {
    let (resource, errors) = match parser::parse(text) {
        Ok(resource) => (resource, Vec::new()),
        Err((resource, errors)) => (resource, errors),
    };
    let unreadable = errors.into_iter().map(|error| WordsProblem {
        line: line_at(text, error.pos.start),
        problem: format!("cannot be read: {}", error.kind),
    });
    let known = known();
    let mut seen = BTreeSet::new();
    let refused = resource.body.iter().filter_map(|entry| {
        let (id, problem) = match entry {
            Entry::Message(message) => {
                let id = message.id.name;
                let is_second = !seen.insert(id);
                let problem = match (pieces(message), known.get(id)) {
                    _ if is_second => Some("stands twice; once is enough".to_owned()),
                    (_, None) => Some(
                        "is no message; their names are those of locales/en/medialink.ftl"
                            .to_owned(),
                    ),
                    (Err(used), _) => Some(format!("uses {used}; allowed are variables")),
                    (Ok(own), Some(known)) => difference(&own, known),
                };
                (id.to_owned(), problem)
            }
            Entry::Term(term) => {
                let problem = "is a term; allowed are messages".to_owned();
                (format!("-{}", term.id.name), Some(problem))
            }
            _ => return None,
        };
        Some(WordsProblem {
            line: line_of(text, &id),
            problem: format!("{id}: {}", problem?),
        })
    });
    unreadable.chain(refused).collect()
}

/// The pieces of every message, by its name.
fn known() -> BTreeMap<&'static str, Pieces> {
    let resource = match parser::parse(source(Language::English)) {
        Ok(resource) | Err((resource, _)) => resource,
    };
    let messages = resource.body.into_iter().filter_map(|entry| match entry {
        Entry::Message(message) => Some((message.id.name, pieces(&message).ok()?)),
        _ => None,
    });
    messages.collect()
}

/// In what a message differs from the one that it replaces, of which it has to have every piece and every variable.
fn difference(own: &Pieces, known: &Pieces) -> Option<String> {
    let list = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
    let missing = list(
        &mut known
            .keys()
            .filter(|name| !own.contains_key(*name))
            .cloned(),
    );
    if !missing.is_empty() {
        return Some(format!("lacks {missing}"));
    }
    own.iter().find_map(|(name, variables)| {
        let Some(wanted) = known.get(name) else {
            return Some(format!("has {name}, which is never shown"));
        };
        if wanted == variables {
            return None;
        }
        let found = list(&mut variables.iter().map(|name| format!("${name}")));
        let allowed = list(&mut wanted.iter().map(|name| format!("${name}")));
        let none = |list: String| {
            if list.is_empty() {
                "none".to_owned()
            } else {
                list
            }
        };
        let (found, allowed) = (none(found), none(allowed));
        Some(format!(
            "found the variables {found} in {name}; it has to have {allowed}"
        ))
    })
}

fn line_at(text: &str, position: usize) -> usize {
    let before = text.as_bytes().get(..position).unwrap_or_default();
    before.iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// The line on which a message of this name begins last.
fn line_of(text: &str, id: &str) -> usize {
    let begins = |line: &str| {
        let rest = line.strip_prefix(id);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let lines: Vec<&str> = text.lines().collect();
    lines
        .iter()
        .rposition(|line| begins(line))
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_one_s_own_are_taken() {
        for text in [
            "",
            "# A remark\nview-download = Get it",
            "site-name = Media of { \"{\" }Example",
            "in-days = { $count ->\n   [one] tomorrow\n  *[other] in { $count } days\n }",
            "error-spent = Used\n    .explanation = Gone.\n    .advice = Ask { $sender }.",
        ] {
            assert_eq!(problems(text), [], "{text}");
        }
    }

    #[test]
    fn what_cannot_be_taken_is_told_with_its_line_and_name() {
        for (text, line, told) in [
            ("\nview-download Get it", 2, "cannot be read: "),
            ("view-downlaod = Get it", 1, "view-downlaod: is no message"),
            (
                "# x\n\nview-download = { $name }",
                3,
                "view-download: found the variables $name in view-download; it has to have none",
            ),
            (
                "view-provenance-network = x",
                1,
                "found the variables none in view-provenance-network; it has to have $network",
            ),
            (
                "error-spent = Used",
                1,
                "error-spent: lacks error-spent.advice, error-spent.explanation",
            ),
            (
                "view-open = x\n    .title = y",
                1,
                "has view-open.title, which is never shown",
            ),
            ("view-open = x\nview-open = y", 2, "view-open: stands twice"),
            (
                "view-open = { view-show }",
                1,
                "view-open: uses another message; allowed are variables",
            ),
            ("view-open = { NUMBER(1) }", 1, "uses a function"),
            ("-brand = x", 1, "-brand: is a term; allowed are messages"),
        ] {
            let found = problems(text);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].line, line, "{found:?}");
            assert!(found[0].problem.contains(told), "{told} in {found:?}");
        }
    }
}
