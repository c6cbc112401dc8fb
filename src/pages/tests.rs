//! Samples, and what holds for all pages.

use std::{sync::Arc, time::Duration};

use super::csp::style_hash;
use super::*;
use crate::languages::{Language, Languages, Moment};
use medialink_event::{Appearance, Warning};

/// What is around a page in a language.
pub(super) fn frame(language: Language) -> Frame {
    Frame {
        texts: Languages::built_in().of(language),
        is_switchable: true,
    }
}

pub(super) fn view_page(kind: ViewKind) -> ViewPage {
    ViewPage {
        title: Some("cat.png".to_owned()),
        kind,
        media_url: "https://media.example.org/m/token/cat.png".to_owned(),
        page_url: "https://media.example.org/v/token/cat.png".to_owned(),
        report_url: Some("https://media.example.org/r/token".to_owned()),
        mimetype: Some("image/png".to_owned()),
        size_bytes: Some(1_234_567),
        appearance: Appearance::default(),
        preview: (kind == ViewKind::Image).then(|| PreviewPicture {
            url: "https://media.example.org/m/token/cat.png".to_owned(),
            mimetype: Some("image/png".to_owned()),
            sides: None,
        }),
        network: Some("Libera.Chat".to_owned()),
        expires_at: Some(Moment {
            text: "8 October 2026, 12:00 UTC".to_owned(),
            rfc3339: "2026-10-08T12:00:00Z".to_owned(),
            distance: Some("in 3 days".to_owned()),
        }),
        follows_left: None,
        frame: frame(Language::English),
    }
}

const TEXT: &str = "/// </code> & \"more\"\nfn main() {\n    let x = 1;\n}\n";

fn paste_page(view: ViewPage, language: &str) -> PastePage {
    let within = Duration::from_secs(60);
    PastePage {
        view,
        rows: Arc::new(rows(
            &Grammars::default(),
            TEXT,
            Some(language),
            None,
            within,
        )),
    }
}

fn error_page(cause: Cause, frame: &Frame) -> ErrorPage {
    ErrorPage {
        status: match cause {
            Cause::NotFound | Cause::MediaGone => 404,
            Cause::TooLarge | Cause::HomeserverFailed => 502,
            Cause::NotYetUploaded | Cause::Busy | Cause::DatabaseAway => 503,
            Cause::HomeserverSlow => 504,
            _ => 410,
        },
        cause,
        retry_after_seconds: Some(30),
        network: Some("Libera.Chat".to_owned()),
        operator: start::tests::operator(),
        frame: frame.clone(),
    }
}

const AWKWARD_NAME: &str =
    "Протокол_общего_собрания_0123456789abcdef0123456789abcdef0123456789abcdef_\u{202e}fdp.exe";

/// Every page once in each language, by a name.
fn all_pages() -> Vec<(String, String)> {
    let mut pages = vec![("docs".to_owned(), api_docs::tests::api_docs_page().render())];
    for language in Language::ALL {
        let frame = frame(language);
        let mut own = media_pages(&frame);
        own.extend(start::tests::pages(&frame));
        own.extend(Cause::ALL.map(|cause| {
            let html = error_page(cause, &frame).render();
            (format!("error-{cause:?}"), html)
        }));
        pages.extend((own.into_iter()).map(|(name, html)| (format!("{name}.{language}"), html)));
    }
    pages
}

/// The pages of media in one language.
fn media_pages(frame: &Frame) -> Vec<(String, String)> {
    let view_page = |kind| ViewPage {
        frame: frame.clone(),
        ..view_page(kind)
    };
    let mut pages = vec![];
    for kind in [
        ViewKind::Image,
        ViewKind::Video,
        ViewKind::Audio,
        ViewKind::Text,
        ViewKind::Other,
    ] {
        for follows_left in [None, Some(1), Some(3)] {
            let page = ViewPage {
                follows_left,
                ..view_page(kind)
            };
            pages.push((format!("view-{kind:?}-{follows_left:?}"), page.render()));
        }
    }
    for (kind, warning) in [
        (ViewKind::Image, None),
        (ViewKind::Image, Some(Warning::default())),
        (ViewKind::Audio, Some(Warning::default())),
    ] {
        let name = format!("view-described-{kind:?}-{}", warning.is_some());
        let page = ViewPage {
            appearance: Appearance {
                width: Some(800),
                height: Some(600),
                duration_ms: Some(83_000),
                blurhash: Some("LEHV6nWB2yk8pyo0adR*.7kCMdnj".to_owned()),
                warning,
            },
            ..view_page(kind)
        };
        pages.push((name, page.render()));
    }
    let awkward = ViewPage {
        title: Some(AWKWARD_NAME.to_owned()),
        network: Some(
            "A network with quite a long name, on the other side of the bridge".to_owned(),
        ),
        ..view_page(ViewKind::Other)
    };
    for (name, page) in [
        ("paste", paste_page(view_page(ViewKind::Text), "rust")),
        ("paste-awkward", paste_page(awkward.clone(), "none")),
    ] {
        pages.push((name.to_owned(), page.render()));
    }
    pages.push(("view-awkward".to_owned(), awkward.render()));
    pages
}

