//! The Content-Security-Policy of the pages.
//!
//! The style block is allowed by its hash and not by `'unsafe-inline'`: were a file name ever to
//! slip through the escaping, it could not even style the page, much less cover it. The hash is
//! computed from the style itself, so that it is never copied by hand after a change; a test compares
//! it with the style block of the rendered pages.

use std::{borrow::Cow, sync::LazyLock};

use crate::look::{Look, StyleBlock, source_of, tight};

use super::frame::Frame;

/// The one script of the API's description, which sends what its forms ask for.
pub(super) const DOCS_SCRIPT: &str = include_str!("../../templates/api_docs.js");

/// The one script of pages of media, which writes when a link ends in the time of the reader's own place.
pub(super) static TIME_SCRIPT: LazyLock<String> =
    LazyLock::new(|| tight(include_str!("../../templates/local_time.js")));

static TIME_SOURCE: LazyLock<String> = LazyLock::new(|| source_of(&TIME_SCRIPT));

static ANSWER_CSP: LazyLock<String> =
    LazyLock::new(|| policy(Look::built_in().narrow(), ["'self'"; 2], "'none'"));
static DOCS_CSP: LazyLock<String> = LazyLock::new(|| {
    let policy = policy(docs_style(), ["'self'"; 2], "'none'");
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
    page_policy(frame, frame.look.narrow(), "'self'", "'none'")
}

/// The policy of a page that shows media from `media_origin`.
///
/// Media come from the page's own origin where people reach the service by its `public_url`. Where
/// they reach it by another host, `'self'` is not the media's origin, which is therefore named too.
/// `media_origin` may be a whole URL, of which the origin is taken. An origin that a policy cannot
/// name (such as an IPv6 address) is left out, and `'self'` remains.
#[must_use]
pub fn view_csp(frame: &Frame, media_origin: &str) -> String {
    let style = frame.look.wide();
    let sources = sources(media_origin);
    with_time(&page_policy(frame, style, &sources, "'none'"))
}

/// The same for a page with the lines of a text.
#[must_use]
pub fn paste_csp(frame: &Frame, media_origin: &str) -> String {
    let style = frame.look.lines();
    let sources = sources(media_origin);
    with_time(&page_policy(frame, style, &sources, "'none'"))
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
    page_policy(frame, frame.look.narrow(), "'self'", "'self'")
}

/// The policy of a page that shows media from these sources, and the operator's logo, if there is one.
fn page_policy(frame: &Frame, style: &StyleBlock, media: &str, form_targets: &str) -> String {
    let logo = frame.logo.as_ref().and_then(|logo| origin(&logo.url));
    let pictures = match logo {
        Some(origin) if media.split(' ').all(|source| source != origin) => {
            Cow::Owned(format!("{media} {origin}"))
        }
        _ => Cow::Borrowed(media),
    };
    policy(style, [&pictures, media], form_targets)
}

fn policy(style: &StyleBlock, [pictures, media]: [&str; 2], form_targets: &str) -> String {
    format!(
        "default-src 'none'; style-src '{style}'; img-src {pictures}; \
         media-src {media}; base-uri 'none'; form-action {form_targets}; frame-ancestors 'none'",
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
    use crate::{
        languages::Language,
        pages::tests::{frame, logo},
    };

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
    fn a_logo_adds_its_origin_to_those_of_pictures_alone() {
        let plain = frame(Language::English);
        let with = |url: &str| Frame {
            logo: Some(logo(url)),
            ..frame(Language::English)
        };
        let own = with("https://media.example.org:8443/some/path/logo");
        for policy in [page_csp, form_csp] {
            let (before, after) = (policy(&plain), policy(&own));
            let replaced = before.replace(
                "img-src 'self';",
                "img-src 'self' https://media.example.org:8443;",
            );
            assert_eq!(after, replaced);
            // One that a policy cannot name, or that would end it, adds nothing.
            for url in ["https://[::1]:8480/logo", "https://a;script-src *"] {
                assert_eq!(policy(&with(url)), before);
            }
        }
        for policy in [view_csp, paste_csp] {
            let media = "https://media.example.org:8443";
            assert_eq!(policy(&own, media), policy(&plain, media));
            let elsewhere = policy(&own, "https://elsewhere.example");
            let pictures = "img-src 'self' https://elsewhere.example https://media.example.org:8443; \
                            media-src 'self' https://elsewhere.example; ";
            assert!(elsewhere.contains(pictures), "{elsewhere}");
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
