use html5gum::{Token, Tokenizer};
use proptest::prelude::*;

use super::*;

/// Any text, often such as breaks lines, markup or templates.
fn words() -> impl Strategy<Value = String> {
    let hostile = prop::sample::select(vec![
        "\r\nQUIT :x",
        "\u{1}ACTION\u{1}",
        "\u{202e}",
        "\u{2028}",
        "\0",
        "{url}",
        "[",
        "]]>",
        "<b>",
        "<p>",
        "</p>",
        "<script>",
        "<img src=mxc://example.org/a>",
        "<a href=javascript:x onclick=y>",
        "&#106;",
        "<span data-mx-spoiler=x>",
        "<!--",
        "<svg>",
        "\u{fffe}",
        "👩\u{200d}👧",
        "e\u{301}",
        " ",
        "…",
        "'\"",
    ]);
    let piece = prop_oneof![3 => hostile.prop_map(str::to_owned), 1 => any::<String>()];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn details() -> impl Strategy<Value = MediaDetails> {
    let texts = (
        prop::option::of(words()),
        prop::option::of(words()),
        prop::option::of(words()),
        prop::option::of(words()),
    );
    let numbers = (
        any::<Option<u64>>(),
        any::<Option<u32>>(),
        any::<Option<u64>>(),
    );
    let warning = prop::option::of(prop::option::of(words()));
    (texts, numbers, any::<bool>(), warning).prop_map(|(texts, numbers, is_voice, warning)| {
        MediaDetails {
            filename: texts.0,
            caption: texts.1,
            caption_html: texts.3,
            mimetype: texts.2,
            size: numbers.0,
            width: numbers.1,
            height: numbers.1,
            duration_ms: numbers.2,
            blurhash: None,
            is_voice,
            warning: warning.map(|reason| Warning {
                is_spoiler: is_voice,
                reason,
            }),
        }
    })
}

/// The parts of an event, since events themselves are never shown.
#[derive(Debug, Clone)]
struct Parts {
    media: Vec<(MediaKind, MediaDetails, bool)>,
    body: String,
    html: String,
    msgtype: &'static str,
    is_edit: bool,
}

impl Parts {
    fn event(&self) -> SharedEvent {
        let content =
            json!({"msgtype": self.msgtype, "body": self.body, "formatted_body": self.html});
        let mut event = event("m.room.message", content);
        event.is_edit = self.is_edit;
        let parts = self.media.iter().enumerate();
        event.media = parts
            .map(|(index, (kind, details, is_refused))| {
                let id = format!("{}{index}end", if *is_refused { "refused" } else { "a" });
                media(
                    &format!("content.list[{index}].url"),
                    *kind,
                    &id,
                    details.clone(),
                )
            })
            .collect();
        event
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    let kind = prop::sample::select(vec![
        MediaKind::File,
        MediaKind::Sticker,
        MediaKind::Avatar,
        MediaKind::Thumbnail,
        MediaKind::InlineImage,
    ]);
    let media = prop::collection::vec((kind, details(), any::<bool>()), 0..5);
    let msgtype = prop::sample::select(vec!["m.image", "m.emote", "m.text", "x"]);
    (media, words(), words(), msgtype, any::<bool>()).prop_map(
        |(media, body, html, msgtype, is_edit)| Parts {
            media,
            body,
            html,
            msgtype,
            is_edit,
        },
    )
}

fn shared_urls(event: &SharedEvent) -> Vec<String> {
    let shared = |media: &&SharedMedia| {
        matches!(media.kind, MediaKind::File | MediaKind::Sticker)
            && !id(media).starts_with("refused")
    };
    event
        .media
        .iter()
        .filter(shared)
        .map(|media| url(id(media)))
        .collect()
}

fn is_one_line(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

proptest! {
    #[test]
    fn a_text_is_one_line_with_each_link_once(parts in parts(), sender in words()) {
        let event = parts.event();
        let text = rendered_with(&event, &TextTemplate::default(), None, &sender).text;
        prop_assert!(is_one_line(&text), "{text:?}");
        for url in shared_urls(&event) {
            prop_assert_eq!(text.matches(&url).count(), 1, "{}", text);
        }
    }

    #[test]
    fn a_text_fits_or_is_a_link_alone(parts in parts(), sender in words(), max in 0_usize..200) {
        let event = parts.event();
        let text = rendered_with(&event, &TextTemplate::default(), Some(max), &sender).text;
        prop_assert!(is_one_line(&text), "{text:?}");
        if text.len() > max {
            prop_assert!(text.starts_with("https://") && !text.contains(' '), "{text:?}");
        }
        let urls = shared_urls(&event);
        prop_assert!(urls.is_empty() || urls.iter().any(|url| text.contains(url)), "{text:?}");
        for url in urls {
            prop_assert!(text.matches(&url).count() <= 1, "{text:?}");
        }
    }

    #[test]
    fn html_holds_only_what_is_allowed(parts in parts(), sender in words()) {
        let event = parts.event();
        let html = rendered_with(&event, &TextTemplate::default(), None, &sender).html;
        let attributes = [
            "href", "target", "rel", "class", "width", "height", "alt", "title", "src", "start",
            "data-mx-maths", "data-mx-color", "data-mx-bg-color", "data-mx-spoiler",
        ];
        for token in Tokenizer::new(&html) {
            let Ok(Token::StartTag(tag)) = token else { continue };
            let name = String::from_utf8_lossy(&tag.name).into_owned();
            prop_assert!(!["script", "style", "svg", "math", "iframe", "mx-reply"].contains(&&*name));
            for (attribute, value) in &tag.attributes {
                let attribute = String::from_utf8_lossy(attribute).into_owned();
                let value = String::from_utf8_lossy(value).into_owned();
                prop_assert!(attributes.contains(&&*attribute), "{html}");
                if matches!(&*attribute, "href" | "src") {
                    prop_assert!(value.starts_with("https://m.example/m/"), "{html}");
                }
            }
        }
        prop_assert!(!html.contains("<script"), "{html}");
    }

    #[test]
    fn xml_is_well_formed(parts in parts()) {
        let event = parts.event();
        let Some(xml) = rendered(&event).xmpp else {
            prop_assert!(shared_urls(&event).is_empty());
            return Ok(());
        };
        let message = format!("<message xmlns='jabber:client'>{xml}</message>");
        let document = roxmltree::Document::parse(&message);
        prop_assert!(document.is_ok(), "{:?} {xml:?}", document.err());
        let document = document.expect("it is");
        let targets: Vec<&str> = document.descendants().filter_map(|node| node.attribute("target")).collect();
        prop_assert_eq!(targets, shared_urls(&event));
    }
}
