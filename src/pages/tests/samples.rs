//! Samples of all pages.

use std::{sync::Arc, time::Duration};

use super::super::*;
use crate::{
    languages::{Language, Languages, Moment},
    look::Look,
};
use medialink_event::{Appearance, Warning};

/// What is around a page in a language.
pub(in crate::pages) fn frame(language: Language) -> Frame {
    Frame {
        texts: Languages::built_in().of(language),
        is_switchable: true,
        look: Look::built_in(),
        logo: None,
    }
}

/// A logo of the largest size.
pub(in crate::pages) fn logo(url: &str) -> PageLogo {
    PageLogo {
        url: url.to_owned(),
        width: 160,
        height: 32,
    }
}

pub(in crate::pages) fn view_page(kind: ViewKind) -> ViewPage {
    ViewPage {
        title: Some("cat.png".to_owned()),
        kind,
        media_url: "https://media.example.org/m/token/cat.png".to_owned(),
        page_url: "https://media.example.org/v/token/cat.png".to_owned(),
        oembed_url: Some("https://media.example.org/oembed?url=https%3A%2F%2Fmedia.example.org%2Fv%2Ftoken%2Fcat.png&format=json".to_owned()),
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
        sharer: None,
        code_url: Some("https://media.example.org/v/token".to_owned()),
        gallery: Vec::new(),
        can_open: kind != ViewKind::Other && kind != ViewKind::Pdf,
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

pub(super) fn paste_page(view: ViewPage, language: &str) -> PastePage {
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
pub(super) fn all_pages() -> Vec<(String, String)> {
    let docs = ("docs".to_owned(), api_docs::tests::api_docs_page().render());
    [vec![docs], readers_pages(None)].concat()
}

/// Those of readers, with a logo or without one.
pub(super) fn readers_pages(logo: Option<&PageLogo>) -> Vec<(String, String)> {
    let mut pages = vec![];
    for language in Language::ALL {
        let frame = Frame {
            logo: logo.cloned(),
            ..frame(language)
        };
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

/// Pages of media whose event says how it looks.
fn described_pages(view_page: &impl Fn(ViewKind) -> ViewPage) -> Vec<(String, String)> {
    let mut pages = vec![];
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
        ViewKind::Pdf,
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
    pages.extend(described_pages(&view_page));
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
    let shared = ViewPage {
        sharer: Some("@alice:example.org".to_owned()),
        gallery: gallery(12),
        ..view_page(ViewKind::Image)
    };
    pages.push(("view-gallery".to_owned(), shared.render()));
    pages
}

/// So many other media, pictures and files.
pub(super) fn gallery(number: usize) -> Vec<GalleryItem> {
    let token = "EQFqsTuAAAECAwQFBgcICQoLDA0ODxAREhM";
    let item = |n: usize| GalleryItem {
        page_url: format!("https://media.example.org/v/{token}"),
        title: Some(format!("holiday-{n}.jpg")),
        kind: if n % 8 == 7 {
            ViewKind::Pdf
        } else {
            ViewKind::Image
        },
        picture_url: (n % 8 != 7).then(|| {
            format!("https://media.example.org/t/{token}?width=320&height=240&method=scale")
        }),
    };
    (0..number).map(item).collect()
}
