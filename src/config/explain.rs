//! Errors of reading in words: the whole key, what was found if it is surely no secret, and what is
//! allowed.

use serde_json::Value;
use serde_path_to_error::{Path, Segment};

/// The longest text that is repeated.
const MAX_SHOWN: usize = 24;
/// The most letters of a repeated text that begins with a digit: `2 parsecs` is no secret.
const MAX_LETTERS: usize = 8;

/// A problem: the key, and what is wrong with it. `file` is what was read.
pub(super) fn explain(
    error: &serde_path_to_error::Error<serde_json::Error>,
    file: &Value,
) -> (String, String) {
    let message = error.inner().to_string();
    let path = match error.path().to_string() {
        whole if whole == "." => String::new(),
        path => path,
    };
    if let Some(name) = quoted_after(&message, "missing field `") {
        let key = match path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        return (key, "is missing".to_owned());
    }
    // The found text may hold anything, the expected one comes from here.
    let allowed = message.rsplit_once(", expected ").map(|(_, what)| what);
    let problem = match allowed {
        Some(what) if message.starts_with("unknown field") => {
            format!("is an unknown field; allowed {}", words(what))
        }
        Some(what) => {
            let found = found(error.path(), file).map_or_else(|| "nothing".to_owned(), shown);
            format!("found {found}; allowed {}", words(what))
        }
        None if message.starts_with("unknown field") => "is an unknown field".to_owned(),
        None => message,
    };
    (path, problem)
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.strip_suffix('`')
}

/// The value that a path leads to.
fn found<'a>(path: &Path, file: &'a Value) -> Option<&'a Value> {
    path.iter().try_fold(file, |value, segment| match segment {
        Segment::Map { key } => value.get(key),
        Segment::Seq { index } => value.get(index),
        Segment::Enum { .. } | Segment::Unknown => Some(value),
    })
}

/// What is allowed, as people say it.
fn words(expected: &str) -> String {
    let plain = expected.replace('`', "");
    match plain.as_str() {
        "u64" | "u32" | "usize" => "is a whole number".to_owned(),
        "a string" => "is a text".to_owned(),
        "a boolean" => "is true or false".to_owned(),
        "a sequence" => "is a list".to_owned(),
        "path string" => "is the path of a file".to_owned(),
        "string or map" => "is a word".to_owned(),
        structure if structure.starts_with("struct ") => {
            "is a mapping of keys to values".to_owned()
        }
        words => match words.strip_prefix("one of ") {
            Some(list) => format!("are {list}"),
            None => format!("is {words}"),
        },
    }
}

/// A value, if it is surely no secret; otherwise its kind.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => match number.to_string() {
            short if short.len() <= MAX_LETTERS => short,
            _ => "a number".to_owned(),
        },
        Value::String(text) => shown_text(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

/// A text, if it is surely no secret: a word, or a number with a unit.
pub(super) fn shown_text(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" .:/_-".contains(&byte);
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    let is_word = text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b' ' | b'_' | b'-'));
    let is_number = text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(is_plain)
        && letters <= MAX_LETTERS;
    if text.len() <= MAX_SHOWN && (is_word || is_number) {
        format!("{text:?}")
    } else {
        "a text".to_owned()
    }
}

#[cfg(test)]
mod tests;
