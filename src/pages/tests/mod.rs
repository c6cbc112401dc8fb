//! Samples, and what holds for all pages.

mod samples;

use std::sync::Arc;

use super::csp::TIME_SCRIPT;
use super::*;
use crate::{
    languages::{Language, Moment},
    look::source_of,
};
use samples::{all_pages, paste_page, readers_pages};

pub(super) use samples::{frame, logo, view_page};

/// The one script of pages of media.
fn time_script() -> String {
    format!("<script>{}</script>\n", TIME_SCRIPT.as_str())
}

#[test]
fn every_page_renders_whole_and_needs_nothing_but_itself() {
    for (name, html) in all_pages() {
        assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\""), "{name}");
        assert!(html.ends_with("</html>"), "{name}");
        let html = html.replace(&time_script(), "");
        let (_, shown) = html.split_once("</style>").expect("a style block");
        if !name.starts_with("paste") && name != "docs" {
            assert!(!shown.contains(['{', '}']), "{name} lacks a text");
            assert!(html.len() < 15 * 1024, "{name}: {}", html.len());
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
        assert_eq!(
            html.matches("<link").count(),
            html.matches("oembed?url").count(),
            "{name}"
        );
        for absent in [
            "<script",
            "<link rel=\"s",
            "<iframe",
            "<form",
            " style=",
            "@import",
            "url(",
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
    let frame = frame(Language::English);
    for (name, html) in all_pages() {
        let (_, rest) = html.split_once("<style>").expect("a style block");
        let (style, rest) = rest.split_once("</style>").expect("its end");
        assert!(!rest.contains("<style"), "{name}");
        let source = format!("style-src '{}';", source_of(style));
        let origin = "https://media.example.org";
        let policies = match name.split(['-', '.']).next() {
            Some("docs") => vec![docs_csp().to_owned()],
            Some("paste") => vec![paste_csp(&frame, origin)],
            Some("view") => vec![view_csp(&frame, origin)],
            _ => vec![page_csp(&frame), form_csp(&frame)],
        };
        for policy in policies {
            assert!(policy.contains(&source), "{name}");
        }
    }
}

#[test]
fn a_page_has_no_script_but_the_one_in_its_policy() {
    let frame = frame(Language::English);
    let origin = "https://media.example.org";
    let mut timed = 0;
    for (name, html) in all_pages() {
        let Some((_, rest)) = html.split_once("<script>") else {
            continue;
        };
        let (script, rest) = rest.split_once("</script>").expect("its end");
        assert!(!rest.contains("<script"), "{name}");
        let source = format!("script-src '{}'", source_of(script));
        if name == "docs" {
            let source = format!("{source}; connect-src 'self'");
            assert!(docs_csp().ends_with(&source), "{}", docs_csp());
            continue;
        }
        timed += 1;
        for policy in [view_csp(&frame, origin), paste_csp(&frame, origin)] {
            assert!(policy.ends_with(&source), "{name}: {policy}");
        }
    }
    assert!(timed > 2, "{timed}");
    for policy in [page_csp(&frame), form_csp(&frame)] {
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
        format!("bridged to <bdi>{shown}</bdi></p>"),
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
    let html = html.replace(&time_script(), "");
    let paste = paste_page(
        ViewPage {
            media_url: hostile.to_owned(),
            page_url: hostile.to_owned(),
            ..view_page(ViewKind::Text)
        },
        "rust",
    );
    let paste = paste.render().replace(&time_script(), "");
    assert!(!paste.contains("<script"));
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
        "href=\"https://media.example.org/m/token/cat.png\" download=\"cat.png\"",
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
    for (name, html) in readers_pages(Some(&logo("https://media.example.org/logo"))) {
        write(&format!("logo-{name}.html"), &html);
    }
    write(
        "csp.txt",
        &view_csp(&frame(Language::English), "https://media.example.org"),
    );
}

#[test]
fn a_page_is_light_besides_its_media() {
    for (name, html) in all_pages() {
        let most = match name.split('.').next() {
            Some("docs") => continue,
            // Each of the others that were shared together costs a little more.
            Some("view-gallery") => (15 << 10) + 24 * 300,
            _ => 15 << 10,
        };
        assert!(html.len() <= most, "{name}: {} bytes", html.len());
    }
}

#[test]
fn a_logo_stands_in_the_place_of_the_sign_and_nothing_else_changes() {
    let logo = logo("https://media.example.org/some/path/logo?a&b");
    let shown = "<span class=\"brand\"><img src=\"https://media.example.org/some/path/logo?a&#38;b\" width=\"160\" \
                 height=\"32\" alt=\"\">";
    let (before, after) = (readers_pages(None), readers_pages(Some(&logo)));
    assert!(before.len() > 100);
    for ((name, before), (_, after)) in before.iter().zip(&after) {
        let (start, rest) = before
            .split_once("<span class=\"brand\">")
            .expect("a brand");
        let (sign, rest) = rest.split_once("</svg>").expect("a sign");
        assert!(sign.starts_with("<svg aria-hidden=\"true\""), "{name}");
        assert_eq!(*after, format!("{start}{shown}{rest}"), "{name}");
        assert!(after.len() <= before.len(), "{name}");
    }
}

#[test]
fn what_was_shared_together_is_shown_with_its_sharer() {
    let html = ViewPage {
        sharer: Some("a\u{202e}b\n<i>".to_owned()),
        gallery: samples::gallery(8),
        ..view_page(ViewKind::Image)
    }
    .render();
    assert!(html.contains("<p class=\"muted\">Shared by <bdi>a\u{fffd}b &#60;i&#62;</bdi> · Shared from a Matrix room bridged to <bdi>Libera.Chat</bdi></p>"), "{html}");
    assert_eq!(html.matches("<li>").count(), 8);
    assert_eq!(html.matches(" loading=\"lazy\">").count(), 7);
    assert!(html.contains("<span class=\"sort\">PDF document</span>"));
    let alone = view_page(ViewKind::Image).render();
    assert!(
        !alone.contains("<nav class=\"gallery\"") && alone.contains("<details class=\"code\">")
    );
}
