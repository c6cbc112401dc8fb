//! The page that shows the media of a link.

use crate::human;
use askama::Template;

use super::display_name::display_name;

/// A page around one medium, with OpenGraph data for link previews.
///
/// A link with a limited number of follows is not embedded, neither in the page nor in its previews: whoever looks at the
/// page or pastes its address into a chat must not use up what it promises.
#[derive(Clone, Debug, Template)]
#[template(path = "view.html")]
pub struct ViewPage {
    /// The file's name.
    pub title: Option<String>,
    /// How the media is shown.
    pub kind: Kind,
    /// The absolute URL of the media itself.
    pub media_url: String,
    /// The absolute URL of this page.
    pub page_url: String,
    /// The media's type.
    pub mimetype: Option<String>,
    /// The media's length.
    pub size_bytes: Option<u64>,
    /// The name of the network on the other side of the bridge.
    pub network: Option<String>,
    /// When the link dies, if it does.
    pub expires_at: Option<Moment>,
    /// How often the link can still be followed, if that is limited.
    pub follows_left: Option<u64>,
}

/// How media is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A picture that browsers show.
    Image,
    /// A film that browsers play.
    Video,
    /// A sound that browsers play.
    Audio,
    /// A text that browsers show by itself.
    Text,
    /// Anything else: it can be downloaded.
    Other,
}

/// A point in time, for people and for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// As people read it, with the time zone: `8 October 2026, 12:00 UTC`.
    pub text: String,
    /// As RFC 3339 writes it: `2026-10-08T12:00:00Z`.
    pub rfc3339: String,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Image => "Image",
            Self::Video => "Video",
            Self::Audio => "Audio",
            Self::Text => "Text",
            Self::Other => "File",
        }
    }

    fn without_name(self) -> &'static str {
        match self {
            Self::Image => "Shared image",
            Self::Video => "Shared video",
            Self::Audio => "Shared audio",
            Self::Text => "Shared text",
            Self::Other => "Shared file",
        }
    }
}

impl ViewPage {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        super::render(self)
    }

    /// The file's name, or empty: then a browser takes the name from the response.
    fn file_name(&self) -> String {
        self.title
            .as_deref()
            .and_then(display_name)
            .unwrap_or_default()
    }

    fn is_limited(&self) -> bool {
        self.follows_left.is_some()
    }

    fn times(&self) -> String {
        match self.follows_left {
            None | Some(0 | 1) => "once".to_owned(),
            Some(left) => format!("{left} more times"),
        }
    }

    fn heading(&self) -> String {
        self.title
            .as_deref()
            .and_then(display_name)
            .unwrap_or_else(|| self.kind.without_name().to_owned())
    }

    fn provenance(&self) -> String {
        match self.network.as_deref().and_then(display_name) {
            Some(network) => format!("Shared from a Matrix room bridged to {network}"),
            None => "Shared from a Matrix room".to_owned(),
        }
    }

    fn size(&self) -> Option<String> {
        self.size_bytes.map(human::size)
    }

    /// <https://ogp.me/#types>
    fn open_graph_type(&self) -> &'static str {
        match self.kind {
            Kind::Video if !self.is_limited() => "video.other",
            Kind::Audio if !self.is_limited() => "music.song",
            Kind::Text => "article",
            _ => "website",
        }
    }

    fn twitter_card(&self) -> &'static str {
        if self.kind == Kind::Image && !self.is_limited() {
            "summary_large_image"
        } else {
            "summary"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::tests::view_page;

    #[test]
    fn each_kind_is_embedded_in_its_own_way_and_previewed() {
        for (kind, element, preview) in [
            (Kind::Image, "<img src=", "og:image"),
            (Kind::Video, "<video src=", "og:video"),
            (Kind::Audio, "<audio src=", "og:audio"),
        ] {
            let html = view_page(kind).render();
            assert!(
                html.contains(&format!(
                    "{element}\"https://media.example.org/m/token/cat.png\""
                )),
                "{html}"
            );
            assert!(html.contains(&format!(
                "<meta property=\"{preview}\" content=\"https://media.example.org/m/token/cat.png\">"
            )));
            assert!(html.contains(&format!(
                "<meta property=\"{preview}:type\" content=\"image/png\">"
            )));
        }
        for kind in [Kind::Text, Kind::Other] {
            let html = view_page(kind).render();
            assert!(
                ![
                    "<img", "<video", "<audio", "og:image", "og:video", "og:audio"
                ]
                .iter()
                .any(|element| html.contains(element))
            );
        }
    }

    #[test]
    fn the_facts_are_told() {
        let html = view_page(Kind::Image).render();
        for fact in [
            "<title>cat.png</title>",
            "Shared from a Matrix room bridged to Libera.Chat",
            "1.2 MiB",
            "<time datetime=\"2026-10-08T12:00:00Z\">8 October 2026, 12:00 UTC</time>",
            "<meta property=\"og:title\" content=\"cat.png\">",
            "<meta property=\"og:type\" content=\"website\">",
            "<meta property=\"og:url\" content=\"https://media.example.org/v/token/cat.png\">",
            "<meta name=\"twitter:card\" content=\"summary_large_image\">",
            "<meta name=\"robots\" content=\"noindex, nofollow\">",
            "<meta name=\"referrer\" content=\"no-referrer\">",
            "download=\"cat.png\"",
        ] {
            assert!(html.contains(fact), "{fact} in {html}");
        }
    }

    #[test]
    fn what_is_unknown_is_left_out() {
        let html = ViewPage {
            title: Some(" \n".to_owned()),
            mimetype: None,
            size_bytes: None,
            network: None,
            expires_at: None,
            ..view_page(Kind::Image)
        }
        .render();
        assert!(html.contains("<title>Shared image</title>"));
        assert!(html.contains("Shared from a Matrix room<"));
        assert!(html.contains("without an end date"));
        assert!(html.contains("download=\"\""));
        for absent in ["og:image:type", "<dt>Size", "<time", "()", "None"] {
            assert!(!html.contains(absent), "{absent} in {html}");
        }
    }

    #[test]
    fn a_one_time_link_is_not_followed_by_its_page_nor_by_previews() {
        for kind in [
            Kind::Image,
            Kind::Video,
            Kind::Audio,
            Kind::Text,
            Kind::Other,
        ] {
            let html = ViewPage {
                follows_left: Some(1),
                ..view_page(kind)
            }
            .render();
            assert_eq!(html.matches("/m/token/").count(), 1, "{html}");
            assert!(html.contains("Open (works once)</a>"));
            assert!(html.contains("<meta name=\"twitter:card\" content=\"summary\">"));
            for absent in [
                "<img",
                "<video",
                "<audio",
                "og:image",
                "og:video",
                "og:audio",
                "download=",
                "src=",
            ] {
                assert!(!html.contains(absent), "{absent} in {html}");
            }
        }
    }
}
