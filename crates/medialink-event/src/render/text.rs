//! The text for plain networks: one line, as short as it has to be.

use std::borrow::Cow;

use crate::{SharedEvent, human};

use super::{
    Linked, Style, html,
    item::{Item, What, linked},
    line::{one_line, shortened, shortened_name},
    says::Says,
    template::{Field, TextTemplate},
};

/// What stands where a line of a text ended.
const LINE_END: &str = " / ";
/// What still warns where there is no room to say of what.
const BARE_MARK: &str = "[!] ";

/// What the event says and shares, in one line.
pub(super) fn text(
    event: &SharedEvent,
    says: &Says<'_>,
    items: &[Item<'_>],
    style: &Style<'_>,
) -> String {
    if items.is_empty() {
        without_media(event, says, style)
    } else {
        Line::of(event, says, items, style).fitted()
    }
}

/// The name of whoever sent it, or nothing.
pub(super) fn sender(event: &SharedEvent, style: &Style<'_>) -> String {
    let name = one_line(style.sender_name, " ");
    match &event.sender {
        Some(sender) if name.is_empty() => one_line(sender.as_str(), " "),
        _ => name,
    }
}

/// What is said in plain words. Spoilers in formatted text stay hidden: plain text has no spoilers.
pub(super) fn plain_words<'a>(plain: &'a str, html: Option<&str>) -> Cow<'a, str> {
    match html {
        Some(html) if plain.is_empty() || html::may_hide(html) => {
            Cow::Owned(html::plain_text(html))
        }
        _ => Cow::Borrowed(plain),
    }
}

/// A message without media. The sender is named where the template names them.
fn without_media(event: &SharedEvent, says: &Says<'_>, style: &Style<'_>) -> String {
    let sender = Some(sender(event, style))
        .filter(|sender| !sender.is_empty() && style.template.names(Field::Sender));
    let edited = if event.is_edit { "[edited] " } else { "" };
    let text = match says {
        Says::Nothing => return String::new(),
        Says::Text {
            plain,
            html,
            is_emote,
            place,
        } => {
            let mut words = one_line(&plain_words(plain, *html), LINE_END);
            if let Some(place) = place {
                words = format!("{words} ({place})").trim_start().to_owned();
            }
            match sender {
                _ if words.is_empty() => return String::new(),
                Some(sender) if *is_emote => format!("* {edited}{sender} {words}"),
                Some(sender) => format!("{sender}: {edited}{words}"),
                None => format!("{edited}{words}"),
            }
        }
        Says::Poll { question, answers } => {
            let asks = sender.map_or("poll".to_owned(), |sender| {
                format!(
                    "{sender} {} a poll",
                    if event.is_edit { "edited" } else { "started" }
                )
            });
            let mut text = format!("{asks}: {}", one_line(question, LINE_END));
            for (index, answer) in answers.iter().enumerate() {
                text += if index == 0 { " - " } else { LINE_END };
                text += &one_line(answer, " ");
            }
            text
        }
    };
    let max_bytes = style.max_bytes.unwrap_or(usize::MAX);
    shortened(&text, max_bytes).unwrap_or_default()
}

/// The values of a template's placeholders.
struct Line<'a> {
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
}

/// A link, and what is to be known before it is followed.
struct Marked<'a> {
    mark: String,
    url: &'a str,
}

