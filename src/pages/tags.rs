//! What link previews read of a page: OpenGraph, Twitter's cards, and where oEmbed is found.

use askama::Template;

/// The tags in the head of a page.
#[derive(Clone, Debug, Template)]
#[template(path = "tags.html")]
pub(super) struct Tags<'a> {
    /// What the site is called.
    pub site_name: String,
    /// The file's name.
    pub title: String,
    /// One sentence about it.
    pub description: String,
    /// The type of the page (<https://ogp.me/#types>).
    pub page_type: &'static str,
    /// The absolute URL of the page.
    pub page_url: &'a str,
    /// The absolute URL of its oEmbed answer.
    pub oembed_url: Option<&'a str>,
    /// The picture to show.
    pub picture: Option<&'a PreviewPicture>,
    /// The film or sound to play.
    pub stream: Option<Stream<'a>>,
}

/// A picture for link previews.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewPicture {
    /// Its absolute URL.
    pub url: String,
    /// Its type, if it is known.
    pub mimetype: Option<String>,
    /// Width and height in pixels, if they are known.
    pub sides: Option<(u32, u32)>,
}

/// A film or a sound that previews can play.
#[derive(Clone, Debug)]
pub(super) struct Stream<'a> {
    /// `video` or `audio`.
    pub name: &'static str,
    /// Its absolute URL.
    pub url: &'a str,
    /// Its type, if it is known.
    pub mimetype: Option<&'a str>,
    /// Width and height in pixels, if they are known.
    pub sides: Option<(u32, u32)>,
}

impl Tags<'_> {
    /// Twitter's card. One with a player needs HTTPS, a picture and the sides of the player.
    fn card(&self) -> &'static str {
        match (self.picture, self.player()) {
            (_, Some(_)) => "player",
            (Some(_), None) if !self.is_heard() => "summary_large_image",
            _ => "summary",
        }
    }

    /// The film, where it can be played in a card, with its sides.
    fn player(&self) -> Option<(&Stream<'_>, (u32, u32))> {
        self.picture?;
        let stream = self.stream.as_ref()?;
        let is_safe = is_https(stream.url);
        Some((stream, stream.sides?)).filter(|_| is_safe)
    }

    fn is_heard(&self) -> bool {
        self.stream
            .as_ref()
            .is_some_and(|stream| stream.name == "audio")
    }
}

impl Stream<'_> {
    fn is_https(&self) -> bool {
        is_https(self.url)
    }
}

impl PreviewPicture {
    fn is_https(&self) -> bool {
        is_https(&self.url)
    }
}

fn is_https(url: &str) -> bool {
    url.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> PreviewPicture {
        PreviewPicture {
            url: "https://media.example.org/t/token".to_owned(),
            mimetype: None,
            sides: Some((640, 480)),
        }
    }

    #[test]
    fn a_card_plays_what_can_be_played_safely() {
        let picture = picture();
        for (name, url, sides, with_picture, card) in [
            ("video", "https://h/m/t", Some((8, 6)), true, "player"),
            (
                "video",
                "http://h/m/t",
                Some((8, 6)),
                true,
                "summary_large_image",
            ),
            ("video", "https://h/m/t", None, true, "summary_large_image"),
            ("video", "https://h/m/t", Some((8, 6)), false, "summary"),
            ("audio", "https://h/m/t", None, true, "summary"),
        ] {
            let tags = Tags {
                site_name: "A & B".to_owned(),
                title: "a".to_owned(),
                description: "b".to_owned(),
                page_type: "website",
                page_url: "https://h/v/t",
                oembed_url: Some("https://h/oembed?url=https%3A%2F%2Fh%2Fv%2Ft"),
                picture: with_picture.then_some(&picture),
                stream: Some(Stream {
                    name,
                    url,
                    mimetype: Some("x/y"),
                    sides,
                }),
            };
            let html = tags.render().expect("tags");
            let told = format!("<meta name=\"twitter:card\" content=\"{card}\">");
            assert!(html.contains(&told), "{html}");
            let player = format!("<meta name=\"twitter:player\" content=\"{url}\">");
            assert_eq!(html.contains(&player), card == "player", "{html}");
            let safe = format!("<meta property=\"og:{name}:secure_url\" content=\"{url}\">");
            assert_eq!(html.contains(&safe), url.starts_with("https://h"), "{html}");
        }
    }
}
