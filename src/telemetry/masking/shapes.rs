//! Secrets that are not known, but can be told by their shape or by the word before them: access
//! tokens of homeservers, the tokens of links, names and passwords in URLs.

use std::ops::Range;

/// The beginnings of access and refresh tokens (Synapse, Matrix Authentication Service).
const PREFIXES: [&[u8]; 6] = [b"syt_", b"syr_", b"mat_", b"mar_", b"mct_", b"mcr_"];
/// The shortest run of characters that is taken for such a token.
const SHORTEST_PREFIXED: usize = 8;
/// The shortest run of letters and digits that is taken for a token, whatever it begins with: the
/// shortest token of a link has 43 characters.
const SHORTEST_RUN: usize = 40;
/// The authentication schemes of HTTP whose credentials follow.
const SCHEMES: [&[u8]; 2] = [b"bearer ", b"basic "];
/// The names of secrets, in lower case and with underscores.
const NAMES: [&str; 14] = [
    "access_token",
    "refresh_token",
    "as_token",
    "hs_token",
    "api_token",
    "content_token",
    "org_matrix_msc3910_content_token",
    "x_matrix_content_token",
    "password",
    "secret",
    "signing_key",
    "x_amz_signature",
    "x_amz_credential",
    "k",
];

/// Calls `found` with every place that looks like a secret.
pub(super) fn find(bytes: &[u8], found: &mut impl FnMut(Range<usize>)) {
    let mut at = 0;
    while at < bytes.len() {
        let length = count(&bytes[at..], is_of_run);
        if length > 0 {
            let run = at..at + length;
            if is_token(bytes, &run) {
                found(run.clone());
            }
            if is_name(&bytes[run.clone()])
                && let Some(value) = value_after(bytes, &run)
            {
                found(value);
            }
        }
        let rest = &bytes[at..];
        if let Some(scheme) = SCHEMES.iter().find(|scheme| begins_with(rest, scheme)) {
            let start = at + scheme.len();
            let credentials = &bytes[start..start + count(&bytes[start..], is_of_value)];
            if credentials.len() >= 16 || credentials.iter().any(u8::is_ascii_digit) {
                found(start..start + credentials.len());
            }
        }
        if rest.starts_with(b"://") {
            let start = at + 3;
            let authority = &bytes[start..start + count(&bytes[start..], is_of_authority)];
            if let Some(end) = authority.iter().rposition(|byte| *byte == b'@') {
                found(start..start + end);
            }
        }
        at += length.max(1);
    }
}

fn count(bytes: &[u8], is_of: fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| is_of(**byte)).count()
}

fn is_of_run(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_of_value(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && !byte.is_ascii_control() && !b"\"'&,;}])<>".contains(&byte)
}

fn is_of_authority(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && !byte.is_ascii_control() && !b"/?#\"'<>\\".contains(&byte)
}

fn begins_with(bytes: &[u8], word: &[u8]) -> bool {
    let start = bytes.get(..word.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Whether a run of characters is a token by itself. IDs of events and rooms are none.
fn is_token(bytes: &[u8], run: &Range<usize>) -> bool {
    let before = run.start.checked_sub(1).map(|at| bytes[at]);
    let text = &bytes[run.clone()];
    if text.len() >= SHORTEST_PREFIXED && PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
        return true;
    }
    text.len() >= SHORTEST_RUN
        && text.iter().any(u8::is_ascii_lowercase)
        && text
            .iter()
            .any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && !matches!(before, Some(b'$' | b'!'))
}

fn is_name(run: &[u8]) -> bool {
    let same = |name: &str| {
        let plain = run.iter().map(|byte| match byte {
            b'-' => b'_',
            other => other.to_ascii_lowercase(),
        });
        plain.eq(name.bytes())
    };
    NAMES.iter().any(|name| same(name))
}

/// The value after the name of a secret: `name=value`, `"name": "value"`, `"name": {…}`, or that of
/// a header.
fn value_after(bytes: &[u8], name: &Range<usize>) -> Option<Range<usize>> {
    let is_quote = |byte: u8| matches!(byte, b'"' | b'\'' | b'`');
    let mut at = name.end;
    let is_quoted = bytes.get(at).is_some_and(|byte| is_quote(*byte));
    at += usize::from(is_quoted);
    at += count(&bytes[at..], |byte| byte == b' ');
    let is_header = begins_with(&bytes[name.clone()], b"x-");
    match bytes.get(at)? {
        // The key of a JSON Web Key has too short a name.
        b'=' if name.len() > 1 => {}
        b':' if is_quoted || is_header => {}
        _ => return None,
    }
    at += 1;
    at += count(&bytes[at..], |byte| byte == b' ');
    let closing = match bytes.get(at)? {
        b'{' => Some(b'}'),
        b'[' => Some(b']'),
        _ => None,
    };
    if let Some(closing) = closing {
        let rest = &bytes[at + 1..];
        let length = rest.iter().position(|byte| *byte == closing);
        return Some(at + 1..at + 1 + length.unwrap_or(rest.len()));
    }
    at += usize::from(is_quote(bytes[at]));
    let length = count(&bytes[at..], is_of_value);
    (length > 0).then_some(at..at + length)
}
