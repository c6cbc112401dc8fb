//! The HTML of one event.

use std::collections::HashMap;

use medialink_link::matrix::MxcUri;

use crate::{SharedEvent, html::shows_nothing, human};

use super::super::{
    item::{Item, ItemKind},
    markdown::readable,
    media_link::MediaLink,
    names,
    style::RenderStyle,
    wording::{English, Wording},
    words::Words,
};
use super::{allowed, foreign, writer::HtmlWriter};

/// The media and the words of the event.
pub(in crate::render) fn html(
    event: &SharedEvent,
    words: &Words<'_>,
    items: &[Item<'_>],
    links: &[MediaLink<'_>],
    style: &RenderStyle<'_>,
) -> String {
    let mut page = Page {
        writer: HtmlWriter::default(),
        is_edit: event.is_edit,
        links: links
            .iter()
            .filter_map(|link| Some((link.media.mxc.as_ref().ok()?, link)))
            .collect(),
    };
    let has_words = items.iter().any(Item::has_the_words);
    let is_alone = match items {
        [item] => item.media.details.caption.is_none() && (has_words || *words == Words::Nothing),
        _ => false,
    };
    for item in items {
        if is_alone {
            page.item(item);
        } else {
            page.writer.open_plain("div");
            page.item(item);
            page.writer.close("div");
            page.caption(item);
        }
    }
    match words {
        Words::Text {
            plain,
            html,
            is_emote,
            place,
        } if items.is_empty() => {
            if *is_emote {
                page.writer
                    .text(&format!("* {} ", names::sender(event, style)));
            }
            page.words(plain, *html);
            if let Some(place) = place {
                page.writer.text(&format!(" ({place})"));
            }
        }
        Words::Text { plain, html, .. } if !has_words => {
            page.writer.open_plain("div");
            page.words(plain, *html);
            page.writer.close("div");
        }
        Words::Poll { question, answers } => page.poll(question, answers),
        Words::Text { .. } | Words::Nothing => {}
    }
    page.writer.finish()
}

/// The HTML of one event.
struct Page<'a> {
    writer: HtmlWriter,
    is_edit: bool,
    links: HashMap<&'a MxcUri, &'a MediaLink<'a>>,
}

impl Page<'_> {
    /// Formatted text, or plain text if there is none.
    fn words(&mut self, plain: &str, html: Option<&str>) {
        match html.filter(|html| !shows_nothing(html)) {
            Some(html) => {
                foreign::write(html, &mut self.writer, |mxc| self.links.get(mxc).copied())
            }
            None => self.writer.lines(&readable(plain, None)),
        }
    }

    /// A link to one thing, or its picture. Media behind a warning is neither shown nor loaded before
    /// somebody asks for it.
    fn item(&mut self, item: &Item<'_>) {
        match item.warning() {
            Some((is_spoiler, reason)) => {
                let warning = English.warning(is_spoiler, reason.as_deref());
                self.writer.open_plain("details");
                self.writer.open_plain("summary");
                self.writer.text(&capitalized(&warning));
                self.writer.close("summary");
                self.link(item, false);
                self.writer.close("details");
            }
            None => self.link(item, item.is_picture()),
        }
    }

    fn link(&mut self, item: &Item<'_>, is_picture: bool) {
        let noun = item.kind.noun();
        let noun = noun.split_once(' ').map_or(noun, |(_, noun)| noun);
        let name = names::name(item).unwrap_or_else(|| noun.to_owned());
        let is_picture = is_picture && item.link.is_some_and(MediaLink::is_media);
        let Some(link) = item.link else {
            let action = item.kind.action(self.is_edit);
            match (&item.media.mxc, names::name(item)) {
                (Ok(_), _) => self.writer.text(&name),
                // Otherwise it would read as if the sender had typed the name.
                (Err(_), Some(name)) => self.writer.text(&format!("{action}: {name}")),
                (Err(_), None) => self.writer.text(&action),
            }
            self.facts(item);
            return;
        };
        self.writer
            .open("a", |attribute| (attribute == "href").then_some(link.url));
        if is_picture {
            let width = link.media.details.width;
            let width = width.map(|width| width.min(allowed::MAX_SIDE).to_string());
            self.writer.open("img", |attribute| match attribute {
                "src" => Some(link.url),
                "alt" => Some(&name),
                "width" => width.as_deref(),
                _ => None,
            });
        } else {
            self.writer.text(&name);
        }
        self.writer.close("a");
        if !is_picture {
            self.facts(item);
        }
    }

    /// Its size and its playing time.
    fn facts(&mut self, item: &Item<'_>) {
        let details = &item.media.details;
        let size = details.size.map(human::size);
        let duration = details.duration_ms.map(human::duration);
        let facts: Vec<String> = size.into_iter().chain(duration).collect();
        if !facts.is_empty() {
            self.writer.text(&format!(" ({})", facts.join(", ")));
        }
    }

    fn caption(&mut self, item: &Item<'_>) {
        let caption = item.media.details.caption.as_deref();
        let html = item.media.details.caption_html.as_deref();
        let is_name = item.kind == ItemKind::Sticker && item.media.details.filename.is_none();
        if let Some(caption) = caption.filter(|_| !is_name) {
            self.writer.open_plain("div");
            self.words(caption, html);
            self.writer.close("div");
        }
    }

    fn poll(&mut self, question: &str, answers: &[&str]) {
        self.writer.open_plain("p");
        self.writer.lines(question);
        self.writer.close("p");
        self.writer.open_plain("ol");
        for answer in answers {
            self.writer.open_plain("li");
            self.writer.lines(answer);
            self.writer.close("li");
        }
        self.writer.close("ol");
    }
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}
