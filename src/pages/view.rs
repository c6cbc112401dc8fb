//! The page that shows the media of a link.

use askama::Template;

use medialink_event::{Appearance, human};

use crate::languages::Moment;

use super::{
    display_name::display_name,
    frame::Frame,
    gallery::GalleryItem,
    placeholder::Placeholder,
    qr::Qr,
    render::render,
    tags::{PreviewPicture, Stream, Tags},
    view_kind::ViewKind,
};

/// A page around one medium, with OpenGraph data for link previews.
///
/// A link with a limited number of follows is not embedded, neither in the page nor in its previews:
/// looking at the page, or pasting its address into a chat, must not use the link up.
#[derive(Clone, Debug, Template)]
#[template(path = "view.html")]
pub struct ViewPage {
    /// The file's name.
    pub title: Option<String>,
    /// How the media is shown.
    pub kind: ViewKind,
    /// The absolute URL of the media itself.
    pub media_url: String,
    /// The absolute URL of this page.
    pub page_url: String,
    /// The absolute URL of what oEmbed says of it.
    pub oembed_url: Option<String>,
    /// The absolute URL of the form to report it, if reports are taken.
    pub report_url: Option<String>,
    /// The media's type.
    pub mimetype: Option<String>,
    /// The media's length.
    pub size_bytes: Option<u64>,
    /// Size, duration and warnings, as its event says.
    pub appearance: Appearance,
    /// The picture that link previews show.
    pub preview: Option<PreviewPicture>,
    /// The name of the network on the other side of the bridge.
    pub network: Option<String>,
    /// Who shared it, if the bridge wants it to be told.
    pub sharer: Option<String>,
    /// The address of this page that its QR code holds.
    pub code_url: Option<String>,
    /// Other media that was shared together with it.
    pub gallery: Vec<GalleryItem>,
    /// Whether browsers show the media by itself.
    pub can_open: bool,
    /// When the link ends, if it does.
    pub expires_at: Option<Moment>,
    /// How often the link can still be followed, if that is limited.
    pub follows_left: Option<u64>,
    /// The language of the page.
    pub frame: Frame,
}