impl<'a> Line<'a> {
    fn of(event: &SharedEvent, says: &Says<'_>, items: &[Item<'a>], style: &Style<'a>) -> Self {
        let single = match items {
            [item] => Some(item),
            _ => None,
        };
        let details = single.map(|item| &item.media.details);
        let (what, action) = match single {
            Some(item) => (item.what.noun().to_owned(), item.what.action(event.is_edit)),
            None => {
                let what = several(items);
                let action = format!("{} {what}", if event.is_edit { "edited" } else { "sent" });
                (what, action)
            }
        };
        let duration = details.and_then(|details| details.duration_ms);
        let mimetype = details.and_then(|details| details.mimetype.as_deref());
        Self {
            template: style.template,
            max_bytes: style.max_bytes,
            sender: sender(event, style),
            action,
            what,
            name: single.and_then(name).unwrap_or_default(),
            size: total_size(items).map(human::size).unwrap_or_default(),
            dimensions: single.and_then(dimensions).unwrap_or_default(),
            duration: duration.map(human::duration).unwrap_or_default(),
            mimetype: mimetype.map(|text| one_line(text, " ")).unwrap_or_default(),
            caption: caption(says, items),
            network: one_line(style.network, " "),
            links: linked(items).iter().map(Marked::of).collect(),
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
    /// down to one, then the sender. What is still too long ends as the link alone.
    fn fitted(mut self) -> String {
        let mut links = self.links_up_to(self.links.len());
        let mut text = self.filled(&links);
        let Some(max_bytes) = self.max_bytes else {
            return text;
        };
        // Each step takes away as many bytes as are too many.
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
        shown.join(" ") + &rest(self.links.len() - count)
    }

    /// As many links as fit, and at least one.
    fn links_within(&self, max_bytes: usize) -> String {
        let all = self.links.len();
        let mut length = 0;
        let mut count = 0;
        for (index, link) in self.links.iter().enumerate() {
            length += link.len() + usize::from(index > 0);
            if length + rest(all - index - 1).len() <= max_bytes {
                count = index + 1;
            }
        }
        self.links_up_to(count.max(1))
    }
}

/// Says how many links are left out.
fn rest(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!(" (and {count} more)"),
    }
}

impl<'a> Marked<'a> {
    fn of((item, link): &(Item<'a>, &'a Linked<'a>)) -> Self {
        let thumbnail = if item.is_only_thumbnail() {
            "[thumbnail only] "
        } else {
            ""
        };
        let warning = item.warning().map(|warning| format!("[{warning}] "));
        Self {
            mark: warning.unwrap_or_default() + thumbnail,
            url: link.url,
        }
    }

    /// The link behind as much of a mark as fits.
    fn fitted(&self, max_bytes: usize) -> String {
        let bare = if self.mark.is_empty() { "" } else { BARE_MARK };
        [self.mark.as_str(), bare]
            .iter()
            .map(|mark| format!("{mark}{}", self.url))
            .find(|link| link.len() <= max_bytes)
            .unwrap_or_else(|| self.url.to_owned())
    }

    fn len(&self) -> usize {
        self.mark.len() + self.url.len()
    }
}

impl std::fmt::Display for Marked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.mark, self.url)
    }
}

/// The file's name. That of a sticker is what is said of it, and that of a voice message is the
/// recorder's idea.
pub(super) fn name(item: &Item<'_>) -> Option<String> {
    let details = &item.media.details;
    let name = match item.what {
        What::Voice => None,
        What::Sticker => details.filename.as_ref().or(details.caption.as_ref()),
        _ => details.filename.as_ref(),
    };
    name.map(|name| one_line(name, " "))
        .filter(|name| !name.is_empty())
}

fn dimensions(item: &Item<'_>) -> Option<String> {
    let details = &item.media.details;
    Some(format!("{}x{}", details.width?, details.height?))
}

/// The length of all of them, if it is known of each.
fn total_size(items: &[Item<'_>]) -> Option<u64> {
    let mut sizes = items.iter().map(|item| item.media.details.size);
    sizes.try_fold(0_u64, |total, size| total.checked_add(size?))
}

/// `3 images`, or `3 files` if they are of several kinds.
fn several(items: &[Item<'_>]) -> String {
    let first = items.first().map_or(What::File, |item| item.what);
    let alike = items.iter().all(|item| item.what == first);
    let what = if alike { first } else { What::File };
    format!("{} {}", items.len(), what.plural())
}

/// What is said of what is shared: the words of the event if they stand beside it, then the
/// captions.
fn caption(says: &Says<'_>, items: &[Item<'_>]) -> String {
    let words = match says {
        Says::Text { plain, html, .. } if !items.iter().any(Item::has_the_words) => {
            Some(plain_words(plain, *html))
        }
        _ => None,
    };
    let own = items
        .iter()
        .filter(|item| item.what != What::Sticker || item.media.details.filename.is_some())
        .filter_map(Item::caption);
    let lines: Vec<String> = words
        .into_iter()
        .chain(own)
        .map(|caption| one_line(&caption, LINE_END))
        .filter(|line| !line.is_empty())
        .collect();
    lines.join(LINE_END)
}
