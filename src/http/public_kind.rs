//! How media is shown, by its type.

use medialink_event::canonical_type;

use crate::{media::is_shown, pages::ViewKind};

/// Types besides `text/*` that people read as text.
const TEXTS: [&str; 10] = [
    "application/json",
    "application/ld+json",
    "application/xml",
    "application/javascript",
    "application/x-javascript",
    "application/x-sh",
    "application/x-shellscript",
    "application/yaml",
    "application/toml",
    "application/sql",
];

/// How media of this type is shown.
pub(super) fn kind(mimetype: Option<&str>) -> ViewKind {
    let name = canonical_type(mimetype.unwrap_or_default());
    match name.split_once('/') {
        // Drawings can hold scripts: they are saved, not shown.
        Some(("image", subtype)) if subtype != "svg+xml" => ViewKind::Image,
        Some(("video", _)) => ViewKind::Video,
        Some(("audio", _)) => ViewKind::Audio,
        Some(("text", _)) => ViewKind::Text,
        Some(("application", "pdf")) => ViewKind::Pdf,
        _ if TEXTS.contains(&&*name) => ViewKind::Text,
        _ => ViewKind::Other,
    }
}

/// Whether a browser shows it by itself: anything else is saved, whoever opens it.
pub(super) fn can_open(kind: ViewKind, mimetype: Option<&str>) -> bool {
    match kind {
        ViewKind::Image | ViewKind::Video | ViewKind::Audio => true,
        ViewKind::Text => mimetype.is_some_and(|name| is_shown(&canonical_type(name))),
        ViewKind::Pdf | ViewKind::Other => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_tells_how_it_is_shown() {
        for (mimetype, shown, opens) in [
            ("image/png", ViewKind::Image, true),
            ("image/svg+xml", ViewKind::Other, false),
            ("TEXT/PLAIN; charset=x", ViewKind::Text, true),
            ("text/html", ViewKind::Text, false),
            ("application/json", ViewKind::Text, true),
            ("application/x-sh", ViewKind::Text, false),
            ("application/pdf", ViewKind::Pdf, false),
            ("application/zip", ViewKind::Other, false),
            ("", ViewKind::Other, false),
        ] {
            let found = kind(Some(mimetype));
            assert_eq!(
                (found, can_open(found, Some(mimetype))),
                (shown, opens),
                "{mimetype}"
            );
        }
    }
}