#[test]
fn every_page_renders_whole_and_needs_nothing_but_itself() {
    for (name, html) in all_pages() {
        assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\""), "{name}");
        assert!(html.ends_with("</html>"), "{name}");
        let (_, shown) = html.split_once("</style>").expect("a style block");
        if !name.starts_with("paste") && name != "docs" {
            assert!(!shown.contains(['{', '}']), "{name} lacks a text");
            // The colours of a picture that is not loaded yet are a part of it.
            let most = if name.contains("described") { 20 } else { 15 };
            assert!(html.len() < most * 1024, "{name}: {}", html.len());
        }
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert_eq!(html.matches("<main").count(), 1, "{name}");
        assert!(
            html.contains("<meta name=\"robots\" content=\"noindex, nofollow\">"),
            "{name}"
        );
        assert!(
            html.contains("<meta name=\"referrer\" content=\"no-referrer\">"),
            "{name}"
        );
        for absent in [
            "<script", "<link", "<iframe", "<form", " style=", "@import", "url(",
        ] {
            let is_tried = name == "docs" && matches!(absent, "<script" | "<form");
            assert!(is_tried || !html.contains(absent), "{absent} in {name}");
        }
        assert!(
            !html.split(" on").skip(1).any(ends_an_event_handler),
            "{name}"
        );
    }
}

/// Whether `rest`, which follows " on", makes it an attribute like `onload=`.
fn ends_an_event_handler(rest: &str) -> bool {
    rest.trim_start_matches(|character: char| character.is_ascii_alphabetic())
        .starts_with('=')
}

#[test]
fn the_hash_in_the_policy_is_that_of_every_page_s_style_block() {
    for (name, html) in all_pages() {
        let (_, rest) = html.split_once("<style>").expect("a style block");
        let (style, rest) = rest.split_once("</style>").expect("its end");
        assert!(!rest.contains("<style"), "{name}");
        let source = format!("style-src 'sha256-{}';", style_hash(style));
        if name == "docs" {
            assert!(docs_csp().contains(&source));
            continue;
        }
        assert!(page_csp().contains(&source), "{name}");
        assert!(
            view_csp("https://media.example.org").contains(&source),
            "{name}"
        );
    }
}

#[test]
fn the_one_script_is_that_of_the_description_and_asks_its_own_origin() {
    let html = api_docs::tests::api_docs_page().render();
    let (_, rest) = html.split_once("<script>").expect("a script");
    let (script, rest) = rest.split_once("</script>").expect("its end");
    assert!(!rest.contains("<script"));
    let source = format!(
        "script-src 'sha256-{}'; connect-src 'self'",
        style_hash(script)
    );
    assert!(docs_csp().ends_with(&source), "{}", docs_csp());
    for policy in [
        page_csp(),
        form_csp(),
        &view_csp("https://media.example.org"),
    ] {
        assert!(!policy.contains("script-src") && !policy.contains("connect-src"));
    }
}

#[test]
fn hostile_file_names_are_escaped_in_text_and_in_attributes() {
    let long = format!("{}.png", "\u{1f431}".repeat(62) + "abc");
    assert_eq!(long.len(), 255);
    for (name, shown) in [
        (
            "\"><img src=x onerror=alert(1)>.png",
            "&#34;&#62;&#60;img src=x onerror=alert(1)&#62;.png",
        ),
        ("' onload='alert(1)", "&#39; onload=&#39;alert(1)"),
        (
            "</script></title></style>.png",
            "&#60;/script&#62;&#60;/title&#62;&#60;/style&#62;.png",
        ),
        ("a\r\nb\nSet-Cookie: c", "a b Set-Cookie: c"),
        ("photo\u{202e}gpj.exe", "photo\u{fffd}gpj.exe"),
        ("{{ 7 * 7 }}{% raw %}&amp;", "{{ 7 * 7 }}{% raw %}&#38;amp;"),
        ("👩‍👩‍👧‍👦🏳️‍🌈.gif", "👩‍👩‍👧‍👦🏳️‍🌈.gif"),
        (long.as_str(), long.as_str()),
    ] {
        for kind in [
            ViewKind::Image,
            ViewKind::Video,
            ViewKind::Audio,
            ViewKind::Text,
            ViewKind::Other,
        ] {
            check_that_it_is_escaped(kind, name, shown);
        }
    }
}

