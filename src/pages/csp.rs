//! The Content-Security-Policy of the pages.
//!
//! The style block is allowed by its hash and not by `'unsafe-inline'`: were a file name ever to
//! slip through the escaping, it could not even style the page, much less cover it. The hash is
//! computed from the embedded style at the first use, so that it is never copied by hand
//! after a change; a test compares it with the style block of the rendered pages.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

/// The style of all pages.
const BASE: &str = include_str!("../../templates/style.css");

/// The one script of the API's description, which sends what its forms ask for.
pub(super) const DOCS_SCRIPT: &str = include_str!("../../templates/api_docs.js");

/// The one script of pages of media, which writes when a link ends in the time of the reader's own place.
pub(super) static TIME_SCRIPT: LazyLock<String> =
    LazyLock::new(|| tight(include_str!("../../templates/local_time.js")));

static STYLE: LazyLock<String> = LazyLock::new(|| tight(BASE));
static NARROW_STYLE: LazyLock<String> =
    LazyLock::new(|| tight(&[BASE, include_str!("../../templates/narrow.css")].concat()));
static PASTE_STYLE: LazyLock<String> =
    LazyLock::new(|| tight(&[BASE, include_str!("../../templates/lines.css")].concat()));
static DOCS_STYLE: LazyLock<String> =
    LazyLock::new(|| tight(&[BASE, include_str!("../../templates/docs.css")].concat()));

static PAGE_CSP: LazyLock<String> = LazyLock::new(|| policy(&NARROW_STYLE, "'self'", "'none'"));
static FORM_CSP: LazyLock<String> = LazyLock::new(|| policy(&NARROW_STYLE, "'self'", "'self'"));
static DOCS_CSP: LazyLock<String> = LazyLock::new(|| {
    let policy = policy(&DOCS_STYLE, "'self'", "'none'");
    let hash = style_hash(DOCS_SCRIPT);
    format!("{policy}; script-src 'sha256-{hash}'; connect-src 'self'")
});

/// The style block of pages of media. `base.html` writes exactly these bytes, so that their hash
/// in the policy holds.
pub(super) fn style() -> &'static str {
    &STYLE
}

/// That of pages with a few words: errors, forms, and the site's own.
pub(super) fn narrow_style() -> &'static str {
    &NARROW_STYLE
}

/// That of pages with the lines of a text.
pub(super) fn paste_style() -> &'static str {
    &PASTE_STYLE
}

/// That of the API's description, which nobody has to load who follows a link.
pub(super) fn docs_style() -> &'static str {
    &DOCS_STYLE
}

/// A style without the white space that is there for its authors: a page is to be light.
fn tight(style: &str) -> String {
    let mut tight = String::with_capacity(style.len());
    for line in style.lines().map(str::trim) {
        let mut rest = line.char_indices().peekable();
        while let Some((_, character)) = rest.next() {
            let ends = tight.ends_with(['{', '}', ';', ':', ',']);
            let begins = matches!(rest.peek(), Some((_, '{')));
            if character == '}' && tight.ends_with(';') {
                tight.pop();
            }
            if character != ' ' || !ends && !begins {
                tight.push(character);
            }
        }
    }
    tight
}

/// The policy of the API's description, whose script asks its own origin.
#[must_use]
pub fn docs_csp() -> &'static str {
    &DOCS_CSP
}

/// The policy of error pages and of the site's own page.
#[must_use]
pub fn page_csp() -> &'static str {
    &PAGE_CSP
}

/// The policy of a page that shows media from `media_origin`.
///
/// Media come from the page's own origin where people reach the service by its `public_url`. Where
/// they reach it by another host, `'self'` is not the media's origin, which is therefore named too.
/// `media_origin` may be a whole URL, of which the origin is taken. An origin that a policy cannot
/// name (such as an IPv6 address) is left out, and `'self'` remains.
#[must_use]
pub fn view_csp(media_origin: &str) -> String {
    with_time(&policy(&STYLE, &sources(media_origin), "'none'"))
}