impl ViewPage {
    /// The page as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        render(self)
    }

    /// The file's name; empty: a browser takes the name from the response.
    pub(super) fn file_name(&self) -> String {
        self.title
            .as_deref()
            .and_then(display_name)
            .unwrap_or_default()
    }

    pub(super) fn is_limited(&self) -> bool {
        self.follows_left.is_some()
    }

    /// Whether the media is hidden until the reader asks for it, in the page and in its previews.
    fn is_veiled(&self) -> bool {
        self.appearance.warning.is_some() && self.kind.is_embedded()
    }

    fn is_previewed(&self) -> bool {
        !self.is_limited() && !self.is_veiled()
    }

    /// Why it is not shown at once.
    fn veil(&self) -> String {
        let warning = self.appearance.warning.as_ref();
        let reason = warning.and_then(|warning| display_name(warning.reason.as_deref()?));
        let is_spoiler = warning.is_some_and(|warning| warning.is_spoiler);
        match reason {
            None if is_spoiler => self.frame.say("view-spoiler"),
            None => self.frame.say("view-warning"),
            Some(reason) => {
                let values = [("reason", reason.into())];
                match is_spoiler {
                    true => self.frame.say_with("view-spoiler-reason", &values),
                    false => self.frame.say_with("view-warning-reason", &values),
                }
            }
        }
    }

    pub(super) fn pixels(&self) -> Option<(u32, u32)> {
        let is_seen = matches!(self.kind, ViewKind::Image | ViewKind::Video);
        is_seen
            .then_some(self.appearance.width.zip(self.appearance.height))
            .flatten()
    }

    fn placeholder(&self) -> Option<Placeholder> {
        let (width, height) = self.pixels()?;
        let blurhash = self.appearance.blurhash.as_deref();
        Some(Placeholder::new(width, height, blurhash))
    }

    fn pixel_words(&self) -> Option<String> {
        let (width, height) = self.pixels()?;
        let values = [
            ("width", self.frame.texts.digits(width.into()).into()),
            ("height", self.frame.texts.digits(height.into()).into()),
        ];
        Some(self.frame.say_with("fact-pixels", &values))
    }

    /// As players write it: `1:23`, `1:02:03`.
    fn duration(&self) -> Option<String> {
        let plays = matches!(self.kind, ViewKind::Audio | ViewKind::Video);
        let duration = self.appearance.duration_ms.filter(|_| plays)?;
        Some(human::duration(duration))
    }

    /// A message about how often the link can still be followed; one that is used up is told as the last.
    pub(super) fn limit(&self, id: &str) -> String {
        self.frame
            .say_count(id, self.follows_left.unwrap_or(1).max(1))
    }

    /// What stands before and after the time of the link's end.
    pub(super) fn around_end(&self) -> (String, String) {
        if !self.is_limited() {
            return self.frame.around("works-until", "moment");
        }
        let times = [("times", self.limit("works-times").into())];
        let texts = &self.frame.texts;
        texts.around("works-times-until", "moment", &times)
    }

    pub(super) fn frame(&self) -> &Frame {
        &self.frame
    }

    pub(super) fn heading(&self) -> String {
        self.title
            .as_deref()
            .and_then(display_name)
            .unwrap_or_else(|| self.frame.say(self.kind.without_name()))
    }

    /// Who has shared it and from where: sentences, each with the name in it and what stands around that.
    pub(super) fn origins(&self) -> Vec<[String; 3]> {
        let named = |id, variable, name: Option<&str>| {
            let name = name.and_then(display_name)?;
            let (before, after) = self.frame.around(id, variable);
            Some([before, name, after])
        };
        let sharer = named("view-sharer", "sender", self.sharer.as_deref());
        let network = named(
            "view-provenance-network",
            "network",
            self.network.as_deref(),
        );
        let network = network.unwrap_or_else(|| {
            [
                self.frame.say("view-provenance"),
                String::new(),
                String::new(),
            ]
        });
        sharer.into_iter().chain([network]).collect()
    }

    fn provenance(&self) -> String {
        let sentences: Vec<String> = self.origins().iter().map(|parts| parts.concat()).collect();
        sentences.join(" · ")
    }

    pub(super) fn qr(&self) -> Option<Qr> {
        Qr::of(self.code_url.as_deref()?)
    }

    pub(super) fn size(&self) -> Option<String> {
        self.size_bytes.map(|bytes| self.frame.texts.size(bytes))
    }

    /// What link previews read.
    pub(super) fn tags(&self) -> Tags<'_> {
        Tags {
            site_name: self.frame.say("site-name"),
            title: self.heading(),
            description: self.provenance(),
            page_type: self.open_graph_type(),
            page_url: &self.page_url,
            oembed_url: self.oembed_url.as_deref(),
            picture: self.picture(),
            stream: self.stream(),
        }
    }

    /// The small picture of the media, where it may be seen unasked.
    pub(super) fn picture(&self) -> Option<&PreviewPicture> {
        self.preview.as_ref().filter(|_| self.is_previewed())
    }

    fn stream(&self) -> Option<Stream<'_>> {
        let name = match self.kind {
            ViewKind::Video => "video",
            ViewKind::Audio => "audio",
            _ => return None,
        };
        self.is_previewed().then(|| Stream {
            name,
            url: &self.media_url,
            mimetype: self.mimetype.as_deref(),
            sides: self.pixels(),
        })
    }

    /// <https://ogp.me/#types>
    fn open_graph_type(&self) -> &'static str {
        match self.kind {
            ViewKind::Video if self.is_previewed() => "video.other",
            ViewKind::Audio if self.is_previewed() => "music.song",
            ViewKind::Text => "article",
            _ => "website",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::tests::view_page;
    use medialink_event::Warning;

    #[test]
    fn each_kind_is_embedded_in_its_own_way_and_previewed() {
        for (kind, element, preview) in [
            (ViewKind::Image, "<img src=", "og:image"),
            (ViewKind::Video, "<video src=", "og:video"),
            (ViewKind::Audio, "<audio src=", "og:audio"),
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
        for kind in [ViewKind::Text, ViewKind::Pdf, ViewKind::Other] {
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
    fn the_page_lists_the_facts() {
        let html = view_page(ViewKind::Image).render();
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
    fn unknown_facts_are_left_out() {
        let html = ViewPage {
            title: Some(" \n".to_owned()),
            mimetype: None,
            preview: Some(PreviewPicture {
                url: "https://media.example.org/t/token".to_owned(),
                mimetype: None,
                sides: None,
            }),
            size_bytes: None,
            network: None,
            expires_at: None,
            ..view_page(ViewKind::Image)
        }
        .render();
        assert!(html.contains("<title>Shared image</title>"));
        assert!(html.contains("Shared from a Matrix room<"));
        assert!(html.contains("without an end date"));
        assert!(html.contains("download=\"\""));
        for absent in [
            "og:image:type",
            "og:image:width",
            "<dt>Size",
            "<time",
            "()",
            "None",
        ] {
            assert!(!html.contains(absent), "{absent} in {html}");
        }
    }

    #[test]
    fn facts_of_the_event_are_shown_and_reserve_room() {
        let page = |kind| ViewPage {
            appearance: Appearance {
                width: Some(800),
                height: Some(600),
                duration_ms: Some(3_723_000),
                blurhash: Some("LEHV6nWB2yk8pyo0adR*.7kCMdnj".to_owned()),
                warning: None,
            },
            preview: Some(PreviewPicture {
                url: "https://media.example.org/t/token?width=640&height=480".to_owned(),
                mimetype: None,
                sides: Some((640, 480)),
            }),
            ..view_page(kind)
        };
        let html = page(ViewKind::Image).render();
        for fact in [
            "<dd>800 × 600 pixels</dd>",
            "<meta property=\"og:image\" content=\"https://media.example.org/t/token?width=640&#38;height=480\">",
            "<meta property=\"og:image:width\" content=\"640\">",
            "<meta property=\"og:image:height\" content=\"480\">",
            "<svg class=\"blur\" aria-hidden=\"true\" width=\"800\" height=\"600\"",
        ] {
            assert!(html.contains(fact), "{fact} in {html}");
        }
        assert!(!html.contains("1:02:03"));
        let html = page(ViewKind::Video).render();
        for fact in [
            "<dd>1:02:03</dd>",
            "content=\"video.other\"",
            "<meta property=\"og:video:height\" content=\"600\">",
            "<meta property=\"og:image:height\" content=\"480\">",
            "content=\"player\"",
            "<meta name=\"twitter:player\" content=\"https://media.example.org/m/token/cat.png\">",
            " poster=\"https://media.example.org/t/token?width=640&#38;height=480\" width=\"800\" height=\"600\"",
        ] {
            assert!(html.contains(fact), "{fact} in {html}");
        }
        let html = page(ViewKind::Audio).render();
        assert!(
            html.contains("<dd>1:02:03</dd>") && !html.contains("800"),
            "{html}"
        );
    }

    #[test]
    fn hidden_media_is_shown_neither_at_once_nor_in_previews() {
        for kind in [ViewKind::Image, ViewKind::Video, ViewKind::Audio] {
            let html = ViewPage {
                appearance: Appearance {
                    warning: Some(Warning {
                        is_spoiler: true,
                        reason: Some("<the end>".to_owned()),
                    }),
                    width: Some(8),
                    height: Some(6),
                    blurhash: Some("LEHV6nWB2yk8pyo0adR*.7kCMdnj".to_owned()),
                    ..Appearance::default()
                },
                ..view_page(kind)
            }
            .render();
            let veil = "<details class=\"veil\"><summary>Spoiler: &#60;the end&#62;";
            let (before, inside) = html.split_once(veil).expect("a veil");
            assert!(inside.contains("src=\"https://media.example.org/m/token/cat.png\""));
            for absent in [
                "og:image",
                "og:video",
                "og:audio",
                "summary_large",
                "class=\"blur\"",
                "src=",
            ] {
                assert!(!before.contains(absent), "{absent} in {before}");
            }
        }
    }

    #[test]
    fn a_one_time_link_is_not_followed_by_its_page_nor_by_previews() {
        for kind in [
            ViewKind::Image,
            ViewKind::Video,
            ViewKind::Audio,
            ViewKind::Text,
            ViewKind::Other,
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
