//! The Content-Security-Policy of the pages.
//!
//! The style block is allowed by its hash and not by `'unsafe-inline'`: were a file name ever to
//! slip through the escaping, it could not even style the page, much less cover it. The hash is
//! computed from the style itself, so that it is never copied by hand after a change; a test compares
//! it with the style block of the rendered pages.

use std::sync::LazyLock;

use crate::look::{Look, StyleBlock, source_of, tight};

use super::frame::Frame;

/// The one script of the API's description, which sends what its forms ask for.
pub(super) const DOCS_SCRIPT: &str = include_str!("../../templates/api_docs.js");

/// The one script of pages of media, which writes when a link ends in the time of the reader's own place.
pub(super) static TIME_SCRIPT: LazyLock<String> =
    LazyLock::new(|| tight(include_str!("../../templates/local_time.js")));

static TIME_SOURCE: LazyLock<String> = LazyLock::new(|| source_of(&TIME_SCRIPT));

static ANSWER_CSP: LazyLock<String> =
    LazyLock::new(|| policy(Look::built_in().narrow(), "'self'", "'none'"));
static DOCS_CSP: LazyLock<String> = LazyLock::new(|| {
    let policy = policy(docs_style(), "'self'", "'none'");
    let source = source_of(DOCS_SCRIPT);
    format!("{policy}; script-src '{source}'; connect-src 'self'")
});

/// The style block of the API's description.
pub(super) fn docs_style() -> &'static StyleBlock {
    StyleBlock::docs()
}

/// The policy of the API's description, whose script asks its own origin.
#[must_use]
pub fn docs_csp() -> &'static str {
    &DOCS_CSP
}

/// The policy of answers that are no page.
#[must_use]
pub fn answer_csp() -> &'static str {
    &ANSWER_CSP
}

/// The policy of error pages and of the site's own page.
#[must_use]
pub fn page_csp(frame: &Frame) -> String {
    policy(frame.look.narrow(), "'self'", "'none'")
}

/// The policy of a page that shows media from `media_origin`.
///
/// Media come from the page's own origin where people reach the service by its `public_url`. Where
/// they reach it by another host, `'self'` is not the media's origin, which is therefore named too.
/// `media_origin` may be a whole URL, of which the origin is taken. An origin that a policy cannot
/// name (such as an IPv6 address) is left out, and `'self'` remains.
#[must_use]
pub fn view_csp(frame: &Frame, media_origin: &str) -> String {
    with_time(&policy(frame.look.wide(), &sources(media_origin), "'none'"))
}

/// The same for a page with the lines of a text.
#[must_use]
pub fn paste_csp(frame: &Frame, media_origin: &str) -> String {
    let style = frame.look.lines();
    with_time(&policy(style, &sources(media_origin), "'none'"))
}

fn with_time(policy: &str) -> String {
    format!("{policy}; script-src '{}'", *TIME_SOURCE)
}

fn sources(media_origin: &str) -> String {
    match origin(media_origin) {
        Some(origin) => format!("'self' {origin}"),
        None => "'self'".to_owned(),
    }
}

/// The policy of a page with a form, which is sent to the page itself.
#[must_use]
pub fn form_csp(frame: &Frame) -> String {
    policy(frame.look.narrow(), "'self'", "'self'")
}

fn policy(style: &StyleBlock, media_sources: &str, form_targets: &str) -> String {
    format!(
        "default-src 'none'; style-src '{style}'; img-src {media_sources}; \
         media-src {media_sources}; base-uri 'none'; form-action {form_targets}; frame-ancestors 'none'",
        style = style.source,
    )
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
    use crate::{languages::Language, pages::tests::frame};

    #[test]
    fn the_policy_allows_the_style_and_own_media_and_nothing_else() {
        let frame = frame(Language::English);
        let source = &frame.look.narrow().source;
        assert_eq!(answer_csp(), page_csp(&frame));
        assert_eq!(
            page_csp(&frame),
            format!(
                "default-src 'none'; style-src '{source}'; img-src 'self'; media-src 'self'; \
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
            let csp = view_csp(&frame(Language::English), url);
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
        let view = |origin: &str| view_csp(&frame(Language::English), origin);
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
            assert_eq!(view(bad), view(""), "{bad:?}");
            assert!(view(bad).contains(" img-src 'self'; "), "{bad:?}");
        }
    }
}