/// Whether a page with a hostile name shows it, and nothing but it.
fn check_that_it_is_escaped(kind: ViewKind, name: &str, shown: &str) {
    let page = ViewPage {
        title: Some(name.to_owned()),
        network: Some(name.to_owned()),
        ..view_page(kind)
    };
    let html = page.render();
    for expected in [
        format!("<title>{shown}</title>"),
        format!("<h1><bdi>{shown}</bdi></h1>"),
        format!("<meta property=\"og:title\" content=\"{shown}\">"),
        format!("download=\"{shown}\""),
        format!("bridged to {shown}</p>"),
    ] {
        assert!(html.contains(&expected), "{expected} in {html}");
    }
    if kind == ViewKind::Image {
        assert!(html.contains(&format!("alt=\"{shown}\"")));
    }
    if kind == ViewKind::Video || kind == ViewKind::Audio {
        assert!(html.contains(&format!("aria-label=\"{shown}\"")));
    }
    let plain = view_page(kind).render();
    for mark in ['<', '"'] {
        let count = |html: &str| html.matches(mark).count();
        assert_eq!(count(&html), count(&plain), "{name:?}");
    }
}

#[test]
fn hostile_urls_and_types_are_escaped() {
    let hostile = "https://h/\"><script>alert('1')</script>";
    let html = ViewPage {
        media_url: hostile.to_owned(),
        page_url: hostile.to_owned(),
        mimetype: Some(hostile.to_owned()),
        expires_at: Some(Moment {
            text: hostile.to_owned(),
            rfc3339: hostile.to_owned(),
            distance: Some(hostile.to_owned()),
        }),
        ..view_page(ViewKind::Image)
    }
    .render();
    let paste = paste_page(
        ViewPage {
            media_url: hostile.to_owned(),
            page_url: hostile.to_owned(),
            ..view_page(ViewKind::Text)
        },
        "rust",
    );
    assert!(!paste.render().contains("<script"));
    assert!(!html.contains("<script"));
    assert!(!html.contains("alert('1')"));
    assert_eq!(
        html.matches('"').count(),
        view_page(ViewKind::Image).render().matches('"').count()
    );
}

#[test]
fn a_paste_has_the_facts_of_any_media() {
    let html = paste_page(view_page(ViewKind::Text), "rust").render();
    for fact in [
        "<title>cat.png</title>",
        "Shared from a Matrix room bridged to Libera.Chat",
        "<dd>Text <span class=\"muted\">(Rust)</span></dd>",
        "<dt>Lines</dt><dd>4</dd>",
        "1.2 MiB",
        "<time datetime=\"2026-10-08T12:00:00Z\">",
        "<meta property=\"og:type\" content=\"article\">",
        "href=\"https://media.example.org/m/token/cat.png\" rel=\"noreferrer nofollow\" download=\"cat.png\"",
        "/// &#60;/code&#62; &#38; &#34;more&#34;",
    ] {
        assert!(html.contains(fact), "{fact} in {html}");
    }
    let mut cut = paste_page(view_page(ViewKind::Text), "none");
    cut.rows = Arc::new(Rows {
        is_cut: true,
        ..Rows::clone(&cut.rows)
    });
    let html = cut.render();
    assert!(html.contains("This page shows the first 4 lines."));
    assert!(!html.contains("<dt>Lines"));
}

/// `cargo test -- --ignored pages_for_looking` with `MEDIALINK_PAGES_DIR` set writes every page to a
/// file there, to be looked at in a browser.
#[test]
#[ignore = "for people who change the look"]
fn pages_for_looking() {
    let dir = std::path::PathBuf::from(
        std::env::var_os("MEDIALINK_PAGES_DIR").expect("MEDIALINK_PAGES_DIR"),
    );
    let write = |name: &str, text: &str| {
        std::fs::write(dir.join(name), text).expect("the folder can be written to");
    };
    for (name, html) in all_pages() {
        write(&format!("{name}.html"), &html);
    }
    write("csp.txt", &view_csp("https://media.example.org"));
}
