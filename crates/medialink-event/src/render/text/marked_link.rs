//! A link of a line, behind a mark that warns before anybody follows it.

use super::super::{item::Item, line::one_line, media_link::MediaLink, wording::Wording};

/// The mark where there is no room for the reason of a warning.
const BARE_MARK: &str = "[!] ";

/// A link and its mark, such as `[spoiler] `.
pub(super) struct Marked<'a> {
    mark: String,
    url: &'a str,
}

impl<'a> Marked<'a> {
    pub(super) fn of(item: &Item<'a>, link: &MediaLink<'a>, wording: &dyn Wording) -> Self {
        let thumbnail = (item.is_only_thumbnail()).then(|| wording.thumbnail_only());
        let warning = item.warning();
        let warning =
            warning.map(|(is_spoiler, reason)| wording.warning(is_spoiler, reason.as_deref()));
        let marks = warning.into_iter().chain(thumbnail);
        Self {
            mark: marks
                .map(|mark| format!("[{}] ", one_line(&mark, " ")))
                .collect(),
            url: link.url,
        }
    }

    /// The link behind as much of a mark as fits.
    pub(super) fn fitted(&self, max_bytes: usize) -> String {
        let bare = if self.mark.is_empty() { "" } else { BARE_MARK };
        [self.mark.as_str(), bare]
            .iter()
            .map(|mark| format!("{mark}{}", self.url))
            .find(|link| link.len() <= max_bytes)
            .unwrap_or_else(|| self.url.to_owned())
    }

    pub(super) fn len(&self) -> usize {
        self.mark.len() + self.url.len()
    }
}

impl std::fmt::Display for Marked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.mark, self.url)
    }
}

/// The number of links that are left out, in words.
pub(super) fn rest(count: usize, wording: &dyn Wording) -> String {
    match count {
        0 => String::new(),
        count => format!(" ({})", one_line(&wording.more(count), " ")),
    }
}
