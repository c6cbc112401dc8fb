//! The pictures of HTML, found without building its tree.

/// The values of all `src` attributes of some HTML, as they are written. Every byte is looked at
/// once, so that no text takes long.
pub(crate) fn html_sources(html: &str) -> impl Iterator<Item = &str> {
    let mut rest = html;
    let mut in_tag = false;
    std::iter::from_fn(move || {
        loop {
            if !in_tag {
                rest = &rest[rest.find('<')? + 1..];
                if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    continue;
                }
                rest = rest.trim_start_matches(|c: char| !is_space(c) && c != '/' && c != '>');
                in_tag = true;
            }
            rest = rest.trim_start_matches(|c: char| is_space(c) || c == '/');
            match rest.strip_prefix('>') {
                Some(after) => {
                    rest = after;
                    in_tag = false;
                }
                None if rest.is_empty() => return None,
                None => {
                    let (name, value) = attribute(&mut rest);
                    if let Some(value) = value.filter(|_| name.eq_ignore_ascii_case("src")) {
                        return Some(value);
                    }
                }
            }
        }
    })
}

fn is_space(c: char) -> bool {
    c.is_ascii_whitespace()
}

/// Takes one attribute from the front: its name, and its value if it has one
/// (HTML, "Attributes").
fn attribute<'a>(rest: &mut &'a str) -> (&'a str, Option<&'a str>) {
    // The first character belongs to the name whatever it is, so that there is always progress.
    let end = rest
        .char_indices()
        .skip(1)
        .find(|(_, c)| is_space(*c) || matches!(c, '=' | '>' | '/'));
    let (name, after) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
    *rest = after;
    let Some(value) = after.trim_start_matches(is_space).strip_prefix('=') else {
        return (name, None);
    };
    let value = value.trim_start_matches(is_space);
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (value, after) = match quote {
        Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
        None => {
            let end = value.find(|c: char| is_space(c) || c == '>');
            value.split_at(end.unwrap_or(value.len()))
        }
    };
    *rest = after;
    (name, Some(value))
}
