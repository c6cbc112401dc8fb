//! The line of an event with media, and how it is shortened.

use crate::{SharedEvent, human};

use super::super::{
    item::{Item, linked},
    line::{one_line, shortened, shortened_name},
    names::{name, sender},
    style::RenderStyle,
    template::{Field, TextTemplate},
    wording::Wording,
    words::Words,
};
use super::{
    marked_link::{Marked, rest},
    values::{caption, common_kind, dimensions, total_size},
};

/// The values of a template's placeholders.
pub(super) struct MediaLine<'a> {
    template: &'a TextTemplate,
    max_bytes: Option<usize>,
    sender: String,
    action: String,
    what: String,
    name: String,
    size: String,
    dimensions: String,
    duration: String,
    mimetype: String,
    caption: String,
    network: String,
    links: Vec<Marked<'a>>,
    wording: &'a dyn Wording,
}

impl<'a> MediaLine<'a> {
    pub(super) fn of(
        event: &SharedEvent,
        words: &Words<'_>,
        items: &[Item<'a>],
        style: &RenderStyle<'a>,
        wording: &'a dyn Wording,
    ) -> Self {
        let single = match items {
            [item] => Some(item),
            _ => None,
        };
        let details = single.map(|item| &item.media.details);
        let (kind, count) = (common_kind(items), items.len());
        let duration = details.and_then(|details| details.duration_ms);
        let mimetype = details.and_then(|details| details.mimetype.as_deref());
        Self {
            template: style.template,
            max_bytes: style.max_bytes,
            sender: sender(event, style),
            action: one_line(&wording.action(kind, count, event.is_edit), " "),
            what: one_line(&wording.things(kind, count), " "),
            name: single.and_then(name).unwrap_or_default(),
            size: total_size(items)
                .map(|bytes| one_line(&wording.size(bytes), " "))
                .unwrap_or_default(),
            dimensions: single.and_then(dimensions).unwrap_or_default(),
            duration: duration.map(human::duration).unwrap_or_default(),
            mimetype: mimetype.map(|text| one_line(text, " ")).unwrap_or_default(),
            caption: caption(words, items),
            network: one_line(style.network, " "),
            links: linked(items)
                .iter()
                .map(|(item, link)| Marked::of(item, link, wording))
                .collect(),
            wording,
        }
    }

    fn filled(&self, links: &str) -> String {
        self.template.filled(&|field| {
            let value = match field {
                Field::Sender => &self.sender,
                Field::Action => &self.action,
                Field::What => &self.what,
                Field::Name => &self.name,
                Field::Size => &self.size,
                Field::Dimensions => &self.dimensions,
                Field::Duration => &self.duration,
                Field::Type => &self.mimetype,
                Field::Caption => &self.caption,
                Field::Network => &self.network,
                Field::Url => return Some(links),
            };
            Some(value)
        })
    }

    /// The text, if need be shortened: first the caption, then the name, then the number of links
    /// down to one, then the sender. If it is still too long, only the link is left.
    pub(super) fn fitted(mut self) -> String {
        let mut links = self.links_up_to(self.links.len());
        let mut text = self.filled(&links);
        let Some(max_bytes) = self.max_bytes else {
            return text;
        };
        // Each step removes as many bytes as are too many.
        let left = |part: &str, text: &str| (part.len() + max_bytes).saturating_sub(text.len());
        if text.len() > max_bytes {
            let left = left(&self.caption, &text);
            self.caption = shortened(&self.caption, left).unwrap_or_default();
            text = self.filled(&links);
        }
        if text.len() > max_bytes {
            let left = left(&self.name, &text);
            self.name = shortened_name(&self.name, left).unwrap_or_default();
            text = self.filled(&links);
        }
        if text.len() > max_bytes && self.links.len() > 1 {
            links = self.links_within(left(&links, &text));
            text = self.filled(&links);
        }
        if text.len() > max_bytes {
            let left = left(&self.sender, &text);
            self.sender = shortened(&self.sender, left).unwrap_or_default();
            text = self.filled(&links);
        }
        if text.len() <= max_bytes {
            return text;
        }
        match self.links.first() {
            None => shortened(&text, max_bytes).unwrap_or_default(),
            Some(first) => first.fitted(max_bytes),
        }
    }

    /// The first links, each behind its mark; of the others their number.
    fn links_up_to(&self, count: usize) -> String {
        let shown: Vec<String> = self.links[..count].iter().map(Marked::to_string).collect();
        shown.join(" ") + &rest(self.links.len() - count, self.wording)
    }

    /// As many links as fit, and at least one.
    fn links_within(&self, max_bytes: usize) -> String {
        let all = self.links.len();
        let mut length = 0;
        let mut count = 0;
        for (index, link) in self.links.iter().enumerate() {
            length += link.len() + usize::from(index > 0);
            if length + rest(all - index - 1, self.wording).len() <= max_bytes {
                count = index + 1;
            }
        }
        self.links_up_to(count.max(1))
    }
}