/// The same for a page with the lines of a text.
#[must_use]
pub fn paste_csp(media_origin: &str) -> String {
    with_time(&policy(&PASTE_STYLE, &sources(media_origin), "'none'"))
}

fn with_time(policy: &str) -> String {
    format!("{policy}; script-src 'sha256-{}'", style_hash(&TIME_SCRIPT))
}

fn sources(media_origin: &str) -> String {
    match origin(media_origin) {
        Some(origin) => format!("'self' {origin}"),
        None => "'self'".to_owned(),
    }
}

/// The policy of a page with a form, which is sent to the page itself.
#[must_use]
pub fn form_csp() -> &'static str {
    &FORM_CSP
}

fn policy(style: &str, media_sources: &str, form_targets: &str) -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src {media_sources}; \
         media-src {media_sources}; base-uri 'none'; form-action {form_targets}; frame-ancestors 'none'",
        hash = style_hash(style),
    )
}

/// Browsers hash the text of the element, in which the HTML parser has made every line end a
/// line feed.
pub(super) fn style_hash(style: &str) -> String {
    STANDARD.encode(Sha256::digest(style.replace("\r\n", "\n")))
}

/// Scheme, host and port of an HTTP URL, if they can stand in a policy: nothing in them may end the
/// directive.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let host_is_plain = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let port_is_number = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (host_is_plain && port_is_number).then(|| format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_the_style_and_own_media_and_nothing_else() {
        let hash = style_hash(narrow_style());
        assert_eq!(
            page_csp(),
            format!(
                "default-src 'none'; style-src 'sha256-{hash}'; img-src 'self'; media-src 'self'; \
                 base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            )
        );
    }

    #[test]
    fn the_media_origin_is_accepted_beside_the_page_s_own() {
        for url in [
            "https://media.example.org:8443",
            "https://media.example.org:8443/",
            "HTTPS://media.example.org:8443/path/m/token/cat.png?x#y",
        ] {
            let csp = view_csp(url);
            assert!(
                csp.contains("img-src 'self' https://media.example.org:8443; "),
                "{csp}"
            );
            assert!(
                csp.contains("media-src 'self' https://media.example.org:8443; "),
                "{csp}"
            );
        }
    }

    #[test]
    fn what_is_no_origin_cannot_widen_the_policy() {
        for bad in [
            "",
            "*",
            "https://",
            "https://*",
            "https://a b",
            "https://a;script-src *",
            "https://a,default-src *",
            "https://a\r\nX-Header: 1",
            "https://user@host",
            "https://host:port",
            "https://[::1]:8480",
            "data:text/html",
            "javascript://host",
        ] {
            assert_eq!(view_csp(bad), view_csp(""), "{bad:?}");
            assert!(view_csp(bad).contains(" img-src 'self'; "), "{bad:?}");
        }
    }

    #[test]
    fn a_style_loses_white_space_and_last_semicolons_and_nothing_else() {
        assert_eq!(
            tight(
                "a > b, a :focus {\n  margin: 0 1px;\r\n  font: 1rem/1.5 \"A B\", serif;\n}\n@media (min-width: 40rem) {\n}\n"
            ),
            "a > b,a :focus{margin:0 1px;font:1rem/1.5 \"A B\",serif}@media (min-width:40rem){}"
        );
        let is_solid = |it: &char| !it.is_whitespace() && *it != ';';
        let solid = |style: &str| style.chars().filter(is_solid).count();
        assert_eq!(solid(style()), solid(BASE));
        assert_eq!(style_hash(&tight("a {}\r\n")), style_hash(&tight("a {}\n")));
    }

    #[test]
    fn a_checkout_with_other_line_ends_has_the_same_hash() {
        assert_eq!(style_hash("a {}\r\nb {}\r\n"), style_hash("a {}\nb {}\n"));
    }
}
