//! What oEmbed says of a page (<https://oembed.com>, version 1.0).

use serde::Serialize;

use super::{tags::PreviewPicture, view::ViewPage, view_kind::ViewKind};

/// The sides of a film that tells none, in pixels.
const USUAL_SIDES: (u32, u32) = (640, 360);

/// The answer: a picture to show, a film to play, or a mere link. It shows what the page shows at once,
/// and nothing that the page hides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Oembed {
    version: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    provider_name: String,
    provider_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_age: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_height: Option<u32>,
}

/// A film or a sound, with the browser's own controls: no script, no frame.
#[derive(askama::Template)]
#[template(path = "player.html")]
struct Player<'a> {
    url: &'a str,
    poster: Option<&'a str>,
    sides: (u32, u32),
}

impl Oembed {
    /// Of a page, for somebody who has so much room, in pixels. `cache_age`: for how many seconds the answer holds.
    #[must_use]
    pub fn of(
        page: &ViewPage,
        provider_url: &str,
        (max_width, max_height): (u32, u32),
        cache_age: Option<i64>,
    ) -> Self {
        let told = Self {
            version: "1.0",
            kind: "link",
            title: page.heading(),
            provider_name: page.frame.say("site-name"),
            provider_url: provider_url.to_owned(),
            cache_age,
            ..Self::default()
        };
        let fits = |&(width, height): &(u32, u32)| width <= max_width && height <= max_height;
        let picture = page
            .picture()
            .and_then(|picture| Some((picture, picture.sides.filter(fits)?)));
        match (page.kind, picture) {
            (ViewKind::Image, Some((picture, sides))) => Self {
                kind: "photo",
                url: Some(picture.url.clone()),
                width: Some(sides.0),
                height: Some(sides.1),
                ..told
            },
            (ViewKind::Video, picture) if page.tags().stream.is_some() => {
                told.with_film(page, picture, (max_width, max_height))
            }
            (_, Some(picture)) => told.with_thumbnail(picture),
            (_, None) => told,
        }
    }

    fn with_film(
        self,
        page: &ViewPage,
        picture: Option<(&PreviewPicture, (u32, u32))>,
        room: (u32, u32),
    ) -> Self {
        let sides = within(page.pixels().unwrap_or(USUAL_SIDES), room);
        let player = Player {
            url: &page.media_url,
            poster: picture.map(|(picture, _)| picture.url.as_str()),
            sides,
        };
        let film = Self {
            kind: "video",
            html: Some(super::render::render(&player)),
            width: Some(sides.0),
            height: Some(sides.1),
            ..self
        };
        match picture {
            Some(picture) => film.with_thumbnail(picture),
            None => film,
        }
    }

    fn with_thumbnail(self, (picture, (width, height)): (&PreviewPicture, (u32, u32))) -> Self {
        Self {
            thumbnail_url: Some(picture.url.clone()),
            thumbnail_width: Some(width),
            thumbnail_height: Some(height),
            ..self
        }
    }
}

/// Sides of the same shape that keep within a room; they never grow.
#[must_use]
pub fn within((width, height): (u32, u32), (max_width, max_height): (u32, u32)) -> (u32, u32) {
    if width <= max_width && height <= max_height {
        return (width, height);
    }
    let (w, h) = (u64::from(width.max(1)), u64::from(height.max(1)));
    let (max_w, max_h) = (u64::from(max_width), u64::from(max_height));
    let side = |pixels: u64| u32::try_from(pixels.max(1)).unwrap_or(u32::MAX);
    if w * max_h > h * max_w {
        (max_width, side(h * max_w / w))
    } else {
        (side(w * max_h / h), max_height)
    }
}

#[cfg(test)]
mod tests {
    use medialink_event::{Appearance, Warning};
    use serde_json::{Value, json};

    use super::*;
    use crate::pages::tests::view_page;

    const ROOMY: (u32, u32) = (u32::MAX, u32::MAX);

