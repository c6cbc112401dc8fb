//! The addresses of users, rooms and messages in Markdown links.

/// The longest address that is looked at, in bytes, with its title.
const MAX_BYTES: usize = 2048;

/// The beginnings of links to users, rooms and messages (Appendices, "URIs").
const MATRIX_TO: [&str; 2] = ["https://matrix.to/#/", "http://matrix.to/#/"];
const MATRIX: &str = "matrix:";

/// The user, room or message to which the address in parentheses at the beginning leads, and the
/// length of the parentheses; `None`: it leads elsewhere.
pub(super) fn target(text: &str) -> Option<(String, usize)> {
    let text = &text[..text.floor_char_boundary(MAX_BYTES)];
    let inside = text.strip_prefix('(')?.trim_start();
    let beginning = inside.strip_prefix('<').unwrap_or(inside);
    let begins = |prefix: &str| without_prefix(beginning, prefix).is_some();
    if !begins(MATRIX) && !MATRIX_TO.into_iter().any(begins) {
        return None;
    }
    let (address, rest) = if inside.starts_with('<') {
        let (address, rest) = beginning.split_once('>')?;
        (!address.contains(['<', '\n'])).then_some((address, rest))?
    } else {
        inside.split_at(end_of_bare(inside))
    };
    let rest = without_title(rest)?.trim_start().strip_prefix(')')?;
    Some((identifier(address)?, text.len() - rest.len()))
}

/// Whether an address leads to a user, a room or a message.
pub(super) fn leads_to_matrix(address: &str) -> bool {
    address.len() <= MAX_BYTES && identifier(address).is_some()
}

/// Where an address without angle brackets ends: at a space, or at a parenthesis that it has not
/// opened.
fn end_of_bare(text: &str) -> usize {
    let mut depth = 0_usize;
    let end = text.find(|c: char| {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return true,
            ')' => depth -= 1,
            _ => {}
        }
        c.is_whitespace() || c.is_control()
    });
    end.unwrap_or(text.len())
}

/// What follows the title of a link, if it has one.
fn without_title(text: &str) -> Option<&str> {
    let title = text.trim_start();
    let end = match title.chars().next() {
        Some('(') => ')',
        Some(quote @ ('"' | '\'')) => quote,
        _ => return Some(text),
    };
    title[1..].split_once(end).map(|(_, rest)| rest)
}

/// The identifier in an address, for a link without a label.
fn identifier(address: &str) -> Option<String> {
    let path = |rest: &str| decoded(rest.split('?').next().unwrap_or_default());
    let named = MATRIX_TO
        .iter()
        .find_map(|prefix| without_prefix(address, prefix));
    if let Some(named) = named {
        return Some(path(named)).filter(|named| named.starts_with(['@', '#', '!', '$', '+']));
    }
    let named = path(without_prefix(address, MATRIX)?);
    let (kind, name) = named.split_once('/')?;
    let sigil = match kind {
        "u" | "user" => '@',
        "r" | "room" => '#',
        "roomid" => '!',
        _ => return None,
    };
    (!name.is_empty()).then(|| format!("{sigil}{name}"))
}

/// The text behind this beginning, in any case of letters.
fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// A text with its percent-encoded bytes decoded, if it is text then.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let encoded = digits
            .filter(|two| *first == b'%' && two.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(encoded.unwrap_or(*first));
        rest = &after[if encoded.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