    fn page(kind: ViewKind, sides: Option<(u32, u32)>) -> ViewPage {
        ViewPage {
            preview: Some(PreviewPicture {
                url: "https://media.example.org/t/token?width=640&height=480".to_owned(),
                mimetype: None,
                sides,
            }),
            appearance: Appearance {
                width: Some(1920),
                height: Some(1080),
                ..Appearance::default()
            },
            ..view_page(kind)
        }
    }

    fn told(page: &ViewPage, room: (u32, u32)) -> Value {
        let told = Oembed::of(page, "https://media.example.org/", room, Some(60));
        serde_json::to_value(told).expect("JSON")
    }

    #[test]
    fn each_kind_has_its_type() {
        let photo = told(&page(ViewKind::Image, Some((640, 480))), ROOMY);
        assert_eq!(
            photo,
            json!({"version": "1.0", "type": "photo", "title": "cat.png", "provider_name": "Medialink",
                "provider_url": "https://media.example.org/", "cache_age": 60,
                "url": "https://media.example.org/t/token?width=640&height=480", "width": 640, "height": 480})
        );
        let film = told(&page(ViewKind::Video, Some((640, 480))), (800, 800));
        assert_eq!(film["type"], "video");
        assert_eq!(
            (&film["width"], &film["height"]),
            (&json!(800), &json!(450))
        );
        assert_eq!(film["thumbnail_width"], 640);
        assert_eq!(
            film["html"],
            "<video src=\"https://media.example.org/m/token/cat.png\" \
             poster=\"https://media.example.org/t/token?width=640&#38;height=480\" width=\"800\" height=\"450\" \
             controls preload=\"none\"></video>"
        );
        let sound = told(&page(ViewKind::Audio, Some((64, 48))), ROOMY);
        assert_eq!(
            (&sound["type"], &sound["thumbnail_height"]),
            (&json!("link"), &json!(48))
        );
        for kind in [ViewKind::Text, ViewKind::Other] {
            assert_eq!(told(&page(kind, None), ROOMY)["type"], "link");
        }
    }

    #[test]
    fn a_picture_that_does_not_fit_is_left_out() {
        for (sides, room) in [
            (Some((640, 480)), (639, 480)),
            (Some((640, 480)), (640, 479)),
            (None, ROOMY),
        ] {
            let photo = told(&page(ViewKind::Image, sides), room);
            assert_eq!(photo["type"], "link");
            let film = told(&page(ViewKind::Video, sides), room);
            assert_eq!(film["type"], "video");
            assert!(photo.get("thumbnail_url").is_none() && film.get("thumbnail_url").is_none());
            assert!(!film["html"].as_str().expect("a film").contains("poster"));
        }
    }

    #[test]
    fn what_the_page_hides_is_not_told() {
        for kind in [
            ViewKind::Image,
            ViewKind::Video,
            ViewKind::Audio,
            ViewKind::Text,
        ] {
            let plain = page(kind, Some((640, 480)));
            let limited = ViewPage {
                follows_left: Some(1),
                ..plain.clone()
            };
            let hidden = ViewPage {
                appearance: Appearance {
                    warning: Some(Warning::default()),
                    ..Appearance::default()
                },
                ..plain
            };
            for page in [limited, hidden] {
                let told = told(&page, ROOMY);
                if kind != ViewKind::Text || page.follows_left.is_some() {
                    let text = told.to_string();
                    assert!(!text.contains("/m/") && !text.contains("/t/"), "{text}");
                }
                assert_eq!(told["type"], "link");
            }
        }
    }

    #[test]
    fn a_picture_keeps_its_shape_and_never_grows() {
        for (picture, small) in [
            ((4000, 3000), (800, 600)),
            ((3000, 4000), (450, 600)),
            ((4000, 1000), (800, 200)),
            ((640, 480), (640, 480)),
            ((100_000, 1), (800, 1)),
            ((u32::MAX, u32::MAX), (600, 600)),
            ((0, 700), (1, 600)),
        ] {
            assert_eq!(within(picture, (800, 600)), small, "{picture:?}");
        }
    }
}
